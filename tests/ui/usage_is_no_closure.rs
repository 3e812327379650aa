use whytrace::prelude::*;

#[observable(kind = llm, usage = 5, response(text))]
fn generate() -> String {
    String::new()
}

fn main() {}
