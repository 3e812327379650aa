//! Executions on their way into the database: which version each was made with, and what the statistics of that version gain by it.
//!
//! Comes in: the rows of a batch of traces, before they are written. Goes out: the same rows with their versions, and at the end of the
//! transaction one update of the statistics. What is sent again is first taken back.

use super::statistics::{Changes, Counted};
use super::{IndexRow, select};
use crate::sql::dialect::Connection;
use crate::sql::rollups::{CallSums, calls_of};
use crate::sql::rows::{Execution, ObservationRow, TraceRows};
use crate::sql::value::{Row, Value, row};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use trace_core::model::{LlmCall, Money, PromptLink, Timestamp, Trace};
use trace_core::registry::registry_name;
use trace_core::sink::FinishedTrace;

row! {
    /// What is stored of an execution, as far as the statistics know it.
    struct StoredRow in "prompt_executions", key [trace_id, id], keep [] {
        trace_id: String,
        id: String,
        template_id: Option<String>,
        template_name: String,
        executed_at: Timestamp,
        success: bool,
        response_time_ms: Option<f64>,
        input_token_count: Option<i64>,
        output_token_count: Option<i64>,
        total_token_count: Option<i64>,
        cost_usd: Option<Money>,
    }
}

impl StoredRow {
    fn counted(&self) -> Counted {
        Counted {
            success: self.success,
            response_time_ms: self.response_time_ms,
            total_token_count: self.total_token_count,
            cost_usd: self.cost_usd,
        }
    }
}

calls_of!(StoredRow);

/// Whether this is no trace, but executions outside of any.
pub(crate) fn is_loose(finished: &FinishedTrace) -> bool {
    finished.trace.trace_id.is_empty()
}

/// The versions and stored executions that a batch is about.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    versions: HashMap<String, Vec<IndexRow>>,
    stored: HashMap<(String, String), StoredRow>,
    /// Executions outside any trace that this batch has had already.
    loose: HashSet<String>,
    changes: Changes,
}

impl Ledger {
    /// Reads what is to be known of the traces and loose executions of a batch; `again` are the ids of traces that are stored already.
    pub(crate) async fn open<'a>(
        connection: &mut Connection,
        batch: impl Iterator<Item = &'a FinishedTrace>,
        again: Vec<String>,
    ) -> Result<Self, sqlx::Error> {
        let (mut names, mut loose) = (BTreeSet::new(), Vec::new());
        for finished in batch {
            for (id, call) in calls(&finished.trace) {
                names.extend(name_of(call));
                if is_loose(finished) {
                    loose.push(id.to_owned());
                }
            }
        }
        let mut ledger = Self::default();
        if !names.is_empty() {
            let rest = format!("WHERE registry_name{} ORDER BY version", connection.in_list());
            let names = Value::List(names.into_iter().map(Cow::into_owned).collect());
            for row in select::<IndexRow>(connection, &rest, vec![names]).await? {
                ledger.versions.entry(row.registry_name.clone()).or_default().push(row);
            }
        }
        for (condition, ids) in [("WHERE trace_id", again), ("WHERE trace_id = '' AND id", loose)] {
            if !ids.is_empty() {
                let rest = format!("{condition}{}", connection.in_list());
                let rows = select::<StoredRow>(connection, &rest, vec![Value::List(ids)]).await?;
                ledger.stored.extend(rows.into_iter().map(|row| ((row.trace_id.clone(), row.id.clone()), row)));
            }
        }
        Ok(ledger)
    }

    /// Links the rows of a trace to the versions that are known, and counts its executions.
    pub(crate) fn enter(&mut self, rows: &mut TraceRows<'_>, sums: &mut CallSums) {
        rows.executions
            .retain(|execution| !execution.row.trace_id.is_empty() || self.loose.insert(execution.row.id.to_string()));
        for execution in &mut rows.executions {
            self.enter_execution(execution, sums);
        }
        self.link(rows);
    }

    /// Links the calls of a trace to the versions that are known, without counting anything.
    pub(crate) fn link(&self, rows: &mut TraceRows<'_>) {
        for observation in &mut rows.children.observations {
            self.link_observation(observation);
        }
    }

    fn enter_execution(&mut self, execution: &mut Execution<'_>, sums: &mut CallSums) {
        let Execution { row, version } = execution;
        let link = (row.prompt_registry_name.as_deref(), *version, row.template_hash.as_deref());
        let found = self.find(link).map(|found| found.id.clone());
        let stored = if self.stored.is_empty() {
            None
        } else {
            self.stored.remove(&(row.trace_id.to_string(), row.id.to_string()))
        };
        // What was linked once stays linked: the statistics count it there.
        row.template_id = stored.as_ref().and_then(|stored| stored.template_id.clone()).or(found).map(Cow::Owned);
        if let Some(stored) = &stored {
            sums.call(stored.into(), -1);
        }
        sums.call((&*row).into(), 1);
        if let Some(stored) = &stored
            && let Some(template_id) = &stored.template_id
        {
            self.changes.take_back(template_id, stored.counted());
        }
        if let Some(template_id) = &row.template_id {
            let counted = Counted {
                success: row.success,
                response_time_ms: row.response_time_ms,
                total_token_count: row.total_token_count,
                cost_usd: row.cost_usd,
            };
            self.changes.add(template_id, counted);
        }
    }

    fn link_observation(&self, row: &mut ObservationRow<'_>) {
        if row.prompt_version.is_some() {
            return;
        }
        let link = (row.prompt_registry_name.as_deref(), None, row.template_hash.as_deref());
        let version = self.find(link).and_then(|found| u32::try_from(found.version).ok());
        if let (Some(version), Some(registry_name)) = (version, &row.prompt_registry_name) {
            row.prompt_uri = PromptLink::new("", &**registry_name, Some(version), None).prompt_uri.map(Cow::Owned);
            row.prompt_version = Some(version.into());
        }
    }

    /// The version that a link means: of that number if it has that text, else the newest with that text.
    fn find(&self, (name, version, hash): (Option<&str>, Option<u32>, Option<&str>)) -> Option<&IndexRow> {
        let versions = self.versions.get(name?)?;
        let has_text = |row: &&IndexRow| hash.is_none_or(|hash| row.template_hash == hash);
        let numbered = version.and_then(|version| versions.iter().find(|row| row.version == i64::from(version)));
        let with_text = || versions.iter().rev().find(|row| hash.is_some_and(|hash| row.template_hash == hash));
        numbered.filter(has_text).or_else(with_text)
    }

    /// Writes the statistics; the last statement of the transaction, so that others wait for its locks as shortly as can be.
    pub(crate) async fn close(self, connection: &mut Connection) -> Result<(), sqlx::Error> {
        self.changes.apply(connection).await
    }
}

