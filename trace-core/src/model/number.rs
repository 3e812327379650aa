//! Numbers that a pipeline computes, in JSON: NaN and the infinities are the texts `"NaN"`, `"Infinity"`, `"-Infinity"`.
//!
//! For `#[serde(with = "number")]` on an `f64`, and `#[serde(with = "number::option")]` on an `Option<f64>`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number as JSON holds it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Finite(f64),
    Word(Word),
}

#[derive(Serialize, Deserialize)]
enum Word {
    NaN,
    Infinity,
    #[serde(rename = "-Infinity")]
    NegativeInfinity,
}

impl From<f64> for Written {
    fn from(number: f64) -> Self {
        if number.is_finite() {
            Self::Finite(number)
        } else if number.is_nan() {
            Self::Word(Word::NaN)
        } else if number > 0.0 {
            Self::Word(Word::Infinity)
        } else {
            Self::Word(Word::NegativeInfinity)
        }
    }
}

impl From<Written> for f64 {
    fn from(written: Written) -> Self {
        match written {
            Written::Finite(number) => number,
            Written::Word(Word::NaN) => Self::NAN,
            Written::Word(Word::Infinity) => Self::INFINITY,
            Written::Word(Word::NegativeInfinity) => Self::NEG_INFINITY,
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
pub(super) fn serialize<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    Written::from(*number).serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    // Others write `null` for what is no number.
    Option::<Written>::deserialize(deserializer).map(|written| written.map_or(f64::NAN, f64::from))
}

pub(super) mod option {
    use super::Written;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[allow(clippy::ref_option)] // serde's signature
    pub(in super::super) fn serialize<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        number.map(Written::from).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        Ok(Option::<Written>::deserialize(deserializer)?.map(f64::from))
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{EvidenceItem, Score};

    #[test]
    fn what_is_no_number_is_written_as_a_word_and_read_back() {
        for (number, text) in [
            (f64::NAN, r#""NaN""#),
            (f64::INFINITY, r#""Infinity""#),
            (f64::NEG_INFINITY, r#""-Infinity""#),
            (0.1, "0.1"),
            (2.0, "2.0"),
        ] {
            let score = serde_json::to_string(&Score::new("A", number)).unwrap();
            assert!(score.contains(&format!(r#""score":{text}"#)), "{score}");
            let read: Score = serde_json::from_str(&score).unwrap();
            assert_eq!(read.score.to_bits(), number.to_bits());

            let item = EvidenceItem { score: Some(number), ..EvidenceItem::default() };
            let read: EvidenceItem = serde_json::from_str(&serde_json::to_string(&item).unwrap()).unwrap();
            assert_eq!(read.score.map(f64::to_bits), Some(number.to_bits()));
        }
        assert!(serde_json::from_str::<Score>(r#"{"score":"high"}"#).is_err());
        assert_eq!(serde_json::from_str::<Score>(r#"{"score":2}"#).unwrap().score, 2.0);
    }
}
