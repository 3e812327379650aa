//! Lists of traces: every one is a filter, newest first, in pages.

use super::error::QueryError;
use super::filter::{Field, Filter, Queries, Test, lower, lower_query, lower_row};
use super::item::TraceItem;
use super::page::{Cursor, Listing, Page};
use super::statement::Statement;
use super::store::Store;
use super::window::Window;
use crate::sql::value::{Cell, Kind, Value, row};
use std::collections::BTreeSet;
use trace_core::model::{Status, Timestamp};

impl Store {
    /// The runs that satisfy a filter.
    ///
    /// # Errors
    /// [`QueryError::Cursor`], or [`QueryError::Sql`].
    pub async fn search(&self, filter: &Filter, window: Window, page: &Page) -> Result<Listing<TraceItem>, QueryError> {
        let cursor = page.cursor.as_deref().map(str::parse::<Cursor>).transpose()?;
        let now = Timestamp::now();
        let limit = page.limit();
        let dated = cursor.as_ref().is_none_or(|cursor| cursor.started_at.is_some());
        let mut items = Vec::new();
        if dated {
            items = self.list(filter, now, Part::Dated(window), cursor.as_ref(), limit + 1).await?;
        }
        // Runs that do not say when they began come after all others, and are in no window with an end.
        if items.len() <= limit && window.is_all_time() {
            let cursor = cursor.filter(|_| !dated);
            items.extend(self.list(filter, now, Part::Undated, cursor.as_ref(), limit + 1 - items.len()).await?);
        }
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next = last.map(|item| Cursor { started_at: item.started_at, trace_id: item.trace_id.clone() }.to_string());
        Ok(Listing { items, next_cursor: next })
    }

    /// The runs with an intent.
    ///
    /// # Errors
    /// As [`Store::search`]; so have all lists.
    pub async fn by_intent(&self, intent: &str, window: Window, page: &Page) -> Result<Listing<TraceItem>, QueryError> {
        self.search(&Filter::equals("intent", intent)?, window, page).await
    }

    /// The runs of a subject area.
    ///
    /// # Errors
    /// As [`Store::search`].
    pub async fn by_domain(&self, domain: &str, window: Window, page: &Page) -> Result<Listing<TraceItem>, QueryError> {
        self.search(&Filter::equals("domain", domain)?, window, page).await
    }

    /// The runs of a project, by its folder name.
    ///
    /// # Errors
    /// As [`Store::search`].
    pub async fn by_project(
        &self,
        project: &str,
        window: Window,
        page: &Page,
    ) -> Result<Listing<TraceItem>, QueryError> {
        self.search(&Filter::equals("project_id", project)?, window, page).await
    }

    /// The runs of a session.
    ///
    /// # Errors
    /// As [`Store::search`].
    pub async fn by_session(
        &self,
        session: &str,
        window: Window,
        page: &Page,
    ) -> Result<Listing<TraceItem>, QueryError> {
        self.search(&Filter::equals("session_id", session)?, window, page).await
    }

    /// The runs that called a model with a prompt, in one version or in any.
    ///
    /// # Errors
    /// As [`Store::search`].
    pub async fn by_prompt(
        &self,
        name: &str,
        version: Option<u32>,
        window: Window,
        page: &Page,
    ) -> Result<Listing<TraceItem>, QueryError> {
        self.search(&Filter::of_prompt(name, version), window, page).await
    }

    /// The runs that ended so.
    ///
    /// # Errors
    /// As [`Store::search`].
    pub async fn by_status(
        &self,
        status: Status,
        window: Window,
        page: &Page,
    ) -> Result<Listing<TraceItem>, QueryError> {
        self.search(&Filter::equals("status", status.as_str())?, window, page).await
    }

    /// The runs whose last quality gate failed.
    ///
    /// # Errors
    /// As [`Store::search`].
    pub async fn quality_gate_failures(&self, window: Window, page: &Page) -> Result<Listing<TraceItem>, QueryError> {
        self.search(&Filter::equals("quality_gate_passed", "false")?, window, page).await
    }

    /// The runs in which a principle scored below that at the last quality gate.
    ///
    /// # Errors
    /// As [`Store::search`].
    pub async fn low_scoring_principle(
        &self,
        id: &str,
        below: f64,
        window: Window,
        page: &Page,
    ) -> Result<Listing<TraceItem>, QueryError> {
        self.search(&Filter::score_below(id, below), window, page).await
    }

    /// The runs that somebody should look at.
    ///
    /// # Errors
    /// As [`Store::search`].
    pub async fn flagged_for_review(&self, window: Window, page: &Page) -> Result<Listing<TraceItem>, QueryError> {
        self.search(&Filter::equals("flagged_for_review", "true")?, window, page).await
    }

