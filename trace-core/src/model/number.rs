//! A number that may be no number: JSON has no NaN and no infinities, so they are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`.

use serde::{Deserialize, Deserializer, Serializer};

/// Writes a number, or the text for it.
pub(super) fn serialize<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match *number {
        finite if finite.is_finite() => serializer.serialize_f64(finite),
        f64::INFINITY => serializer.serialize_str("Infinity"),
        f64::NEG_INFINITY => serializer.serialize_str("-Infinity"),
        _ => serializer.serialize_str("NaN"),
    }
}

/// Reads a number, or the text for one; nothing is no number.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(f64),
        Text(String),
        Nothing(()),
    }
    match Either::deserialize(deserializer)? {
        Either::Number(number) => Ok(number),
        Either::Text(text) => text.parse().map_err(|_| serde::de::Error::custom(format!("`{text}` is not a number"))),
        Either::Nothing(()) => Ok(f64::NAN),
    }
}
