//! A decision on its way to the collector: its parts on one tape.
//!
//! Comes in: the parts of a `decision!`, in the order in which the user wrote them. Goes out: the same parts, as [`Draft`], on the collector's
//! side. Each part is a tag and its values, so a part may be missing or come twice, and the last one counts.

use super::tape::{Reader, Tape};
use crate::model::Object;

/// What part of a decision comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Part {
    What,
    Why,
    Confidence,
    Alternative,
    Input,
}

impl Part {
    const ALL: [Self; 5] = [Self::What, Self::Why, Self::Confidence, Self::Alternative, Self::Input];
}

/// The parts of a decision, as they are written.
#[derive(Debug, Default)]
pub(crate) struct DecisionTape(pub(super) Tape);

impl DecisionTape {
    pub(super) fn what(&mut self, what: &str) {
        self.part(Part::What).str(what);
    }

    pub(super) fn why(&mut self, why: &str) {
        self.part(Part::Why).str(why);
    }

    pub(super) fn confidence(&mut self, confidence: f64) {
        self.part(Part::Confidence).f64(confidence);
    }

    pub(super) fn alternative(&mut self, option: &str, confidence: f64) {
        let tape = self.part(Part::Alternative);
        tape.str(option);
        tape.f64(confidence);
    }

    pub(super) fn input(&mut self, name: &str) -> &mut Tape {
        let tape = self.part(Part::Input);
        tape.key(name);
        tape
    }

    fn part(&mut self, part: Part) -> &mut Tape {
        self.0.byte(part as u8);
        &mut self.0
    }
}

/// A decision, read back.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Draft {
    pub(crate) what: String,
    pub(crate) why: String,
    pub(crate) confidence: Option<f64>,
    pub(crate) alternatives: Vec<(String, f64)>,
    pub(crate) inputs: Object,
}

impl Draft {
    /// What was written with a [`DecisionTape`].
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut draft = Self::default();
        let mut reader = Reader::new(bytes);
        while draft.read_part(&mut reader).is_some() {}
        draft
    }

    fn read_part(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        match Part::ALL.get(usize::from(reader.byte()?))? {
            Part::What => self.what = reader.string()?,
            Part::Why => self.why = reader.string()?,
            Part::Confidence => self.confidence = Some(reader.double()?),
            Part::Alternative => self.alternatives.push((reader.string()?, reader.double()?)),
            Part::Input => {
                let (name, value) = reader.entry()?;
                self.inputs.insert(name, value);
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::{DecisionTape, Draft};
    use serde_json::json;

    fn bytes(write: impl FnOnce(&mut DecisionTape)) -> Vec<u8> {
        let mut tape = DecisionTape::default();
        write(&mut tape);
        tape.0.as_bytes().to_vec()
    }

    #[test]
    fn parts_are_read_back_in_whatever_order_they_were_written() {
        let written = bytes(|tape| {
            tape.input("query").str("robots");
            tape.why("best coverage");
            tape.alternative("google", 0.6);
            tape.confidence(f64::NAN);
            tape.alternative("reddit", 0.4);
            tape.what("exa");
            tape.input("nested").serialize(&json!({"depth": [1, 2]})).unwrap();
            tape.confidence(0.9);
        });
        let draft = Draft::read(&written);
        assert_eq!((draft.what.as_str(), draft.why.as_str(), draft.confidence), ("exa", "best coverage", Some(0.9)));
        assert_eq!(draft.alternatives, [("google".to_owned(), 0.6), ("reddit".to_owned(), 0.4)]);
        assert_eq!(json!(draft.inputs), json!({"query": "robots", "nested": {"depth": [1, 2]}}));
    }

    #[test]
    fn a_tape_that_ends_early_gives_the_parts_before_its_end() {
        let mut written = bytes(|tape| {
            tape.what("exa");
            tape.why("best coverage");
        });
        written.truncate(written.len() - 3);
        assert_eq!(Draft::read(&written), Draft { what: "exa".to_owned(), ..Draft::default() });
    }
}
