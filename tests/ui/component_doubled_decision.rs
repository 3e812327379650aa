use whytrace::prelude::*;

#[derive(TracingComponent)]
#[component(name = "loader", decisions("a", "b", "a"))]
struct Loader;

fn main() {}