    async fn list(
        &self,
        filter: &Filter,
        now: Timestamp,
        part: Part,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<TraceItem>, QueryError> {
        let few = self.few_runs(filter, now, part).await?;
        let ask = statement(self.statement(), few, filter, now, part, after, limit);
        Ok(self.fetch("listing traces", ask).await?)
    }

    /// The runs that an index says may be what a filter asks for, where they are few: then they are looked up, instead of passing over all
    /// others.
    async fn few_runs(&self, filter: &Filter, now: Timestamp, part: Part) -> Result<Option<Vec<String>>, QueryError> {
        let Some(ask) = rows_of_runs(self.statement(), filter, now, part) else { return Ok(None) };
        let rows = self.fetch::<RunIdRow>("looking for rows of runs", ask).await?;
        let few = rows.len() <= FEW;
        let ids: BTreeSet<String> = rows.into_iter().map(|row| row.trace_id).collect();
        Ok(few.then(|| ids.into_iter().collect()))
    }
}

/// How many rows are few: looking their runs up takes some milliseconds.
const FEW: usize = 500;

/// By how much the clocks of a run and of what is in it may differ: a day, in nanoseconds.
const CLOCKS: i128 = 86_400_000_000_000;

row! {
    struct RunIdRow in "", key [trace_id], keep [] {
        trace_id: String,
    }
}

/// The statement for rows as a filter asks for, in the order of their index; `None` where it asks for none that an index finds.
pub(super) fn rows_of_runs(mut ask: Statement, filter: &Filter, now: Timestamp, part: Part) -> Option<Statement> {
    let condition = filter.of_indexed_rows()?;
    let (table, moment) = match (&condition.field, part) {
        (Field::Prompt, _) => ("observations", "started_at"),
        (Field::Column(_), Part::Dated(window)) => {
            let Test::Contains(text) = &condition.test else { return None };
            // A query that is longer than what the index holds of it may have the text behind that.
            for (index, queries) in [Queries::Heads, Queries::Long].into_iter().enumerate() {
                ask.push(if index > 0 { " UNION ALL " } else { "" });
                ask.push("SELECT trace_id FROM (SELECT trace_id FROM traces WHERE ");
                lower_query(text, queries, &mut ask);
                add_window(&mut ask, window, "traces.started_at");
                ask.push(&format!(" ORDER BY traces.started_at DESC LIMIT {}) AS rows_{index}", FEW + 1));
            }
            return Some(ask);
        }
        (Field::Column(_), Part::Undated) => return None,
        _ => ("decisions", "timestamp"),
    };
    // What happens in a run happens after it began, but for clocks that differ; so the end of the window is none here.
    let limits = match part {
        Part::Dated(Window { since: Some(since), .. }) => {
            let since = Timestamp::from_nanos(since.as_nanos() - CLOCKS);
            vec![(" >= ", Some(since)), (" IS NULL", None)]
        }
        _ => vec![("", None)],
    };
    for (index, (test, since)) in limits.into_iter().enumerate() {
        ask.push(if index > 0 { " UNION ALL " } else { "" });
        ask.push(&format!("SELECT trace_id FROM (SELECT trace_id FROM {table} WHERE "));
        lower_row(condition, now, &mut ask);
        if !test.is_empty() {
            ask.push(&format!(" AND {table}.{moment}{test}"));
        }
        if let Some(since) = since {
            ask.bind(Kind::Time, since.into_cell());
        }
        ask.push(&format!(" LIMIT {}) AS rows_{index}", FEW + 1));
    }
    Some(ask)
}

/// The statement of a page, written onto an empty one; `ids`: the only runs that can be in it.
pub(super) fn statement(
    mut ask: Statement,
    ids: Option<Vec<String>>,
    filter: &Filter,
    now: Timestamp,
    part: Part,
    after: Option<&Cursor>,
    limit: usize,
) -> Statement {
    let selection = TraceItem::selection(ask.kind);
    ask.push("SELECT ").push(&selection).push(" FROM ");
    match ids {
        Some(ids) => {
            let ids = ask.parameter(Kind::List, Value::List(ids));
            let wanted = ask.kind.wanted(&ids);
            ask.push(&wanted).push(" CROSS JOIN traces WHERE traces.trace_id = wanted.value AND ");
        }
        None => {
            ask.push("traces WHERE ");
        }
    }
    lower(&filter.0, now, &mut ask);
    part.add_to(&mut ask);
    if let Some(Cursor { started_at, trace_id }) = after {
        if let Some(moment) = started_at {
            let moment = ask.parameter(Kind::Time, moment.into_cell());
            ask.push(&format!(
                " AND traces.started_at <= {moment} AND (traces.started_at < {moment} OR traces.trace_id < "
            ));
            ask.bind(Kind::Text, trace_id.as_str().into()).push(")");
        } else {
            ask.push(" AND traces.trace_id < ").bind(Kind::Text, trace_id.as_str().into());
        }
    }
    ask.push(part.order()).push(&limit.to_string());
    ask
}

/// A part of a list, each in an order that an index has.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// The runs that say when they began.
    Dated(Window),
    /// The others.
    Undated,
}

impl Part {
    fn add_to(self, ask: &mut Statement) {
        match self {
            Self::Undated => {
                ask.push(" AND traces.started_at IS NULL");
            }
            Self::Dated(window) => add_window(ask, window, "traces.started_at"),
        }
    }

    fn order(self) -> &'static str {
        match self {
            Self::Dated(_) => " ORDER BY traces.started_at DESC, traces.trace_id DESC LIMIT ",
            Self::Undated => " ORDER BY traces.trace_id DESC LIMIT ",
        }
    }
}

/// Adds the condition that a moment is known, and in the window.
pub(super) fn add_window(ask: &mut Statement, window: Window, moment: &str) {
    if let Some(since) = window.since {
        ask.push(" AND ").push(moment).push(" >= ").bind(Kind::Time, since.into_cell());
    }
    if let Some(until) = window.until {
        ask.push(" AND ").push(moment).push(" < ").bind(Kind::Time, until.into_cell());
    }
    if window.is_all_time() {
        ask.push(" AND ").push(moment).push(" IS NOT NULL");
    }
}
