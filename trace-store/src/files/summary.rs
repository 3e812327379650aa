//! The Markdown summary of a trace: what came out, what was decided and why, what it cost, what went wrong.
//!
//! Comes in: a trace. Goes out: one Markdown page. Every recorded text is escaped and cut; every list is bounded: the document
//! has the rest.

use super::escape::{markdown, one_line};
use super::figures::{Figures, by_confidence, model_calls, prompt_of, stage_title};
use super::units::{UNKNOWN, count, counted, dollars, duration, overall, score};
use std::fmt::Write as _;
use trace_core::model::{Alternative, Decision, ErrorInfo, Score, Trace};

/// How much of a list and of a recorded text is shown.
const LISTED: usize = 50;
const DECISIONS: usize = 25;
const ALTERNATIVES: usize = 8;
const TEXT: usize = 500;
const NAME: usize = 100;

/// The summary of a trace; `scale` is the top of the scale of scores.
///
/// ```
/// use trace_core::model::Trace;
/// let page = trace_store::files::summary(&Trace::default(), 3.0);
/// assert!(page.starts_with("# Trace"));
/// ```
#[must_use]
pub fn summary(trace: &Trace, scale: f64) -> String {
    let mut page = Page { out: String::with_capacity(8 * 1024), trace, figures: Figures::of(trace), scale };
    page.head();
    page.errors();
    page.quality();
    page.iterations();
    page.stages();
    page.decisions();
    page.evidence();
    page.calls();
    page.flags();
    page.warnings();
    page.paths();
    page.out
}

struct Page<'a> {
    out: String,
    trace: &'a Trace,
    figures: Figures<'a>,
    scale: f64,
}

