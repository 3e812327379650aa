use whytrace::prelude::*;

#[observable(skip)]
fn search() {}

fn main() {}
