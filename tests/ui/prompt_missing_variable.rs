use whytrace::prelude::*;

prompt! { SUPPORT = "support", template = "Help {{ customer }} with {{ ticket }}" }

fn main() {
    let _ = SUPPORT { customer: "Ada" }.render();
}
