use whytrace::prelude::*;

fn main() {
    decision!("source_selected", what = "exa", why = "best", alternatives = ["google", "reddit"]);
}
