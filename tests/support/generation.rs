//! What the tests of generation pipelines share: a model that answers what it is told to, a check, and texts.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use whytrace::generation::{Artifact, Finding};
use whytrace::prelude::*;

pub(crate) const PROMPT: &str = "Write a `TodoStore`.\n\tKeep the tab, the é and the \u{1F600}.";
pub(crate) const RESPONSE: &str = "class TodoStore:\n  pass  \n\n";
pub(crate) const TEMPLATE: &str = "# {{ name }}\n{{ body }}\n";

#[observable("ask", kind = llm, model = "small-1", response(|answer| answer))]
pub(crate) fn ask(prompt: &str, answer: &str) -> String {
    whytrace::llm(LlmCall::new().message("user", prompt).parameter("temperature", 0.2));
    whytrace::llm(
        LlmCall::new().usage(Usage::new(41, 9)).attempt(Attempt::failed(1, 3.0, "busy")).attempt(Attempt::ok(2, 5.0)),
    );
    answer.to_owned()
}

/// No `pass` in line 3; mending only ever adds a blank line, so it stays.
pub(crate) fn passes(artifact: &Artifact) -> Vec<Finding> {
    let line = artifact.text.lines().position(|line| line.trim() == "pass");
    let finding =
        |line: usize| Finding::new("EmptyBody", "the body is empty").at(line as u64 + 1, 3).within(&artifact.text);
    line.map(finding).into_iter().collect()
}
