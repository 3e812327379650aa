use whytrace::prelude::*;

prompt! { SUPPORT = "support", file = "no/such/file.txt" }

fn main() {}
