use whytrace::prelude::*;

#[traced_stage("search", name = "find")]
fn search() {}

fn main() {}
