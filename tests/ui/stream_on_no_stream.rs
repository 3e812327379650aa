use whytrace::prelude::*;

#[observable(stream)]
fn search() -> Vec<u8> {
    Vec::new()
}

fn main() {}