/// The model calls of a trace that were made with a prompt, with the ids of their observations.
fn calls(trace: &Trace) -> impl Iterator<Item = (&str, &LlmCall)> {
    let all = trace.stages.values().flat_map(|stage| &stage.observations);
    all.filter_map(|call| Some((call.id.as_str(), call.llm.as_deref()?))).filter(|(_, llm)| llm.prompt_name.is_some())
}

/// The registry name of a call's prompt. A foreign document may know the prompt by its plain name only.
pub(crate) fn name_of(call: &LlmCall) -> Option<Cow<'_, str>> {
    let known = call.prompt_registry_name.as_deref().map(Cow::Borrowed);
    known.or_else(|| call.prompt_name.as_deref().map(|name| registry_name(name).into()))
}

/// How many executions are linked later in one transaction.
const AT_ONCE: usize = 5_000;

/// The versions with the text that an execution or observation was made with, the newest of them.
macro_rules! version_with_its_text {
    ($column:literal, $of:literal) => {
        concat!(
            "(SELECT t.",
            $column,
            " FROM prompt_templates t WHERE t.template_hash = ",
            $of,
            ".template_hash AND t.registry_name = ",
            $of,
            ".prompt_registry_name ORDER BY t.version DESC LIMIT 1)"
        )
    };
}

/// Links executions that were written before the registry knew their text, and counts them. Returns how many were linked; when that is
/// [`AT_ONCE`] there may be more. Runs in a transaction of its own.
pub(crate) async fn link_later(connection: &mut Connection) -> Result<usize, sqlx::Error> {
    let sql = format!(
        "UPDATE prompt_executions SET template_id = {}
        WHERE (trace_id, id) IN (
            SELECT e.trace_id, e.id FROM prompt_executions e
            WHERE e.template_id IS NULL AND e.template_hash IS NOT NULL AND EXISTS {}
            LIMIT {AT_ONCE})
        RETURNING {}",
        version_with_its_text!("id", "prompt_executions"),
        version_with_its_text!("id", "e"),
        connection.selection(&StoredRow::TABLE),
    );
    connection.begin().await?;
    let linked = async {
        let cells = connection.fetch(sql, Vec::new(), StoredRow::TABLE.columns).await?;
        let rows: Vec<StoredRow> = cells.into_iter().filter_map(StoredRow::from_cells).collect();
        let mut changes = Changes::default();
        for row in &rows {
            if let Some(template_id) = &row.template_id {
                changes.add(template_id, row.counted());
            }
        }
        let observations = concat!(
            "UPDATE observations SET prompt_version = ",
            version_with_its_text!("version", "observations"),
            ", prompt_uri = 'prompts:/' || prompt_registry_name || '/' || ",
            version_with_its_text!("version", "observations"),
            " WHERE prompt_version IS NULL AND template_hash IS NOT NULL AND EXISTS ",
            version_with_its_text!("version", "observations"),
        );
        connection.run(observations, Vec::new()).await?;
        changes.apply(connection).await?;
        Ok(rows.len())
    }
    .await;
    super::end(connection, linked).await
}

/// Links everything that can be linked later.
pub(crate) async fn link_all_later(connection: &mut Connection) -> Result<usize, sqlx::Error> {
    let mut total = 0;
    loop {
        let linked = link_later(connection).await?;
        total += linked;
        if linked < AT_ONCE {
            return Ok(total);
        }
    }
}
