use whytrace::prelude::*;

struct Loader;

register_component!(Loader);

fn main() {}
