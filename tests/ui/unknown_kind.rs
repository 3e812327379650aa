use whytrace::prelude::*;

#[observable(kind = lllm)]
fn generate() {}

fn main() {}
