use whytrace::prelude::*;

#[traced_stage]
const fn limit() -> usize {
    3
}

const LIMIT: usize = limit();

fn main() {
    let _ = LIMIT;
}
