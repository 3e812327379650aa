use whytrace::prelude::*;

fn main() {
    decision!("source_selected", what = "exa", wy = "best", why = "best");
}
