use whytrace::prelude::*;

fn main() {
    decision!("source_selected", what = "exa", why = "best", confidence = 1.5);
}
