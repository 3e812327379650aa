use whytrace::prelude::*;

use futures_util::stream::{self, Stream};

#[traced_run(project = "cobot")]
fn research() -> impl Stream<Item = u8> {
    stream::empty()
}

fn main() {}
