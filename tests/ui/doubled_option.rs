use whytrace::prelude::*;

#[traced_stage("search", input(query), input(query.len()))]
fn search(query: &str) -> usize {
    query.len()
}

fn main() {}
