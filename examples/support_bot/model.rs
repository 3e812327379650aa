//! The model behind the server. It knows the cause and the fix of every problem, and writes at length unless the prompt asks for one line each.

use crate::tickets::PROBLEMS;
use std::time::Duration;

/// What a model like this takes to begin, for a token it reads and for one it writes: a hundredth of what a real one takes.
const TO_BEGIN: Duration = Duration::from_millis(4);
const TO_READ: Duration = Duration::from_micros(5);
const TO_WRITE: Duration = Duration::from_micros(120);

/// An answer, and what it took.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The text.
    pub(crate) text: String,
    /// Tokens read.
    pub(crate) prompt_tokens: u32,
    /// Tokens written.
    pub(crate) completion_tokens: u32,
    /// How long it takes.
    pub(crate) takes: Duration,
}

/// Loads what counts tokens, so that the first answer does not take longer than the others.
pub(crate) fn load() {
    tokens("");
}

/// Answers a prompt.
pub(crate) fn answer(prompt: &str) -> Answer {
    let text = write(prompt);
    let (prompt_tokens, completion_tokens) = (tokens(prompt), tokens(&text));
    let takes = TO_BEGIN + TO_READ * prompt_tokens + TO_WRITE * completion_tokens;
    Answer { text, prompt_tokens, completion_tokens, takes }
}

fn write(prompt: &str) -> String {
    let Some((problem, cause, fix)) = PROBLEMS.iter().find(|(problem, ..)| prompt.contains(problem)) else {
        return "I am sorry, I do not know what to do about this. I pass your ticket on to a colleague.".to_owned();
    };
    if prompt.contains("one line each") {
        return format!("ISSUE: {problem}\nCAUSE: {cause}\nFIX: {fix}");
    }
    let tried = prompt.split(". ").find(|sentence| sentence.starts_with("I have "));
    let tried = tried.map_or(String::new(), |tried| {
        let tried = tried.trim_end_matches('.').replacen("I have", "you have", 1);
        format!(" Thank you for telling us that {tried}; that was a sensible thing to do.")
    });
    format!(
        "Thank you for your message, and sorry for the trouble.{tried}\n\nYou write that {problem}. The most likely reason is that \
         {cause}. This happens now and then and is no fault of yours.\n\nPlease {fix}. If that does not help, answer to this message, and a \
         colleague will look into it."
    )
}

/// The tokens of a text, in the encoding of the model whose name the server uses.
fn tokens(text: &str) -> u32 {
    u32::try_from(tiktoken_rs::o200k_base_singleton().encode_ordinary(text).len()).unwrap_or(u32::MAX)
}
