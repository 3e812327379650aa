//! The first stage: a question in, a brief out: what kind of question it is, about what, asked of which documents.

use crate::choice::Choice;
use crate::corpus::Corpus;
use crate::error::Error;
use crate::retrieval::Index;
use crate::text::{Space, terms};
use crate::tokens;
use serde_json::json;
use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::thread;
use whytrace::Ctx;
use whytrace::prelude::*;

/// What the pipeline is asked to do.
#[derive(Debug)]
pub struct Brief {
    /// The question, as asked.
    pub query: String,
    /// Its terms.
    pub terms: Vec<String>,
    /// What kind of question it is, with the kinds it might be instead.
    pub intent: Choice<Intent>,
    /// Which field it is about.
    pub domain: &'static str,
    /// The documents.
    pub corpus: Corpus,
    /// The vector space of their passages.
    pub space: Space,
    /// Their passages, ready to be searched.
    pub index: Index,
}

/// What kind of answer a question wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// How or why something is.
    Explaining,
    /// How things differ.
    Comparing,
    /// Whether something is so.
    Validating,
    /// What there is.
    Surveying,
    /// Where one thing is.
    Locating,
}

impl fmt::Display for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Explaining => "explaining",
            Self::Comparing => "comparing",
            Self::Validating => "validating",
            Self::Surveying => "surveying",
            Self::Locating => "locating",
        })
    }
}

/// The stage's decisions and outputs, as declared.
#[derive(TracingComponent)]
#[component(
    name = "intake",
    decisions("intent_classified", "domain_detected"),
    outputs("documents", "passages", "terms")
)]
struct Intake;

/// Words that give an intent away; a cue at the very beginning of the question counts double.
const CUES: [(Intent, &[&str]); 5] = [
    (Intent::Explaining, &["how", "why", "explain", "describe", "happens", "work", "works"]),
    (Intent::Comparing, &["compare", "versus", "vs", "difference", "differ", "better", "between", "instead", "than"]),
    (Intent::Validating, &["is", "are", "does", "do", "can", "verify", "true", "whether", "really", "check"]),
    (Intent::Surveying, &["all", "list", "overview", "which", "survey", "every", "options", "summarize", "summarise"]),
    (Intent::Locating, &["where", "who", "when", "find", "name", "file", "path", "locate"]),
];

/// Words of a field; the general field has none and wins when nothing else is seen.
const FIELDS: [(&str, &str); 6] = [
    ("observability", "trace tracing span metric telemetry logging event instrumentation observability latency"),
    ("databases", "database sql query table index transaction postgres sqlite schema migration row"),
    ("machine learning", "model training prompt token embedding llm dataset neural inference generation"),
    ("software engineering", "code function compile crate library test build release interface macro thread"),
    ("science", "experiment hypothesis cell energy species particle measurement theory sample molecule"),
    ("business", "market customer revenue price contract invoice strategy sales budget competitor"),
];

/// Prepares a question about the documents of a folder.
///
/// # Errors
/// The folder cannot be read.
#[traced_stage("intake", component = Intake, input(query), output(|brief| brief.figures()))]
pub fn intake(query: &str, folder: &Path) -> Result<Brief, Error> {
    let brief = thread::scope(|scope| {
        // It takes a moment; meanwhile the corpus is read. What runs on another thread is told where it belongs.
        scope.spawn(Ctx::current().in_fn(tokens::load));
        Corpus::read(folder).map(|corpus| Brief::new(query, corpus))
    })?;
    whytrace::set_intent(brief.intent.best());
    whytrace::set_domain(brief.domain);
    Ok(brief)
}

impl Brief {
    /// A brief on a corpus that was read.
    pub fn new(query: &str, corpus: Corpus) -> Self {
        let space = Space::fit(corpus.passages.iter().map(|passage| passage.terms.as_slice()));
        let index = Index::build(&corpus.passages);
        let terms = topic(query);
        let intent = classify(query);
        let domain = detect_domain(&terms, &corpus, &space);
        Self { query: query.to_owned(), terms, intent, domain, corpus, space, index }
    }

