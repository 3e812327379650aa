use whytrace::prelude::*;

#[traced_stage(5)]
fn search() {}

#[traced_stage(name = format!("{}", 1))]
fn find() {}

fn main() {}
