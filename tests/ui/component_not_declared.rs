use whytrace::prelude::*;

struct Loader;

#[traced_stage(component = Loader)]
fn load() {}

fn main() {}
