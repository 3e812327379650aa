//! One document: Markdown or plain text in, passages out. Plain text is Markdown without markup.
//!
//! A passage is what retrieval finds and an answer cites: some paragraphs under one heading, about a hundred words.

use crate::text::{sentences, terms, words};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// A passage takes paragraphs until it has this many words.
const ENOUGH_WORDS: usize = 80;

/// A passage that would have more words begins a new one instead.
const MOST_WORDS: usize = 180;

/// A file that was read.
#[derive(Debug)]
pub struct Document {
    /// Its path, relative to the corpus.
    pub path: String,
}

/// Some paragraphs of a document.
#[derive(Clone, Debug)]
pub struct Passage {
    /// `path#number`, counted from 1 in each document.
    pub id: String,
    /// Which document, by index.
    pub document: usize,
    /// The headings above it, outermost first, joined by ` › `.
    pub heading: String,
    /// Its text, without markup.
    pub text: String,
    /// The terms of heading and text.
    pub terms: Vec<String>,
}

/// Splits a document into passages.
pub fn passages(document: usize, path: &str, text: &str) -> Vec<Passage> {
    let mut builder = Builder { document, path, passages: Vec::new(), headings: Vec::new(), text: String::new() };
    builder.markdown(text);
    builder.flush();
    builder.passages
}

struct Builder<'a> {
    document: usize,
    path: &'a str,
    passages: Vec<Passage>,
    headings: Vec<(usize, String)>,
    text: String,
}

impl Builder<'_> {
    /// Walks the blocks of a Markdown text. Code, images and raw HTML are left out: they are no prose.
    fn markdown(&mut self, text: &str) {
        let mut block = String::new();
        let mut silent = 0_usize;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS) {
            match event {
                Event::Start(Tag::CodeBlock(_) | Tag::MetadataBlock(_) | Tag::Image { .. } | Tag::HtmlBlock) => {
                    silent += 1;
                }
                Event::End(TagEnd::CodeBlock | TagEnd::MetadataBlock(_) | TagEnd::Image | TagEnd::HtmlBlock) => {
                    silent = silent.saturating_sub(1);
                }
                Event::Start(Tag::Heading { .. }) => self.paragraph(&mut block),
                Event::End(TagEnd::Heading(level)) => self.heading(level as usize, &mut block),
                Event::Start(Tag::Item)
                | Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::TableHead | TagEnd::TableRow) => {
                    self.paragraph(&mut block);
                }
                Event::End(TagEnd::TableCell) => block.push_str(" | "),
                Event::Text(text) | Event::Code(text) if silent == 0 => block.push_str(&text),
                Event::SoftBreak | Event::HardBreak => block.push(' '),
                _ => {}
            }
        }
        self.paragraph(&mut block);
    }

    fn heading(&mut self, level: usize, block: &mut String) {
        self.flush();
        self.headings.retain(|(outer, _)| *outer < level);
        self.headings.push((level, std::mem::take(block).trim().to_owned()));
    }

    /// Adds a paragraph to the passage at hand, or sentence by sentence where it alone would be too long.
    fn paragraph(&mut self, block: &mut String) {
        let block = std::mem::take(block);
        let block = block.trim().trim_end_matches('|').trim_end();
        if words(block).take(MOST_WORDS + 1).count() <= MOST_WORDS && block.len() <= 8 * MOST_WORDS {
            self.append(block, "\n");
        } else {
            for sentence in sentences(block) {
                self.append(sentence, " ");
            }
        }
    }

    fn append(&mut self, text: &str, separator: &str) {
        if text.is_empty() {
            return;
        }
        let (have, more) = (words(&self.text).count(), words(text).count());
        if have >= ENOUGH_WORDS || have > 0 && have + more > MOST_WORDS {
            self.flush();
        }
        if !self.text.is_empty() {
            self.text.push_str(separator);
        }
        self.text.push_str(text);
    }

    /// Ends the passage at hand.
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        let headings: Vec<_> = self.headings.iter().map(|(_, heading)| heading.as_str()).collect();
        let heading = headings.join(" › ");
        let terms = terms(&format!("{heading}\n{text}"));
        if words(&text).next().is_some() {
            let id = format!("{}#{}", self.path, self.passages.len() + 1);
            self.passages.push(Passage { id, document: self.document, heading, text, terms });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(path: &str, text: &str) -> Vec<(String, String)> {
        passages(0, path, text).into_iter().map(|passage| (passage.heading, passage.text)).collect()
    }

    #[test]
    fn passages_carry_their_headings_and_no_markup() {
        let text = "# Guide\nIntro *here*.\n## Use\n- one `item`\n- [two](x)\n\n```rust\ncode();\n```\n# End\nBye.";
        let expected = [("Guide", "Intro here."), ("Guide › Use", "one item\ntwo"), ("End", "Bye.")];
        assert_eq!(texts("a.md", text), expected.map(|(h, t)| (h.to_owned(), t.to_owned())));
    }

    #[test]
    fn a_table_row_is_a_line() {
        assert_eq!(texts("a.md", "| a | b |\n|---|---|\n| one | two |")[0].1, "a | b\none | two");
    }

    #[test]
    fn long_paragraphs_are_split_between_sentences() {
        let text = "This sentence has exactly six words. ".repeat(100);
        let parts = texts("a.txt", &text);
        assert!(parts.len() > 3);
        assert!(parts.iter().all(|(_, part)| words(part).count() <= MOST_WORDS && part.ends_with("words.")));
    }

    #[test]
    fn text_without_any_space_stays_bounded() {
        let parts = texts("a.txt", &"x".repeat(100_000));
        assert!(parts.iter().all(|(_, part)| part.len() <= 2_000));
    }
}
