use whytrace::prelude::*;

#[traced_stage(boxed)]
fn search() {}

fn main() {}
