//! Which kinds of events are wanted.

use std::collections::BTreeSet;
use std::sync::Arc;

/// A set of kinds of events, by the words of the stream's `event` field. It is data, so that the collector can look at it without running
/// anybody's code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kinds(Option<Arc<BTreeSet<String>>>);

impl Kinds {
    /// Every kind, also those of newer versions.
    #[must_use]
    pub fn all() -> Self {
        Self(None)
    }

    /// These kinds and no others.
    #[must_use]
    pub fn only(kinds: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(Some(Arc::new(kinds.into_iter().map(Into::into).collect())))
    }

    /// Whether events of this kind are wanted.
    #[must_use]
    pub fn contains(&self, kind: &str) -> bool {
        self.0.as_ref().is_none_or(|kinds| kinds.contains(kind))
    }
}
