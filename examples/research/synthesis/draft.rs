//! An answer: sentences, each with the passages it cites. Text with citations such as `[2]` or `[1, 3]` in, and out again.

use crate::text::{printable, sentences, terms, words};
use std::collections::BTreeSet;
use std::fmt;

/// An answer to the question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// Its sentences, in order.
    pub sentences: Vec<Sentence>,
    /// The model that wrote it.
    pub model: String,
}

/// A sentence of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sentence {
    /// Its text, without citations.
    pub text: String,
    /// The passages it cites, as numbers from 1.
    pub citations: Vec<usize>,
    /// The terms of its text.
    pub terms: Vec<String>,
}

impl Sentence {
    /// A sentence that cites passages.
    pub fn new(text: impl Into<String>, citations: Vec<usize>) -> Self {
        let text = text.into();
        let terms = terms(&text);
        Self { text, citations, terms }
    }
}

impl Draft {
    /// Reads an answer that a model wrote. A citation belongs to the sentence before it, also behind the full stop.
    pub fn parse(answer: &str, model: impl Into<String>) -> Self {
        let mut draft = Self { sentences: Vec::new(), model: model.into() };
        for part in sentences(&printable(answer)) {
            let (text, citations) = take_citations(part);
            match draft.sentences.last_mut() {
                Some(last) if words(&text).next().is_none() => last.citations.extend(citations),
                _ if words(&text).next().is_none() => {}
                Some(last) if part.starts_with('[') => {
                    // "… a fact. [1] Another fact." is split before the bracket: the citation looks back.
                    let leading =
                        part.split(']').next().map_or(0, |bracket| take_citations(&format!("{bracket}]")).1.len());
                    let mut citations = citations.into_iter();
                    last.citations.extend(citations.by_ref().take(leading));
                    draft.sentences.push(Sentence::new(text, citations.collect()));
                }
                _ => draft.sentences.push(Sentence::new(text, citations)),
            }
        }
        draft
    }

    /// The passages that it cites, as numbers from 1.
    pub fn citations(&self) -> BTreeSet<usize> {
        self.sentences.iter().flat_map(|sentence| sentence.citations.iter().copied()).collect()
    }

    /// How many words it has.
    pub fn words(&self) -> usize {
        self.sentences.iter().map(|sentence| words(&sentence.text).count()).sum()
    }
}

impl fmt::Display for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, sentence) in self.sentences.iter().enumerate() {
            if number > 0 {
                f.write_str(" ")?;
            }
            f.write_str(&sentence.text)?;
            for citation in &sentence.citations {
                write!(f, " [{citation}]")?;
            }
        }
        Ok(())
    }
}

/// Splits a text into what is said and what is cited.
fn take_citations(text: &str) -> (String, Vec<usize>) {
    let (mut said, mut cited) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let numbers = after.split_once(']').and_then(|(inside, after)| {
            let numbers: Result<Vec<usize>, _> = inside.split(',').map(|number| number.trim().parse()).collect();
            numbers.ok().map(|numbers| (numbers, after))
        });
        if let Some((numbers, after)) = numbers {
            said.push_str(before.trim_end());
            cited.extend(numbers);
            rest = after;
        } else {
            said.push_str(before);
            said.push('[');
            rest = after;
        }
    }
    said.push_str(rest);
    (said.trim().to_owned(), cited)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(answer: &str) -> Vec<(String, Vec<usize>)> {
        Draft::parse(answer, "m").sentences.into_iter().map(|s| (s.text, s.citations)).collect()
    }

    fn expected(list: &[(&str, &[usize])]) -> Vec<(String, Vec<usize>)> {
        list.iter().map(|(text, citations)| ((*text).to_owned(), citations.to_vec())).collect()
    }

    #[test]
    fn citations_are_found_before_and_behind_the_full_stop() {
        let answer = "Traces are files [1]. They survive. [2, 3] So does the stream [1][4].";
        let sentences: &[(&str, &[usize])] =
            &[("Traces are files.", &[1]), ("They survive.", &[2, 3]), ("So does the stream.", &[1, 4])];
        assert_eq!(parsed(answer), expected(sentences));
        assert_eq!(parsed("The end. [7]"), expected(&[("The end.", &[7])]));
    }

    #[test]
    fn other_brackets_stay_text() {
        assert_eq!(parsed("Use `#[derive]` here [1]."), expected(&[("Use `#[derive]` here.", &[1])]));
        assert!(parsed("").is_empty());
        assert!(parsed("[1]").is_empty());
    }

    #[test]
    fn an_answer_is_written_with_its_citations() {
        let draft = Draft::parse("One [1]. Two is here [2].", "m");
        assert_eq!(draft.to_string(), "One. [1] Two is here. [2]");
        assert_eq!(draft.words(), 4);
    }
}
