//! Rows on their way to the database, table by table, and how much memory they may take.
//!
//! Comes in: rows of a batch. Goes out: the same, a table at a time, whenever there are many, and at the end.

use super::dialect::{Connection, NewRows};
use super::rollups::Rollups;
use super::rows::{
    ChildRows, DecisionRow, DocumentRow, ExecutionRow, FlagRow, ObservationRow, ScoreRow, StageRow, TraceRow,
};
use super::value::Row;

/// Rows are handed to the database at the latest when this many bytes of them wait: a batch of large traces is never in memory whole.
const BUFFER: usize = 8 << 20;

/// How rows are written that are not there, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// In the fastest way, which fails where one is there.
    Fast,
    /// So that one which is there is replaced.
    Upsert,
}

/// Rows on their way.
pub(super) struct Waiting<'a> {
    stages: ByHow<StageRow<'a>>,
    decisions: ByHow<DecisionRow<'a>>,
    observations: ByHow<ObservationRow<'a>>,
    scores: ByHow<ScoreRow<'a>>,
    pub(super) executions: ByHow<ExecutionRow<'a>>,
    pub(super) documents: ByHow<DocumentRow>,
    pub(super) traces: ByHow<TraceRow>,
    pub(super) flags: ByHow<FlagRow>,
}

/// Rows of a table, by how they are written.
pub(super) struct ByHow<R> {
    fast: NewRows<R>,
    upsert: Vec<R>,
    /// Roughly how much memory those take, in bytes.
    upsert_size: usize,
}

impl<R: Row> ByHow<R> {
    pub(super) fn new(connection: &Connection) -> Self {
        Self { fast: connection.new_rows(), upsert: Vec::new(), upsert_size: 0 }
    }

    pub(super) fn append(&mut self, how: How, mut rows: Vec<R>) -> Result<(), sqlx::Error> {
        match how {
            How::Fast => self.fast.append(rows),
            How::Upsert => {
                self.upsert_size += rows.iter().map(R::size).sum::<usize>();
                self.upsert.append(&mut rows);
                Ok(())
            }
        }
    }

    fn size(&self) -> usize {
        self.fast.size() + self.upsert_size
    }

    pub(super) async fn flush(&mut self, connection: &mut Connection) -> Result<(), sqlx::Error> {
        connection.insert_new(&mut self.fast).await?;
        self.upsert_size = 0;
        connection.insert_rows(std::mem::take(&mut self.upsert)).await
    }
}

impl<'a> Waiting<'a> {
    pub(super) fn new(connection: &Connection) -> Self {
        Self {
            stages: ByHow::new(connection),
            decisions: ByHow::new(connection),
            observations: ByHow::new(connection),
            scores: ByHow::new(connection),
            executions: ByHow::new(connection),
            documents: ByHow::new(connection),
            traces: ByHow::new(connection),
            flags: ByHow::new(connection),
        }
    }

    pub(super) fn append_children(
        &mut self,
        how: How,
        children: ChildRows<'a>,
        rollups: &mut Rollups,
    ) -> Result<(), sqlx::Error> {
        children.stages.iter().for_each(|stage| rollups.calls.stage(stage.into(), 1));
        self.stages.append(how, children.stages)?;
        self.decisions.append(how, children.decisions)?;
        self.observations.append(how, children.observations)?;
        self.scores.append(how, children.scores)
    }

    /// Roughly how much memory waits, in bytes.
    fn size(&self) -> usize {
        let Self { stages, decisions, observations, scores, executions, documents, traces, flags } = self;
        let below = stages.size() + decisions.size() + observations.size() + scores.size() + executions.size();
        below + documents.size() + traces.size() + flags.size()
    }

    /// Writes what waits, if that is much.
    pub(super) async fn flush_if_full(&mut self, connection: &mut Connection) -> Result<(), sqlx::Error> {
        if self.size() > BUFFER { self.flush(connection).await } else { Ok(()) }
    }

    pub(super) async fn flush(&mut self, connection: &mut Connection) -> Result<(), sqlx::Error> {
        self.stages.flush(connection).await?;
        self.decisions.flush(connection).await?;
        self.observations.flush(connection).await?;
        self.scores.flush(connection).await?;
        self.executions.flush(connection).await?;
        self.documents.flush(connection).await?;
        self.traces.flush(connection).await?;
        self.flags.flush(connection).await
    }
}
