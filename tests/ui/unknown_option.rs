use whytrace::prelude::*;

#[traced_stage(inptu(query))]
fn search(query: &str) -> usize {
    query.len()
}

fn main() {
    // The function is still there: this is no second error.
    search("robots");
}
