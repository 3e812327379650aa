//! Whose names a span speaks: one room for each convention, each a table from the document's facts to attributes.
//!
//! The facts themselves (`whytrace.*`) always go out; profiles add the names that a backend looks for. Profiles combine: where two
//! use the same attribute, both mean the same value.

mod genai;
mod langfuse;
mod message;
mod mlflow;
mod phoenix;
mod whytrace;

pub(crate) use self::mlflow::linked_prompts;
use crate::convert::attributes::Attributes;
use crate::convert::tree::{Node, Subject, Tree};
use trace_core::model::{LlmCall, Trace};
pub(crate) use whytrace::{error_of, events, outcome_of};

/// A convention for the names of attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// The OpenTelemetry conventions for generative AI, version 1.41: Jaeger, Tempo, Grafana and everything else that reads OTLP.
    GenAi,
    /// MLflow 3.6 and newer.
    Mlflow,
    /// Langfuse 3 and newer.
    Langfuse,
    /// Arize Phoenix, and others that read OpenInference.
    Phoenix,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::GenAi, Self::Mlflow, Self::Langfuse, Self::Phoenix];

    /// The word for it in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GenAi => "genai",
            Self::Mlflow => "mlflow",
            Self::Langfuse => "langfuse",
            Self::Phoenix => "phoenix",
        }
    }

    /// The version of the convention whose names are used, for people who compare.
    #[must_use]
    pub const fn convention(self) -> &'static str {
        match self {
            Self::GenAi => "OpenTelemetry semantic conventions 1.41.1, gen_ai.*",
            Self::Mlflow => "MLflow 3.17",
            Self::Langfuse => "Langfuse 4.16, ingestion version 4",
            Self::Phoenix => "OpenInference of August 2026",
        }
    }
}

/// A word that names no profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no profile: expected genai, mlflow, langfuse, phoenix, or all")]
pub struct UnknownProfile(String);

/// Which conventions are used together.
///
/// ```
/// use trace_otel::{Profile, Profiles};
/// let profiles: Profiles = "genai, mlflow".parse().unwrap();
/// assert!(profiles.has(Profile::Mlflow) && !profiles.has(Profile::Phoenix));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profiles(u8);

impl Profiles {
    /// Only the facts themselves, `whytrace.*`.
    pub const NONE: Self = Self(0);

    /// Every convention at once: larger spans, for a collector that feeds several backends.
    #[must_use]
    pub fn all() -> Self {
        Profile::ALL.into_iter().collect()
    }

    /// Whether it is one of them.
    #[must_use]
    pub const fn has(self, profile: Profile) -> bool {
        self.0 & 1 << profile as u8 != 0
    }

    /// With one more.
    #[must_use]
    pub const fn with(self, profile: Profile) -> Self {
        Self(self.0 | 1 << profile as u8)
    }

    /// Whether one of them has names for the input and output of every span.
    pub(crate) const fn shows_content(self) -> bool {
        self.has(Profile::Mlflow) || self.has(Profile::Langfuse) || self.has(Profile::Phoenix)
    }
}

impl Default for Profiles {
    /// `genai` alone.
    fn default() -> Self {
        Self::NONE.with(Profile::GenAi)
    }
}

impl FromIterator<Profile> for Profiles {
    fn from_iter<I: IntoIterator<Item = Profile>>(profiles: I) -> Self {
        profiles.into_iter().fold(Self::NONE, Self::with)
    }
}

impl From<Profile> for Profiles {
    fn from(profile: Profile) -> Self {
        Self::NONE.with(profile)
    }
}

impl std::str::FromStr for Profiles {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        words.try_fold(Self::NONE, |profiles, word| {
            if word.eq_ignore_ascii_case("all") {
                return Ok(Self::all());
            }
            let named = Profile::ALL.into_iter().find(|profile| word.eq_ignore_ascii_case(profile.as_str()));
            named.map(|profile| profiles.with(profile)).ok_or_else(|| UnknownProfile(word.chars().take(80).collect()))
        })
    }
}

/// Everything that is said of a span.
pub(crate) fn attributes(tree: &Tree<'_>, node: &Node<'_>, profiles: Profiles) -> Attributes {
    let mut to = Attributes::default();
    whytrace::attributes(tree, node, profiles.shows_content(), &mut to);
    if profiles.has(Profile::Mlflow) {
        mlflow::attributes(tree, node, &mut to);
    }
    if profiles.has(Profile::Langfuse) {
        langfuse::attributes(tree, node, &mut to);
    }
    if profiles.has(Profile::Phoenix) {
        phoenix::attributes(tree, node, &mut to);
    }
    if profiles.has(Profile::GenAi) {
        genai::attributes(tree, node, &mut to);
    }
    to
}

/// The name of a span. The conventions' own names (`chat gpt-4o-mini`) are used where they are the only ones: backends made for LLM calls
/// show kind and model beside the name, and people look for the names of their functions.
pub(crate) fn name(tree: &Tree<'_>, node: &Node<'_>, profiles: Profiles) -> String {
    let conventional = (profiles == Profiles::default()).then(|| genai::name(tree.trace, node)).flatten();
    conventional.unwrap_or_else(|| match node.subject {
        Subject::Run(_) => project(tree.trace).to_owned(),
        Subject::Stage(name, _) => name.to_owned(),
        Subject::Observation(observation) => observation.name.clone(),
        Subject::Decision(decision) => format!("decide {}", decision.decision),
    })
}

/// The name of the trace's project.
pub(crate) fn project(trace: &Trace) -> &str {
    [trace.project_name.as_str(), trace.project_id.as_str()]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or("whytrace")
}

/// The session, where the trace belongs to one: without one, the document names the trace itself, which is no conversation.
fn session(trace: &Trace) -> Option<&str> {
    Some(trace.session_id.as_str()).filter(|session| !session.is_empty() && *session != trace.trace_id)
}

/// The model call behind a span.
fn call<'a>(node: &Node<'a>) -> Option<&'a LlmCall> {
    match node.subject {
        Subject::Observation(observation) => observation.llm.as_deref(),
        Subject::Run(_) | Subject::Stage(..) | Subject::Decision(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_read_as_people_write_them() {
        assert_eq!("MLflow,genai".parse(), Ok(Profiles::default().with(Profile::Mlflow)));
        assert_eq!("all".parse(), Ok(Profiles::all()));
        assert_eq!("".parse(), Ok(Profiles::NONE));
        assert_eq!(
            "jaeger".parse::<Profiles>().unwrap_err().to_string().split(':').next(),
            Some("`jaeger` is no profile")
        );
    }
}
