use whytrace::prelude::*;

prompt! { SUPPORT = "support", template = "Help with {{ ticket" }

fn main() {}
