use whytrace::prelude::*;

#[traced_run(query = query)]
fn research(query: &str) -> usize {
    query.len()
}

fn main() {}
