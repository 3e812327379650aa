use whytrace::prelude::*;

#[traced_run("cobot")]
fn research() {}

fn main() {}
