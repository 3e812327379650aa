use whytrace::prelude::*;

#[observable(kind = llm, usage(|text| text.len()))]
fn generate() -> String {
    String::new()
}

fn main() {}
