use whytrace::prelude::*;

fn main() {
    decision!(what = "exa", why = "best");
    decision!();
}
