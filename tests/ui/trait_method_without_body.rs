use whytrace::prelude::*;

trait Source {
    #[observable]
    fn fetch(&self) -> usize;
}

struct Web;

impl Source for Web {
    fn fetch(&self) -> usize {
        1
    }
}

fn main() {}
