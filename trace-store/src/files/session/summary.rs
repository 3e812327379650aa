//! What a session amounts to.

use super::Session;
use super::errors::{self, SessionError};
use crate::files::escape::one_line;
use crate::files::figures::Figures;
use crate::files::units;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use trace_core::event::{Body, Event};
use trace_core::model::{Money, Outcome, Status, Timestamp, TokenUsage, Trace};

/// The figures of a session. It is made of its events alone, so it can be made while the session runs, too.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SessionSummary {
    /// The session.
    pub session_id: String,
    /// When its first event happened.
    pub started_at: Option<Timestamp>,
    /// When its last event happened.
    pub ended_at: Option<Timestamp>,
    /// All of its events.
    pub total_events: u64,
    /// The same by kind.
    pub events: BTreeMap<String, u64>,
    /// Lines that are no events.
    pub skipped_lines: u64,
    /// Its traces with their stages, in the order in which they began.
    pub traces: Vec<TraceTiming>,
    /// What went wrong, each error once.
    pub errors: Vec<SessionError>,
    /// Model calls.
    pub llm_calls: u64,
    /// Their tokens, inclusive; `None` when none was counted.
    pub tokens: Option<TokenUsage>,
    /// What they cost together, as far as known.
    pub cost_usd: Option<Money>,
    /// Model calls whose price is not known.
    pub calls_without_cost: u64,
    /// Files written; those that could not be are among the errors.
    pub files_written: u64,
    /// Templates rendered, failed ones included.
    pub templates_rendered: u64,
    /// How often a cache of the pipeline had what was asked for.
    pub cache_hits: u64,
    /// How often it had not.
    pub cache_misses: u64,
    /// The most resident memory that was reported, in bytes.
    pub memory_bytes_max: Option<u64>,
    /// Records that were made but not kept.
    pub dropped_events: u64,
}

/// How long a trace took, and its stages.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TraceTiming {
    /// The trace.
    pub trace_id: String,
    /// Its project.
    pub project_id: String,
    /// What it was asked.
    pub query: Option<String>,
    /// How it ended.
    pub status: Status,
    /// How long it took; `None` while it runs.
    pub duration_ms: Option<f64>,
    /// Its stages, in the order in which they began.
    pub stages: Vec<StageTiming>,
}

/// How long a stage took.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StageTiming {
    /// Its name.
    pub stage: String,
    /// Its component.
    pub component: Option<String>,
    /// How long it took; `None` while it runs.
    pub duration_ms: Option<f64>,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

impl SessionSummary {
    pub(super) fn of(session: &Session) -> Self {
        let mut summary = Self {
            session_id: session.session_id.clone(),
            started_at: session.events.iter().map(|event| event.ts).min(),
            ended_at: session.events.iter().map(|event| event.ts).max(),
            total_events: session.events.len() as u64,
            skipped_lines: session.skipped_lines,
            errors: errors::of(&session.events),
            ..Self::default()
        };
        for event in &session.events {
            summary.count(event);
        }
        for trace in session.traces() {
            summary.add(&trace);
        }
        summary
    }

    fn count(&mut self, event: &Event) {
        *self.events.entry(event.body.name().to_owned()).or_default() += 1;
        match &event.body {
            Body::FileWrite(write) => self.files_written += u64::from(write.error.is_none()),
            Body::TemplateRender(_) => self.templates_rendered += 1,
            Body::CacheAccess(access) if access.hit => self.cache_hits += 1,
            Body::CacheAccess(_) => self.cache_misses += 1,
            Body::MemoryUse(memory) => self.memory_bytes_max = self.memory_bytes_max.max(Some(memory.bytes)),
            _ => {}
        }
    }

    fn add(&mut self, trace: &Trace) {
        let figures = Figures::of(trace);
        self.llm_calls += figures.llm_calls;
        self.calls_without_cost += figures.unpriced;
        if let Some(cost) = figures.cost {
            self.cost_usd = Some(self.cost_usd.unwrap_or_default() + cost);
        }
        if let Some(tokens) = figures.tokens {
            *self.tokens.get_or_insert_default() += tokens;
        }
        self.dropped_events += trace.metadata.dropped_events;
        let millis = |seconds: Option<f64>| seconds.map(|seconds| seconds * 1e3);
        let stages = trace.stages.iter().map(|(name, stage)| StageTiming {
            stage: name.clone(),
            component: stage.component.clone(),
            duration_ms: millis(stage.duration_seconds),
            outcome: stage.outcome,
        });
        self.traces.push(TraceTiming {
            trace_id: trace.trace_id.clone(),
            project_id: trace.project_id.clone(),
            query: trace.run.query.clone(),
            status: trace.run.status,
            duration_ms: millis(trace.run.duration_seconds),
            stages: stages.collect(),
        });
    }
}

/// For a terminal: nothing in it acts on one.
impl fmt::Display for SessionSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let duration = |millis: Option<f64>| units::duration(millis.map(|millis| millis / 1e3));
        let elapsed = self.started_at.zip(self.ended_at).map(|(start, end)| end.seconds_since(start));
        writeln!(
            f,
            "Session {}: {} events in {}",
            one_line(&self.session_id, 80),
            self.total_events,
            units::duration(elapsed)
        )?;
        let kinds: Vec<String> = self.events.iter().map(|(kind, n)| format!("{} {n}", one_line(kind, 40))).collect();
        writeln!(f, "Events: {}", kinds.join(", "))?;
        if self.skipped_lines > 0 {
            writeln!(f, "No events: {}", units::counted(self.skipped_lines, "line"))?;
        }
        for trace in &self.traces {
            let query = trace.query.as_deref().map_or_else(String::new, |query| format!("  {}", one_line(query, 60)));
            let id = one_line(&trace.trace_id, 64);
            writeln!(f, "{id}  {}  {}{query}", trace.status, duration(trace.duration_ms))?;
            for stage in &trace.stages {
                let component =
                    stage.component.as_deref().map_or_else(String::new, |name| format!(" ({})", one_line(name, 40)));
                let outcome = stage.outcome.map_or("running", Outcome::as_str);
                writeln!(f, "  {}{component}  {}  {outcome}", one_line(&stage.stage, 40), duration(stage.duration_ms))?;
            }
        }
        let tokens = self.tokens.unwrap_or_default();
        let cost = self.cost_usd.map_or_else(|| "unknown".to_owned(), units::dollars);
        writeln!(
            f,
            "{}, {} tokens in, {} out, cost {cost}",
            units::counted(self.llm_calls, "LLM call"),
            units::count(tokens.input_tokens),
            units::count(tokens.output_tokens)
        )?;
        write!(
            f,
            "{} written, {}, {}",
            units::counted(self.files_written, "file"),
            units::counted(self.templates_rendered, "render"),
            units::counted(self.errors.len() as u64, "error")
        )?;
        for error in &self.errors {
            let place = error.component.as_deref().or(error.stage.as_deref()).unwrap_or("_run");
            let line = error.line_number.map_or_else(String::new, |line| format!(", line {line}"));
            let status =
                error.final_status.as_deref().map_or_else(String::new, |status| format!(" ({})", one_line(status, 20)));
            let message = one_line(&error.error_message, 120);
            write!(f, "\n  {} in {}{line}: {message}{status}", one_line(&error.event, 40), one_line(place, 40))?;
        }
        Ok(())
    }
}