impl Page<'_> {
    fn head(&mut self) {
        let run = &self.trace.run;
        let optional =
            |value: Option<&str>| value.filter(|value| !value.is_empty()).map_or_else(|| UNKNOWN.to_owned(), text);
        let verdict = match self.figures.passing() {
            Some(true) => " passed",
            Some(false) => " **failed**",
            None => "",
        };
        let rows = [
            ("Status", format!("**{}**", run.status)),
            ("Quality", format!("{}{verdict}", overall(self.figures.overall_score(), self.scale))),
            ("Duration", duration(run.duration_seconds)),
            ("Cost", self.cost()),
            ("Tokens", self.tokens()),
            ("Decisions", count(self.figures.decisions)),
            ("Project", optional(Some(&self.trace.project_name))),
            ("Query", optional(run.query.as_deref())),
            ("Intent", optional(run.intent.as_deref())),
            ("Domain", optional(run.domain.as_deref())),
            ("Started", run.started_at.map_or_else(|| UNKNOWN.to_owned(), |time| time.to_string())),
        ];
        self.line(format_args!("# Trace {}\n\n| | |\n|---|---|", name(&self.trace.trace_id)));
        for (key, value) in rows {
            self.line(format_args!("| {key} | {value} |"));
        }
    }

    fn errors(&mut self) {
        let trace = self.trace;
        let run = trace.run.error.iter().map(|error| ("the run".to_owned(), error));
        let stages = trace.stages.iter().flat_map(|(stage, data)| {
            let own = data.error.iter().map(move |error| (format!("stage {}", name(stage_title(stage))), error));
            let calls = data.observations.iter().filter_map(move |call| {
                let place = || format!("{} in stage {}", name(&call.name), name(stage_title(stage)));
                call.error.as_ref().map(|error| (place(), error))
            });
            own.chain(calls)
        });
        self.list("Errors", run.chain(stages), LISTED, |(place, error)| format!("- {place}: {}", described(error)));
    }

    fn quality(&mut self) {
        let scores = self.figures.scores();
        let named = |ids: &[String]| {
            let lines = ids.iter().map(|id| principle(id, scores.iter().find(|score| score.id == *id)));
            lines.collect::<Vec<_>>()
        };
        let (gaps, strengths) = (named(self.figures.gaps()), named(self.figures.strengths()));
        self.list("Gaps", gaps.iter(), LISTED, |line| format!("- {line}"));
        self.list("Strengths", strengths.iter(), LISTED, |line| format!("- {line}"));
    }

    fn iterations(&mut self) {
        let iterations = &self.trace.iterations;
        if iterations.is_empty() {
            return;
        }
        let failures = u64::from(self.trace.quality_gate_failures);
        self.table(
            "Iterations",
            "| Pass | Score | Gate | Duration | Gaps |\n|---:|---:|---|---:|---|",
            iterations.iter(),
            |pass| {
                let gate = pass.passed.map_or(UNKNOWN, |passed| if passed { "passed" } else { "failed" });
                let score = pass.overall_score.map_or_else(|| UNKNOWN.to_owned(), score);
                let gaps = pass.gaps.iter().take(LISTED).map(|gap| name(gap)).collect::<Vec<_>>().join(", ");
                format!("| {} | {score} | {gate} | {} | {gaps} |", pass.index, duration(pass.duration_seconds))
            },
        );
        self.line(format_args!("\n{} of the quality gate.", counted(failures, "failure")));
    }

    fn stages(&mut self) {
        self.table(
            "Stages",
            "| Stage | Outcome | Duration | Decisions | Observations | Cost |\n|---|---|---:|---:|---:|---:|",
            self.trace.stages.iter(),
            |(stage, data)| {
                format!(
                    "| {} | {} | {} | {} | {} | {} |",
                    name(stage_title(stage)),
                    data.outcome.map_or("not ended", |outcome| outcome.as_str()),
                    duration(data.duration_seconds),
                    data.decisions.len(),
                    data.observations.len(),
                    data.cost_usd.map_or_else(|| UNKNOWN.to_owned(), dollars),
                )
            },
        );
    }

    fn decisions(&mut self) {
        let decisions = by_confidence(self.trace);
        self.list("Decisions, least confident first", decisions.iter(), DECISIONS, |(stage, decision)| {
            decided(stage, decision)
        });
    }

    fn evidence(&mut self) {
        let Some(evidence) = &self.figures.evidence else { return };
        let number = |value: Option<u64>| value.map_or_else(|| UNKNOWN.to_owned(), count);
        let head = format!(
            "\n## Evidence\n\n| Collected | Passed | Filtered | Retrieved | Used |\n|---:|---:|---:|---:|---:|\n\
             | {} | {} | {} | {} | {} |",
            number(evidence.collected),
            number(evidence.passed),
            number(evidence.filtered),
            number(evidence.retrieved),
            number(evidence.used),
        );
        let mut sources: Vec<_> = evidence.by_source.iter().collect();
        sources.sort_by(|a, b| b.1.cmp(a.1));
        let sources: Vec<_> =
            sources.iter().take(LISTED).map(|(source, items)| format!("{} {}", name(source), count(**items))).collect();
        self.line(format_args!("{head}"));
        if !sources.is_empty() {
            self.line(format_args!("\nBy source: {}", sources.join(", ")));
        }
    }

    fn calls(&mut self) {
        self.table(
            "LLM calls",
            "| Stage | Call | Model | Prompt | Outcome | Duration | Tries | Tokens | Cost |\n\
             |---|---|---|---|---|---:|---:|---:|---:|",
            model_calls(self.trace),
            |(stage, call)| {
                let llm = call.llm.as_deref();
                format!(
                    "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                    name(stage_title(stage)),
                    name(&call.name),
                    llm.and_then(|llm| llm.model.as_deref()).map_or_else(|| UNKNOWN.to_owned(), name),
                    name(&prompt_of(call)),
                    call.outcome.map_or("not ended", |outcome| outcome.as_str()),
                    duration(call.duration_ms.map(|millis| millis / 1e3)),
                    llm.map_or(1, |llm| llm.attempts.len().max(1)),
                    llm.and_then(|llm| llm.usage)
                        .map_or_else(|| UNKNOWN.to_owned(), |usage| count(usage.inclusive().total_tokens)),
                    llm.and_then(|llm| llm.cost_usd).map_or_else(|| UNKNOWN.to_owned(), dollars),
                )
            },
        );
    }

    fn flags(&mut self) {
        self.list("Calibration", self.trace.calibration_flags.iter(), LISTED, |flag| {
            format!("- {}{}", text(&flag.message), if flag.thin { " (too few runs to be sure)" } else { "" })
        });
    }

    fn warnings(&mut self) {
        let lost = &self.trace.metadata;
        let counts = [
            (lost.dropped_events, "record", "dropped for lack of room, so this trace is not whole"),
            (lost.stream_only, "item", "only in the event stream: the document was full"),
            (lost.late_events, "event", "folded in after the end of the run"),
        ];
        let counts = counts.into_iter().filter(|(number, ..)| *number > 0);
        let counts = counts.map(|(number, noun, what)| format!("{} {what}", counted(number, noun)));
        let warnings = self.trace.warnings.iter().map(|warning| {
            let stage = warning.stage.as_deref().map(|stage| format!(" (stage {})", name(stage_title(stage))));
            text(&warning.message) + &stage.unwrap_or_default()
        });
        self.list("Warnings", counts.chain(warnings), LISTED, |line| format!("- {line}"));
    }

    fn paths(&mut self) {
        let trace = self.trace;
        let id = name(&trace.trace_id);
        self.line(format_args!(
            "\n## Files\n\n- Document: {id}.json\n- Event stream: session\\_{}.jsonl",
            name(&trace.session_id)
        ));
        for (key, value) in trace.outputs.iter().take(LISTED) {
            if let Some(path) = value.as_str() {
                self.line(format_args!("- {}: {}", name(key), text(path)));
            }
        }
        for child in trace.child_traces.iter().take(LISTED) {
            let kind = child.output_type.as_deref().map(|kind| format!(" ({})", name(kind))).unwrap_or_default();
            self.line(format_args!("- Child trace: {}{kind}", name(&child.trace_id)));
        }
    }

    fn cost(&self) -> String {
        let unpriced = match self.figures.unpriced {
            0 => String::new(),
            calls => format!(", and {} without a known price", counted(calls, "call")),
        };
        self.figures.cost.map_or_else(|| UNKNOWN.to_owned(), |cost| dollars(cost) + &unpriced)
    }

    fn tokens(&self) -> String {
        self.figures.tokens.map_or_else(
            || UNKNOWN.to_owned(),
            |tokens| {
                let (all, input, output) = (tokens.total_tokens, tokens.input_tokens, tokens.output_tokens);
                format!("{} ({} in, {} out)", count(all), count(input), count(output))
            },
        )
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.out, "{line}");
    }

    /// A section with a bounded list; without an item, none.
    fn list<T>(&mut self, title: &str, items: impl Iterator<Item = T>, max: usize, show: impl Fn(T) -> String) {
        self.bounded(&format!("\n## {title}\n"), items, max, show);
    }

    /// A section with a bounded table; without a row, none.
    fn table<T>(&mut self, title: &str, head: &str, rows: impl Iterator<Item = T>, show: impl Fn(T) -> String) {
        self.bounded(&format!("\n## {title}\n\n{head}"), rows, LISTED, show);
    }

    fn bounded<T>(&mut self, head: &str, items: impl Iterator<Item = T>, max: usize, show: impl Fn(T) -> String) {
        let mut number = 0;
        for item in items {
            if number == 0 {
                self.line(format_args!("{head}"));
            }
            if number < max {
                self.line(format_args!("{}", show(item)));
            }
            number += 1;
        }
        if number > max {
            self.line(format_args!("\n… and {} more in the document.", count((number - max) as u64)));
        }
    }
}

