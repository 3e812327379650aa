//! One trace, by its id or the beginning of it.

use super::error::QueryError;
use super::item::TraceItem;
use super::store::Store;
use crate::sql::value::Kind;

/// How many ids an error names.
const CANDIDATES: usize = 5;

impl Store {
    /// A trace, as lists show it. The beginning of an id will do where it is the beginning of one only, with or without `trc_`.
    ///
    /// # Errors
    /// [`QueryError::NoSuchTrace`], [`QueryError::Ambiguous`], or [`QueryError::Sql`].
    pub async fn trace(&self, id: &str) -> Result<TraceItem, QueryError> {
        let id = id.trim();
        let refuse = || QueryError::NoSuchTrace { id: id.to_owned(), place: self.place() };
        if id.is_empty() || id.contains('\0') {
            return Err(refuse());
        }
        if let Some(item) = self.exactly(id).await? {
            return Ok(item);
        }
        let mut found = self.beginning_with(id).await?;
        if found.is_empty() && !id.starts_with("trc_") {
            found = self.beginning_with(&format!("trc_{id}")).await?;
        }
        if found.len() > 1 {
            let more = found.len() > CANDIDATES;
            let candidates = found.into_iter().take(CANDIDATES).map(|item| item.trace_id).collect();
            return Err(QueryError::Ambiguous { prefix: id.to_owned(), candidates, more });
        }
        found.pop().ok_or_else(refuse)
    }

    async fn exactly(&self, id: &str) -> Result<Option<TraceItem>, QueryError> {
        let mut ask = self.statement();
        let selection = TraceItem::selection(ask.kind);
        ask.push("SELECT ").push(&selection).push(" FROM traces").of_trace::<TraceItem>(id);
        Ok(self.fetch("reading a trace", ask).await?.pop())
    }

    async fn beginning_with(&self, prefix: &str) -> Result<Vec<TraceItem>, QueryError> {
        let mut ask = self.statement();
        let selection = TraceItem::selection(ask.kind);
        let from = ask.parameter(Kind::Text, prefix.into());
        let below = ask.parameter(Kind::Text, format!("{prefix}\u{10ffff}").as_str().into());
        let condition = ask.kind.between_bytes("traces.trace_id", &from, &below);
        ask.push("SELECT ").push(&selection).push(" FROM traces WHERE ").push(&condition);
        ask.push(&format!(" ORDER BY traces.trace_id DESC LIMIT {}", CANDIDATES + 1));
        Ok(self.fetch("looking for a trace", ask).await?)
    }
}
