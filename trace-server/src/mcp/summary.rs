//! What `trace_summary` answers: the figures of many runs, all together and in groups.

use schemars::JsonSchema;
use serde::Serialize;
use trace_store::query::{Figures, Group, GroupBy, QueryError, Store, Window};

/// How many groups of a kind are told, the largest first.
const GROUPS: usize = 10;

/// Many runs in figures.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Summary {
    /// Which runs: those that began in this time.
    window: Window,
    /// All of them.
    all: Figures,
    /// By project, the 10 largest.
    by_project: Vec<Group>,
    /// By intent, the 10 largest.
    by_intent: Vec<Group>,
    /// By subject area, the 10 largest.
    by_domain: Vec<Group>,
    /// By calendar day (UTC), the 10 newest.
    by_day: Vec<Group>,
}

impl Summary {
    pub(crate) async fn of(store: &Store, window: Window) -> Result<Self, QueryError> {
        let groups = async |by| {
            let mut groups = store.summary_by(by, window).await?;
            groups.truncate(GROUPS);
            Ok::<_, QueryError>(groups)
        };
        Ok(Self {
            window,
            all: store.summary(window).await?,
            by_project: groups(GroupBy::Project).await?,
            by_intent: groups(GroupBy::Intent).await?,
            by_domain: groups(GroupBy::Domain).await?,
            by_day: groups(GroupBy::Day).await?,
        })
    }
}
