//! The registry of prompts against real databases, and a program that uses it.

mod executions;
mod experiments;
mod processes;
mod registry;
mod rendering;
mod results;
mod statistics;

use super::{Database, block_on, on_every_database};
use crate::prices::Prices;
use crate::prompts::{PromptService, PromptServiceOptions, Registry};
use crate::sql::prompts::{TemplateRow, select};
use crate::sql::rows::ExecutionRow;
use crate::sql::{RowsOptions, RowsSink, SqlStore};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use trace_core::model::Trace;
use trace_core::pricer::Pricer;
use trace_core::record::{Run, TraceContext};
use trace_core::redact::{RedactConfig, Redactor};
use trace_core::registry::{Prompt, set_prompt_source};
use trace_core::sink::{DatabaseStatus, FinishedTrace, Sink};
use trace_core::{Options, Tracer};

/// How long something that must happen may take on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// Uses the registry of a database.
fn with_registry<T>(database: &Database, work: impl AsyncFnOnce(&Registry) -> T) -> T {
    block_on(async {
        let registry = Registry::open(&database.url, None).await.unwrap();
        let done = work(&registry).await;
        registry.close().await;
        done
    })
}

/// The executions that are stored, by id.
fn executions(database: &Database) -> Vec<ExecutionRow<'static>> {
    database.read(async |store: &mut SqlStore| select(store.connection(), "ORDER BY id", Vec::new()).await.unwrap())
}

/// The one execution that is stored.
fn execution(database: &Database) -> ExecutionRow<'static> {
    let mut all = executions(database);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// A version as it is stored.
fn template(database: &Database, version: i64) -> TemplateRow {
    let all: Vec<TemplateRow> = database
        .read(async |store: &mut SqlStore| select(store.connection(), "ORDER BY version", Vec::new()).await.unwrap());
    all.into_iter().find(|row| row.version == version).unwrap()
}

/// A program that was set up with a database. There is one at a time: where prompts come from is a matter of the process.
struct Program {
    service: PromptService,
    rows: Arc<RowsSink>,
    tracer: Tracer,
    traces: Arc<Kept>,
    _only_one: MutexGuard<'static, ()>,
}

/// Keeps what is finished.
#[derive(Default)]
struct Kept(Mutex<Vec<Arc<Trace>>>);

impl Sink for Kept {
    fn name(&self) -> &'static str {
        "kept"
    }

    fn store(&self, traces: &[FinishedTrace]) -> Vec<Result<trace_core::sink::Stored, trace_core::sink::SinkError>> {
        let mut kept = self.0.lock().unwrap();
        kept.extend(traces.iter().map(|finished| Arc::clone(&finished.trace)));
        traces.iter().map(|_| Ok(trace_core::sink::Stored::default())).collect()
    }
}

impl Program {
    /// A program that declares these prompts, once they are registered.
    fn start(database: &Database, declared: &[&'static Prompt]) -> Self {
        let program = Self::start_with(database, declared, Duration::from_millis(50));
        assert!(program.service.wait_ready(LONG));
        program
    }

    /// The same, whose calls are priced.
    fn start_priced(database: &Database, declared: &[&'static Prompt], prices: Arc<Prices>) -> Self {
        let program = Self::start_as(database, declared, Duration::from_millis(50), Some(prices));
        assert!(program.service.wait_ready(LONG));
        program
    }

    fn start_with(database: &Database, declared: &[&'static Prompt], ttl: Duration) -> Self {
        Self::start_as(database, declared, ttl, None)
    }

    fn start_as(database: &Database, declared: &[&'static Prompt], ttl: Duration, prices: Option<Arc<Prices>>) -> Self {
        static ONE: Mutex<()> = Mutex::new(());
        let only_one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = database.sink_with(RowsOptions { patience: Duration::from_secs(5), ..RowsOptions::default() });
        let rows = Arc::new(rows);
        let mut options = PromptServiceOptions::new(database.url.clone(), database.traces_dir());
        (options.declared, options.ttl, options.prices) = (declared.to_vec(), ttl, prices.clone());
        let service = PromptService::start(options, Arc::clone(&rows), Redactor::default()).unwrap();
        set_prompt_source(Some(service.source()));
        let traces = Arc::new(Kept::default());
        let sinks: Vec<Arc<dyn Sink>> = vec![Arc::clone(&rows) as _, Arc::clone(&traces) as _];
        let mut limits = Options::default();
        limits.pricer = prices.map(|prices| prices as Arc<dyn Pricer>);
        let tracer = Tracer::new(limits, &RedactConfig::default(), sinks).unwrap();
        Self { service, rows, tracer, traces, _only_one: only_one }
    }

    /// Runs code as a trace of its own, and gives its document once its rows are written.
    fn trace(&self, run: Run, code: impl FnOnce()) -> Arc<Trace> {
        self.tracer.scope(|| {
            let trace = TraceContext::start(run);
            trace.scope(code);
            trace.mark_complete();
            let report = trace.finish().wait();
            assert!(self.tracer.flush(LONG));
            assert!(matches!(report.database, DatabaseStatus::Saved | DatabaseStatus::Queued), "{report:?}");
            let kept = self.traces.0.lock().unwrap();
            Arc::clone(kept.iter().find(|kept| kept.trace_id == report.trace_id).unwrap())
        })
    }

    /// Waits until what was logged outside any trace is in the database.
    fn settle(&self) {
        assert!(self.service.flush(LONG));
        self.rows.flush();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        set_prompt_source(None);
        self.service.stop(LONG);
        self.tracer.close(LONG);
    }
}
