use whytrace::prelude::*;

#[traced_stage(input(query, query = query.len()))]
fn search(query: &str) -> usize {
    query.len()
}

fn main() {}
