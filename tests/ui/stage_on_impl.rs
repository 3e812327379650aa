use whytrace::prelude::*;

struct Web;

#[traced_stage]
impl Web {
    fn fetch(&self) {}
}

fn main() {
    Web.fetch();
}
