use whytrace::prelude::*;

prompt! { SUPPORT = "1st support", template = "Help!" }

fn main() {}