fn decided(stage: &str, decision: &Decision) -> String {
    let sure = decision.confidence.map_or_else(|| "no confidence given".to_owned(), |sure| format!("{sure:.2}"));
    let (point, what) = (name(&decision.decision), text(&decision.what));
    let mut out = format!("- **{point}: {what}** ({sure}, stage {})\n", name(stage_title(stage)));
    let _ = write!(out, "  - Why: {}", text(&decision.why));
    if !decision.alternatives_considered.is_empty() {
        let shown = decision.alternatives_considered.iter().take(ALTERNATIVES).map(alternative);
        let _ = write!(out, "\n  - Instead of: {}", shown.collect::<Vec<_>>().join(", "));
        if let Some(more) = decision.alternatives_considered.len().checked_sub(ALTERNATIVES).filter(|more| *more > 0) {
            let _ = write!(out, " and {more} more");
        }
    }
    out
}

fn alternative(alternative: &Alternative) -> String {
    let sure = alternative.confidence.map(|sure| format!(" ({sure:.2})")).unwrap_or_default();
    name(&alternative.option) + &sure
}

fn principle(id: &str, scored: Option<&Score>) -> String {
    let Some(scored) = scored else { return name(id) };
    let called = scored.name.as_deref().map(|called| format!(" {}", name(called))).unwrap_or_default();
    let feedback = scored.feedback.as_deref().map(|said| format!(": {}", text(said))).unwrap_or_default();
    format!("**{}**{called} ({}){feedback}", name(id), score(scored.score))
}

fn described(error: &ErrorInfo) -> String {
    let kind = error.kind.as_deref().map(|kind| format!("{}: ", name(kind))).unwrap_or_default();
    let chain: String =
        error.chain.iter().take(ALTERNATIVES).map(|cause| format!(", caused by {}", text(cause))).collect();
    format!("{kind}{}{chain}", text(&error.message))
}

/// A recorded text in Markdown.
fn text(recorded: &str) -> String {
    markdown(&one_line(recorded, TEXT))
}

/// A recorded name in Markdown.
fn name(recorded: &str) -> String {
    markdown(&one_line(recorded, NAME))
}

#[cfg(test)]
mod tests;
