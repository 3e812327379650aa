use whytrace::prelude::*;

#[traced_run(project = "cobot", tags = { tier: "free", tier: "paid" })]
fn research() {}

fn main() {}
