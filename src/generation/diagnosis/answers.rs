//! Seven questions, and their answers in words.

use super::{Diagnosis, Failure, HealingRecord, ModelCall, Place, Transformation};
use serde_json::Value;
use std::fmt;
use trace_core::model::ErrorInfo;
use trace_core::text::{head, printable_block};

/// What whoever looks after a generation pipeline asks when it fails.
pub const QUESTIONS: [&str; 7] = [
    "What prompt was sent to the LLM?",
    "What did the LLM respond?",
    "How was the response transformed?",
    "Where did validation fail?",
    "What was the exact error?",
    "What healing was attempted?",
    "Why did healing fail?",
];

/// The texts before a transformation are shown up to so many bytes in an answer; [`Transformation::before`] has them whole.
const BEFORE: usize = 400;

/// A question and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// One of [`QUESTIONS`].
    pub question: &'static str,
    /// The answer, with the texts in full. Empty when the trace has none.
    pub answer: String,
}

impl Diagnosis {
    /// The answers to the seven [`QUESTIONS`], in their order.
    #[must_use]
    pub fn answers(&self) -> [Answer; 7] {
        let texts = [
            joined(self.calls.iter().map(|call| format!("{}\n{}", heading(call), messages(&call.messages)))),
            joined(self.calls.iter().map(|call| format!("{}\n{}", heading(call), response(call)))),
            joined(self.transformations.iter().map(transformed)),
            joined(self.failures.iter().map(where_it_failed)),
            joined(self.failures.iter().map(exact).chain(self.errors.iter().map(other_error))),
            joined(self.healing.iter().map(tried)),
            joined(self.healing.iter().filter_map(why_it_failed)),
        ];
        let mut texts = texts.into_iter();
        QUESTIONS.map(|question| Answer { question, answer: texts.next().unwrap_or_default() })
    }

    /// The answers for a terminal: nothing in them acts on it, and no answer is longer than `lines`, the longest ones being cut.
    #[must_use]
    pub fn brief(&self, lines: usize) -> String {
        let mut text = format!("{}: {}", self.trace_id, self.status);
        for (Answer { question, answer }, number) in self.answers().iter().zip(1..) {
            text.push_str(&format!("\n\n{number}. {question}"));
            let answer = if answer.is_empty() { "nothing of the kind is in the trace" } else { answer };
            let answer = printable_block(answer);
            let all = answer.lines().count();
            for line in answer.lines().take(lines) {
                text.push_str("\n   ");
                text.push_str(line);
            }
            if all > lines {
                text.push_str(&format!("\n   … {} more lines in the trace", all - lines));
            }
        }
        text
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.brief(usize::MAX))
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("\n\n")
}

fn heading(call: &ModelCall) -> String {
    let mut heading = place(&call.place);
    if let Some(name) = &call.prompt.prompt_name {
        heading.push_str(&format!(", prompt {name}"));
        heading.extend(call.prompt.prompt_version.map(|version| format!("@{version}")));
    }
    heading.extend(call.model.as_ref().map(|model| format!(", model {model}")));
    for (key, value) in &call.parameters {
        heading.push_str(&format!(", {key} {}", plain(value)));
    }
    heading + ":"
}

fn place(place: &Place) -> String {
    let mut text = place.stage.clone();
    if !place.name.is_empty() {
        text.push_str(&format!(" / {}", place.name));
    }
    text.extend(place.component.as_ref().map(|component| format!(" ({component})")));
    text
}

/// Text as it is, anything else as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The exact texts, each under who says it.
fn messages(value: &Value) -> String {
    let Value::Array(list) = value else { return plain(value) };
    let said = list.iter().map(|message| match (message.get("role").and_then(Value::as_str), message.get("content")) {
        (Some(role), Some(content)) => format!("[{role}]\n{}", plain(content)),
        _ => plain(message),
    });
    said.collect::<Vec<_>>().join("\n")
}

fn response(call: &ModelCall) -> String {
    let mut lines = Vec::new();
    for attempt in &call.attempts {
        if let Some(error) = &attempt.error {
            lines.push(format!("try {} failed: {error}", attempt.number));
        }
    }
    match (&call.response, &call.error) {
        (Value::Null, Some(error)) => lines.push(format!("nothing: {}", error.message)),
        (Value::Null, None) => lines.push("nothing that was recorded".to_owned()),
        (response, _) => lines.push(messages(response)),
    }
    lines.join("\n")
}

fn transformed(step: &Transformation) -> String {
    let before = plain(&step.before);
    let cut = head(&before, BEFORE);
    let more = if cut.len() < before.len() { format!(" … ({} bytes in all)", before.len()) } else { String::new() };
    let after = match &step.error {
        Some(error) => format!("failed: {}", error.message),
        None => plain(&step.after),
    };
    format!("{}, {}\nfrom: {cut}{more}\nto: {after}", place(&step.place), step.kind)
}

fn where_it_failed(failure: &Failure) -> String {
    let mut text = failure.file.clone().unwrap_or_else(|| place(&failure.place));
    for number in [failure.line, failure.column].into_iter().flatten() {
        text.push_str(&format!(":{number}"));
    }
    text.extend(failure.validation_type.as_ref().map(|checked| format!(" ({checked})")));
    text.push_str(&format!(", in {}", place(&failure.place)));
    text.extend(failure.context.as_ref().map(|context| format!("\n{context}")));
    text
}

fn exact(failure: &Failure) -> String {
    let kind = failure.error_type.as_ref().map_or_else(String::new, |kind| format!("{kind}: "));
    let line = failure.line.map_or_else(String::new, |line| format!(" (line {line})"));
    format!("{kind}{}{line}", failure.message)
}

fn other_error((at, error): &(Place, ErrorInfo)) -> String {
    let kind = error.kind.as_ref().map_or_else(String::new, |kind| format!("{kind}: "));
    let chain: String = error.chain.iter().map(|cause| format!("\ncaused by: {cause}")).collect();
    format!("{kind}{}, in {}{chain}", error.message, place(at))
}

fn tried(record: &HealingRecord) -> String {
    let mut lines = vec![format!(
        "{}: {} attempts, {}",
        record.file.clone().unwrap_or_else(|| place(&record.place)),
        record.attempts.len(),
        record.final_status.as_deref().unwrap_or("of unknown end"),
    )];
    for attempt in &record.attempts {
        let strategy = attempt.strategy.as_deref().unwrap_or("no strategy named");
        let came = match (&attempt.error, attempt.success) {
            (_, true) => "mended it".to_owned(),
            (Some(error), false) => error.clone(),
            (None, false) => "did not mend it".to_owned(),
        };
        lines.push(format!("attempt {} ({strategy}): {came}", attempt.attempt));
    }
    lines.join("\n")
}

fn why_it_failed(record: &HealingRecord) -> Option<String> {
    if record.final_status.as_deref() == Some("healed") {
        return None;
    }
    let file = record.file.clone().unwrap_or_else(|| place(&record.place));
    let ended = record.ended.as_deref().unwrap_or("it did not come to an end");
    let reason = record.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    Some(format!("{file}: {ended}{reason}"))
}
