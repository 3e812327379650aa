use whytrace::prelude::*;

fn main() {
    decision!("source_selected", what = "exa", why = "best", confidence = "high");
    let sure = String::from("very");
    decision!("source_selected", what = "exa", why = "best", confidence = sure);
}
