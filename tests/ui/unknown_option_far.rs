use whytrace::prelude::*;

#[observable(verbosity = 3)]
fn search() {}

fn main() {}
