use whytrace::prelude::*;

#[traced_stage(input_all)]
fn search() {}

fn main() {}