    /// What was found out, for the trace.
    fn figures(&self) -> serde_json::Value {
        json!({ "terms": self.terms, "documents": self.corpus.documents.len(), "passages": self.corpus.passages.len() })
    }
}

/// The terms of a question. A cue at its beginning is an instruction (`compare …`, `list …`) and no part of the topic.
fn topic(query: &str) -> Vec<String> {
    let first = crate::text::words(query).next().unwrap_or_default();
    let instructs = CUES.iter().any(|(_, cues)| cues.contains(&first.to_lowercase().as_str()));
    let topic = if instructs { query.split_once(first).map_or(query, |(_, rest)| rest) } else { query };
    terms(topic)
}

/// Classifies a question by its cue words.
fn classify(query: &str) -> Choice<Intent> {
    let words: Vec<_> = crate::text::words(query).map(str::to_lowercase).collect();
    let is_cue = |word: &&str| CUES.iter().any(|(_, cues)| cues.contains(word));
    let cues: Vec<_> = words.iter().map(String::as_str).filter(is_cue).collect();
    let merit = |(intent, cues): &(Intent, &[&str])| {
        let cued = words.iter().filter(|word| cues.contains(&word.as_str())).count() as f64;
        let first = words.first().is_some_and(|word| cues.contains(&word.as_str()));
        // Half a cue for each, so that no intent is ever excluded by a word that is not there.
        (*intent, 0.5 + cued + if first { 1.0 } else { 0.0 })
    };
    let choice = Choice::between(merit(&CUES[0]), CUES[1..].iter().map(merit));
    decision!(
        "intent_classified",
        what = choice.best(),
        why = format!("of the words that give an intent away, the question has {}", cues.join(", ")),
        confidence = choice.confidence(),
        alternatives = choice.alternatives(),
        inputs = { query },
    );
    choice
}

/// Detects the field by its words: those in the question count fully, those in the corpus by how common they are there.
fn detect_domain(query: &[String], corpus: &Corpus, space: &Space) -> &'static str {
    let passages = corpus.passages.len().max(1) as f64;
    let merit = |(field, vocabulary): &(&'static str, &str)| {
        let vocabulary: HashSet<_> = terms(vocabulary).into_iter().collect();
        let asked = query.iter().filter(|term| vocabulary.contains(*term)).count() as f64;
        let common: f64 = vocabulary.iter().map(|term| space.document_frequency(term) as f64 / passages).sum();
        (*field, asked + common)
    };
    let choice = Choice::between(("general", 0.5), FIELDS.iter().map(merit));
    decision!(
        "domain_detected",
        what = choice.best(),
        why = "its vocabulary is the most common one in question and corpus",
        confidence = choice.confidence(),
        alternatives = choice.alternatives(),
        inputs = { terms: query, passages: corpus.passages.len() },
    );
    choice.into_best()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intents_are_read_from_cue_words() {
        assert_eq!(*classify("How does it work?").best(), Intent::Explaining);
        assert_eq!(*classify("Is SQLite better than Postgres? Compare the difference").best(), Intent::Comparing);
        assert_eq!(*classify("Where is the trace file?").best(), Intent::Locating);
        assert_eq!(*classify("Is it true that traces survive?").best(), Intent::Validating);
        assert_eq!(*classify("List all options").best(), Intent::Surveying);
        assert_eq!(*classify("zxqv").best(), Intent::Explaining);
    }

    #[test]
    fn an_instruction_is_not_part_of_the_topic() {
        assert_eq!(topic("Compare rows and files"), terms("rows and files"));
        assert_eq!(topic("Rows compare to files"), terms("rows compare files"));
        assert!(topic("").is_empty());
    }

    #[test]
    fn the_domain_comes_from_question_and_corpus() {
        let mut corpus = Corpus::default();
        corpus.add("a.md".into(), "A row of a table is found by its index. A transaction holds the schema.");
        let brief = Brief::new("Which database keeps rows?", corpus);
        assert_eq!(brief.domain, "databases");
        assert_eq!(Brief::new("zxqv", Corpus::default()).domain, "general");
    }
}
