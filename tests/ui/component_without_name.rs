use whytrace::prelude::*;

#[derive(TracingComponent)]
#[component(decisions("rubric_loaded"))]
struct Loader;

fn main() {
    // The trait is implemented all the same: this is no second error.
    let _ = Loader::DECISIONS;
}
