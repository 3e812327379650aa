use whytrace::prelude::*;

#[derive(TracingComponent)]
#[component(name = "loader", decision("rubric_loaded"))]
struct Loader;

fn main() {}
