use whytrace::prelude::*;

struct Web;

#[observable("web", input(query), kind = tool)]
impl Web {
    fn fetch(&self, query: &str) -> usize {
        query.len()
    }
}

fn main() {}
