use whytrace::prelude::*;

const PROMPT: &str = "Help!";

#[observable(kind = llm, prompt = PROMPT)]
fn generate() {}

fn main() {}
