//! One traced run, sent to a backend of OpenTelemetry. docs/opentelemetry.md says how to start one and what to set.
//!
//! ```text
//! WHYTRACE_OTLP_ENDPOINT=http://127.0.0.1:6006 WHYTRACE_OTLP_PROFILES=phoenix \
//!     cargo run --example otel_export --features otel -- "Can I send it back?"
//! ```
//!
//! The model is a stand-in that answers from a table, so that this runs anywhere; everything recorded about it is what a real one gives.

use whytrace::prelude::*;

prompt! { SUPPORT_BOT = "support_bot", template = "Answer the customer in one sentence, from this policy: {{policy}}\n\n{{question}}" }

const POLICIES: [(&str, &str); 3] = [
    ("returns", "Anything can be sent back within 30 days, unused."),
    ("shipping", "Orders leave the house within two working days."),
    ("warranty", "Devices are repaired free of charge for two years."),
];

const WORDS: [(&str, &[&str]); 3] = [
    ("returns", &["send", "back", "return", "refund"]),
    ("shipping", &["arrive", "ship", "when", "delivery"]),
    ("warranty", &["broken", "repair", "warranty"]),
];

/// Chooses the policy whose words the question uses most.
#[traced_stage("intake", input(question), output)]
fn intake(question: &str) -> &'static str {
    let lower = question.to_lowercase();
    let count = |words: &[&str]| words.iter().filter(|word| lower.contains(**word)).count();
    let mut found: Vec<(&'static str, usize)> = WORDS.iter().map(|(name, words)| (*name, count(words))).collect();
    found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let all: usize = found.iter().map(|(_, count)| count).sum();
    #[allow(clippy::cast_precision_loss)] // a handful of words
    let share = |count: usize| if all == 0 { 0.0 } else { count as f64 / all as f64 };
    let (chosen, hits) = found[0];
    decision!(
        "policy_selected",
        what = chosen,
        why = format!("{hits} of its words are in the question"),
        confidence = share(hits),
        alternatives = found[1..].iter().map(|(name, count)| (*name, share(*count))),
    );
    chosen
}

#[traced_stage("answer")]
fn answer(question: &str, policy: &str) -> Result<String, PolicyError> {
    let text = find(policy)?;
    let answer = ask(question, text);
    whytrace::score(Score::new("CITES-POLICY", if answer.contains(text) { 3.0 } else { 1.0 }));
    Ok(answer)
}

#[derive(Debug, thiserror::Error)]
#[error("there is no policy `{0}`")]
struct PolicyError(String);

#[observable("find_policy", kind = "retrieval", input(name), output)]
fn find(name: &str) -> Result<&'static str, PolicyError> {
    let found = POLICIES.iter().find(|(policy, _)| *policy == name);
    found.map(|(_, text)| *text).ok_or_else(|| PolicyError(name.to_owned()))
}

/// The stand-in for a model: repeats the policy. Tokens are counted as words.
#[observable("draft", kind = "llm", prompt = SUPPORT_BOT, model = "gpt-4o-mini", response(|r| r))]
fn ask(question: &str, policy: &str) -> String {
    let prompt = format!("Answer the customer in one sentence, from this policy: {policy}\n\n{question}");
    let answer = format!("{policy} Is there anything else?");
    let tokens = |text: &str| text.split_whitespace().count() as u64;
    whytrace::llm(
        LlmCall::new()
            .provider("openai")
            .message("user", prompt.as_str())
            .parameter("temperature", 0.2)
            .usage(Usage::new(tokens(&prompt), tokens(&answer)))
            .cost(Money::from_picodollars(38_400_000)),
    );
    answer
}

#[traced_run(project = "support", query = question, session = "conversation-7", user = "u-42", tags = { tier: "free" })]
fn support(question: &str) -> Result<String, PolicyError> {
    let policy = intake(question);
    answer(question, policy)
}

fn main() {
    let _guard = whytrace::init();
    let question = std::env::args().nth(1).unwrap_or_else(|| "Can I send it back?".to_owned());
    match support(&question) {
        Ok(answer) => println!("{answer}"),
        Err(error) => println!("{error}"),
    }
}
