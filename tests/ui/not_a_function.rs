use whytrace::prelude::*;

#[traced_stage]
struct Search;

#[observable]
enum Kind {
    A,
}

#[traced_run(project = "cobot")]
mod inner {}

#[traced_stage]
static COUNT: u8 = 1;

#[observable]
trait Source {
    fn fetch(&self);
}

fn main() {
    let _ = (Search, Kind::A, COUNT);
}
