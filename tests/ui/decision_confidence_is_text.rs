use whytrace::prelude::*;

struct Sure;

fn main() {
    decision!("source_selected", what = "exa", why = "best", confidence = "high");
    let sure = Sure;
    decision!("source_selected", what = "exa", why = "best", confidence = sure);
}
