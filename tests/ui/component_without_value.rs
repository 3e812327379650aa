use whytrace::prelude::*;

#[traced_stage(component)]
fn search() {}

fn main() {}
