//! The smallest useful program: a run with two stages, one decision, one observed model call.
use whytrace::prelude::*;

#[traced_run(project = "smallest", query = question)]
fn answer(question: &str) -> String {
    let source = choose(question);
    whytrace::stage("synthesis").scope(|| draft(source))
}

#[traced_stage("collection", input(question))]
fn choose(question: &str) -> &'static str {
    decision!("source_selected", what = "handbook", why = "it names returns", confidence = 0.9, alternatives = ["web" => 0.3]);
    "Send it back within 30 days."
}

#[observable("draft", kind = llm, model = "echo-1", input(source), output)]
fn draft(source: &str) -> String {
    source.to_owned() // your model call
}

fn main() {
    let _guard = whytrace::init();
    answer("Can I send it back?");
}
