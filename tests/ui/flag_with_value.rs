use whytrace::prelude::*;

#[traced_stage(stream = true)]
fn search() {}

fn main() {}
