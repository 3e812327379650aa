use whytrace::prelude::*;

#[traced_stage(input = query)]
fn search(query: &str) -> usize {
    query.len()
}

fn main() {}
