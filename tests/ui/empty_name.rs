use whytrace::prelude::*;

#[traced_stage("")]
fn search() {}

fn main() {}
