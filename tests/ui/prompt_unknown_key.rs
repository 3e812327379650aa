use whytrace::prelude::*;

prompt! { SUPPORT = "support", templat = "Help with {{ ticket }}" }

fn main() {}
