//! Text as the pipeline sees it: words, terms (stemmed words without stop words), sentences.
//!
//! Everything that compares texts, retrieval, summary or gate, compares these terms, so they agree on what a match is.

mod space;

pub use space::{Space, Vector};

use rust_stemmers::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

/// Longer words are keys, hashes or encoded data; nobody asks for them.
const LONGEST_WORD: usize = 40;

/// A sentence longer than this is cut: it is a table or a dump, and tokenizers are slow on those.
const LONGEST_SENTENCE: usize = 1_200;

/// English words that say nothing about the topic of a text.
const STOP_WORDS: &[&str] = &[
    "a", "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "because", "been", "before",
    "between", "both", "but", "by", "can", "did", "do", "does", "each", "for", "from", "had", "happen", "happens",
    "has", "have", "how", "if", "in", "into", "is", "it", "its", "may", "more", "most", "no", "not", "of", "on",
    "once", "one", "only", "or", "other", "our", "out", "over", "per", "same", "should", "so", "some", "such", "than",
    "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "through", "to", "too", "under",
    "until", "up", "was", "we", "were", "what", "when", "where", "which", "while", "who", "why", "will", "with",
    "without", "would", "you", "your",
];

/// The words of a text, as written.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.unicode_words()
}

/// The terms of a text: its words in lower case, stemmed, without stop words; `snake_case` counts as several words.
pub fn terms(text: &str) -> Vec<String> {
    let stemmer = Stemmer::create(Algorithm::English);
    words(text)
        .flat_map(|word| word.split('_'))
        .map(str::to_lowercase)
        .filter(|word| (2..=LONGEST_WORD).contains(&word.len()) && STOP_WORDS.binary_search(&word.as_str()).is_err())
        .map(|word| stemmer.stem(&word).into_owned())
        .collect()
}

/// The sentences of a text by the rules of Unicode (UAX 29), trimmed, none of them empty or longer than 1,200 bytes.
pub fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.unicode_sentences().map(|sentence| clip(sentence.trim(), LONGEST_SENTENCE)).filter(|s| !s.is_empty())
}

/// A text without control characters, which could make a terminal or a viewer do something; line breaks and tabs stay.
pub fn printable(text: &str) -> String {
    text.replace(|letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t'), " ")
}

/// At most `limit` bytes of a text, cut between characters.
pub fn clip(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_words_are_sorted_for_the_binary_search() {
        assert!(STOP_WORDS.is_sorted());
    }

    #[test]
    fn different_forms_of_a_word_are_one_term() {
        assert_eq!(terms("Recording the decisions"), terms("recorded decision"));
        assert_eq!(terms("traced_stage"), terms("traced stages"));
        assert!(terms("to be or not to be").is_empty());
    }

    #[test]
    fn a_long_sentence_is_cut_between_characters() {
        let text = "é".repeat(2_000);
        assert_eq!(sentences(&text).map(str::len).collect::<Vec<_>>(), [1_200]);
    }

    #[test]
    fn sentences_end_at_full_stops_and_not_inside_names() {
        let split: Vec<_> = sentences("It writes trace.json. Then it stops.").collect();
        assert_eq!(split, ["It writes trace.json.", "Then it stops."]);
    }
}
