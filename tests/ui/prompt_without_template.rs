use whytrace::prelude::*;

prompt! { SUPPORT = "support" }

fn main() {}
