use super::{Object, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};

/// A choice that the program made, with its reason.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Decision {
    /// 16 hex digits, unique in the trace.
    pub id: String,
    /// The observation it was made in, if any.
    pub observation_id: Option<String>,
    /// The decision point, such as `source_selected`.
    pub decision: String,
    /// What was chosen.
    pub what: String,
    /// Why it was chosen.
    pub why: String,
    /// How sure the program was, 0..=1; `null` when it did not say or said something outside.
    pub confidence: Option<f64>,
    /// What else was on the table.
    #[serde(deserialize_with = "alternatives")]
    pub alternatives_considered: Vec<Alternative>,
    /// What the decision was based on.
    pub inputs: Object,
    /// When it was made.
    pub timestamp: Option<Timestamp>,
    /// The component of the enclosing stage or observation.
    pub component: Option<String>,
    /// `file:line:column` of the `decision!`.
    pub location: Option<String>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// An option that was considered, with the confidence it had.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Alternative {
    /// The option.
    pub option: String,
    /// How good it looked, 0..=1, if known.
    pub confidence: Option<f64>,
}

impl Alternative {
    /// Reads the reference implementation's notation, `"google (0.6)"`.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let parsed = text.strip_suffix(')').and_then(|head| {
            let (option, confidence) = head.rsplit_once('(')?;
            let confidence: f64 = confidence.trim().parse().ok()?;
            Some(Self { option: option.trim_end().to_owned(), confidence: Some(confidence) })
        });
        parsed.unwrap_or_else(|| Self { option: text.to_owned(), confidence: None })
    }
}

fn alternatives<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Alternative>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        New(Alternative),
        Seed(String),
    }
    let list = Option::<Vec<Either>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(list
        .into_iter()
        .map(|either| match either {
            Either::New(alternative) => alternative,
            Either::Seed(text) => Alternative::from_text(&text),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_are_read_from_both_notations() {
        let text = r#"{"alternatives_considered":["google (0.6)","ask (a human)",{"option":"exa","confidence":null}]}"#;
        let decision: Decision = serde_json::from_str(text).unwrap();
        let options: Vec<_> =
            decision.alternatives_considered.iter().map(|a| (a.option.as_str(), a.confidence)).collect();
        assert_eq!(options, [("google", Some(0.6)), ("ask (a human)", None), ("exa", None)]);
    }
}
