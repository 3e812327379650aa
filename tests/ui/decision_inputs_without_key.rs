use whytrace::prelude::*;

fn main() {
    let query = "robots";
    decision!("source_selected", what = "exa", why = "best", inputs = { query.len() });
}
