use whytrace::prelude::*;

#[traced_stage("synthesis", kind = llm, project = "cobot")]
fn synthesize() {}

fn main() {}
