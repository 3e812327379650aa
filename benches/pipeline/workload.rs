//! A trace as programs make it: five stages, eight decisions, two model calls with 8 KiB of prompt and response together.

use std::hint::black_box;
use std::sync::LazyLock;
use whytrace::prelude::*;

/// Half of a model call: a prompt, or a response.
static TEXT: LazyLock<String> = LazyLock::new(|| "a word and ".repeat(400)[..4 << 10].to_owned());

/// The whole pipeline; to be called in a trace.
pub(crate) fn pipeline(n: u64) {
    plan(n);
    search(n);
    read(n);
    write(n);
    check(n);
}

#[traced_stage("plan", input(n))]
fn plan(n: u64) {
    decide("intent_chosen", n);
    decide("depth_chosen", n);
}

#[traced_stage("search", input(n))]
fn search(n: u64) {
    for source in ["source_1", "source_2", "source_3"] {
        decide(source, n);
    }
}

#[traced_stage("read", input(n))]
fn read(n: u64) {
    decide("page_kept", n);
    black_box(generate(&TEXT));
}

#[traced_stage("write", input(n))]
fn write(n: u64) {
    decide("outline_chosen", n);
    black_box(generate(&TEXT));
}

#[traced_stage("check", input(n))]
fn check(n: u64) {
    decide("accepted", n);
}

#[observable("generate", kind = llm, model = "gpt-4o-mini", input(prompt), response(|text| *text))]
fn generate(prompt: &str) -> &'static str {
    black_box(prompt);
    &TEXT
}

/// One decision with all that it can say.
pub(crate) fn decide(subject: &str, n: u64) {
    decision!(
        "source_selected",
        what = "exa_search",
        why = "broadest coverage of company news",
        confidence = 0.9,
        alternatives = ["google" => 0.6, "reddit" => 0.4],
        inputs = { subject, n }
    );
}

/// One observation and nothing in it.
#[observable("step", kind = "tool", input(n))]
pub(crate) fn observed(n: u64) -> u64 {
    black_box(n)
}
