use whytrace::prelude::*;

#[traced_stage(output, no_output)]
fn search() -> usize {
    0
}

fn main() {}
