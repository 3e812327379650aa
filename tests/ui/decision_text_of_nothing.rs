use whytrace::prelude::*;

struct Opaque;

fn main() {
    decision!("source_selected", what = Opaque, why = "best");
}
