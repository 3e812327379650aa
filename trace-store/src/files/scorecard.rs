//! The scorecard: a run on one screen of a terminal.
//!
//! Comes in: a trace. Goes out: text, compact (what came out) or verbose (also where it came from). Printing it is
//! [`ScorecardSink`](super::ScorecardSink)'s.

use super::escape::one_line;
use super::figures::{Figures, by_confidence, model_calls, prompt_of, stage_title};
use super::units::{UNKNOWN, counted, dollars, duration, overall, score};
use std::fmt::Write as _;
use trace_core::model::{ErrorInfo, Iteration, Outcome, Stage, Status, Trace};

/// How the scorecard looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Style {
    /// Whether it also shows stages, scores, calls and decisions.
    pub verbose: bool,
    /// Whether it has colours.
    pub colour: bool,
    /// The length of a ruler, in characters; at least 40.
    pub width: usize,
    /// The top of the scale of scores.
    pub scale: f64,
}

impl Default for Style {
    fn default() -> Self {
        Self { verbose: false, colour: false, width: 59, scale: 3.0 }
    }
}

/// The columns of the compact lines, and of a stage's name.
const QUALITY_COLUMN: usize = 26;
const COST_COLUMN: usize = 27;
const STAGE_COLUMN: usize = 15;

/// How much of a list, and of a recorded text, is shown; the document has the rest.
const LISTED: usize = 8;
const DECISIONS: usize = 5;
const TEXT: usize = 200;
const NAME: usize = 48;

/// The scorecard of a trace; ends with a line feed.
///
/// ```
/// use trace_core::model::Trace;
/// use trace_store::files::{Style, render};
/// let text = render(&Trace::default(), Style::default());
/// assert!(text.contains("Quality: -"));
/// ```
#[must_use]
pub fn render(trace: &Trace, style: Style) -> String {
    let style = Style { width: style.width.max(40), ..style };
    let card = Card { trace, figures: Figures::of(trace), style };
    if style.verbose { card.verbose() } else { card.compact() }
}

struct Card<'a> {
    trace: &'a Trace,
    figures: Figures<'a>,
    style: Style,
}

#[derive(Clone, Copy)]
enum Paint {
    Good,
    Bad,
    Notice,
    Quiet,
}

impl Card<'_> {
    fn compact(&self) -> String {
        let mut out = self.ruler("Trace Summary", '-', 0);
        if let Some(status) = self.trouble() {
            let _ = writeln!(out, "Status: {status}");
        }
        let took = duration(self.trace.run.duration_seconds);
        let _ = writeln!(out, "{}Duration: {took}", column(&format!("Quality: {}", self.quality()), QUALITY_COLUMN));
        let cost = format!("Cost: {}", self.cost());
        let _ = writeln!(out, "{}Evidence: {}", column(&cost, COST_COLUMN), self.evidence());
        if !self.figures.gaps().is_empty() {
            let _ = writeln!(out, "Gaps: {}", self.paint(Paint::Notice, &list(self.figures.gaps())));
        }
        self.notices(&mut out);
        let _ = writeln!(out, "Trace: {}", one_line(&self.trace.trace_id, TEXT));
        out + &self.ruler("", '-', 0)
    }

    fn verbose(&self) -> String {
        let run = &self.trace.run;
        let mut out = self.ruler("Trace Detail", '=', 2);
        let text = |value: Option<&str>| {
            value.filter(|value| !value.is_empty()).map_or_else(|| UNKNOWN.to_owned(), |value| one_line(value, TEXT))
        };
        let _ = writeln!(out, "Trace ID:  {}", one_line(&self.trace.trace_id, TEXT));
        let _ = writeln!(out, "Project:   {}", text(Some(&self.trace.project_name)));
        let _ = writeln!(out, "Query:     {}", text(run.query.as_deref()));
        let _ = writeln!(out, "Intent:    {}    Domain: {}", text(run.intent.as_deref()), text(run.domain.as_deref()));
        let status = self.trouble().unwrap_or_else(|| run.status.to_string());
        let _ = writeln!(out, "Status:    {status}    Duration: {}", duration(run.duration_seconds));
        let _ = writeln!(out, "Cost:      {}    Tokens: {}", self.cost(), self.tokens());
        let _ = writeln!(out, "Evidence:  {}", self.evidence());
        self.notices(&mut out);
        self.gate_section(&mut out);
        self.stage_section(&mut out);
        self.call_section(&mut out);
        self.decision_section(&mut out);
        self.flag_section(&mut out);
        out + &self.ruler("", '=', 2)
    }

    /// What the reader must not miss: retries, what is not in the document, what the tracer has to say.
    fn notices(&self, out: &mut String) {
        if let Some(passes) = passes(self.trace) {
            let _ = writeln!(out, "Iterations: {passes}");
        }
        let lost = &self.trace.metadata;
        if lost.dropped_events > 0 {
            let text = format!("{}, so this trace is not whole", counted(lost.dropped_events, "record"));
            let _ = writeln!(out, "Dropped: {}", self.paint(Paint::Bad, &text));
        }
        if lost.stream_only > 0 {
            let _ = writeln!(out, "Only in the event stream: {}", counted(lost.stream_only, "item"));
        }
        let warnings = &self.trace.warnings;
        let shown = if self.style.verbose { LISTED } else { 1 };
        for warning in warnings.iter().take(shown) {
            let _ = writeln!(out, "Warning: {}", self.paint(Paint::Notice, &one_line(&warning.message, TEXT)));
        }
        if warnings.len() > shown {
            let _ = writeln!(out, "Warning: {}", counted((warnings.len() - shown) as u64, "more warning"));
        }
    }

    fn gate_section(&self, out: &mut String) {
        self.section(out, "Quality Gate");
        let _ = writeln!(out, "Score: {}", self.quality());
        if self.figures.scores().is_empty() {
            return;
        }
        out.push_str("Principle Scores:\n");
        for principle in self.figures.scores().iter().take(4 * LISTED) {
            let gap = self.figures.gaps().contains(&principle.id);
            let mark = if gap { format!(" {}", self.paint(Paint::Notice, "<gap")) } else { String::new() };
            let _ = writeln!(out, "  {}: {}{mark}", one_line(&principle.id, NAME), score(principle.score));
        }
        more(out, self.figures.scores().len(), 4 * LISTED);
    }

    fn stage_section(&self, out: &mut String) {
        self.section(out, "Stages");
        for (name, stage) in self.trace.stages.iter().take(4 * LISTED) {
            let name = one_line(stage_title(name), NAME);
            let decisions = stage.decisions.len();
            let outcome = self.outcome(stage.outcome);
            let _ = writeln!(out, "  {name:<STAGE_COLUMN$}{:>6}  ({decisions} decisions){outcome}", seconds(stage));
            if let Some(error) = &stage.error {
                let _ = writeln!(out, "    {}", self.paint(Paint::Bad, &described(error)));
            }
        }
        more(out, self.trace.stages.len(), 4 * LISTED);
    }

    fn call_section(&self, out: &mut String) {
        if self.figures.llm_calls == 0 {
            return;
        }
        self.section(out, "LLM Calls");
        for (_, call) in model_calls(self.trace).take(LISTED) {
            let llm = call.llm.as_deref();
            let model = llm.and_then(|llm| llm.model.as_deref()).unwrap_or(UNKNOWN);
            let cost = llm.and_then(|llm| llm.cost_usd).map_or_else(|| UNKNOWN.to_owned(), dollars);
            let took = duration(call.duration_ms.map(|millis| millis / 1e3));
            let name = one_line(&call.name, NAME);
            let prompt = one_line(&prompt_of(call), NAME);
            let outcome = self.outcome(call.outcome);
            let _ = writeln!(out, "  {name}  {}  {prompt}  {took}  {cost}{outcome}", one_line(model, NAME));
        }
        more(out, usize::try_from(self.figures.llm_calls).unwrap_or(usize::MAX), LISTED);
    }

    fn decision_section(&self, out: &mut String) {
        let decisions = by_confidence(self.trace);
        if decisions.is_empty() {
            return;
        }
        self.section(out, "Least Confident Decisions");
        for (stage, decision) in decisions.iter().take(DECISIONS) {
            let confidence = decision.confidence.map_or_else(|| " -  ".to_owned(), |sure| format!("{sure:.2}"));
            let point = one_line(&decision.decision, NAME);
            let what = one_line(&decision.what, TEXT);
            let _ = writeln!(out, "  {confidence}  {}: {point} = {what}", one_line(stage_title(stage), NAME));
            let _ = writeln!(out, "        why: {}", one_line(&decision.why, TEXT));
        }
        more(out, decisions.len(), DECISIONS);
    }

    fn flag_section(&self, out: &mut String) {
        if self.trace.calibration_flags.is_empty() {
            return;
        }
        self.section(out, "Calibration");
        for flag in self.trace.calibration_flags.iter().take(LISTED) {
            let thin = if flag.thin { " (few runs)" } else { "" };
            let _ = writeln!(out, "  {}{thin}", one_line(&flag.message, TEXT));
        }
        more(out, self.trace.calibration_flags.len(), LISTED);
    }

    fn quality(&self) -> String {
        let score = overall(self.figures.overall_score(), self.style.scale);
        match self.figures.passing() {
            Some(true) => format!("{score}  {}", self.paint(Paint::Good, "PASS")),
            Some(false) => format!("{score}  {}", self.paint(Paint::Bad, "FAIL")),
            None => score,
        }
    }

    /// The sum of the known prices; `+` says that there are calls without one.
    fn cost(&self) -> String {
        let Some(cost) = self.figures.cost else { return UNKNOWN.to_owned() };
        let more = if self.figures.unpriced > 0 { "+" } else { "" };
        format!("{}{more}", dollars(cost))
    }

    fn tokens(&self) -> String {
        self.figures.tokens.map_or_else(
            || UNKNOWN.to_owned(),
            |tokens| {
                let count = super::units::count;
                format!("{} in, {} out", count(tokens.input_tokens), count(tokens.output_tokens))
            },
        )
    }

    fn evidence(&self) -> String {
        let Some(evidence) = &self.figures.evidence else { return UNKNOWN.to_owned() };
        let number = |count: Option<u64>| count.map_or_else(|| UNKNOWN.to_owned(), |count| count.to_string());
        format!("{}->{}", number(evidence.collected), number(evidence.passed))
    }

    /// The status of a run that is not complete, with its error.
    fn trouble(&self) -> Option<String> {
        let word = match self.trace.run.status {
            Status::Complete => return None,
            Status::Failed => "FAILED",
            Status::Incomplete => "INCOMPLETE",
            Status::InProgress => "IN PROGRESS",
        };
        let error = self.trace.run.error.as_ref().map(|error| format!("  {}", described(error))).unwrap_or_default();
        Some(format!("{}{error}", self.paint(Paint::Bad, word)))
    }

    /// How something ended, unless it ended well.
    fn outcome(&self, outcome: Option<Outcome>) -> String {
        match outcome {
            Some(Outcome::Ok) => String::new(),
            Some(other) => format!("  {}", self.paint(Paint::Bad, &other.as_str().to_uppercase())),
            None => format!("  {}", self.paint(Paint::Notice, "NOT ENDED")),
        }
    }

    fn section(&self, out: &mut String, title: &str) {
        out.push('\n');
        out.push_str(&self.ruler(title, '-', 0));
    }

    fn ruler(&self, title: &str, char: char, wider: usize) -> String {
        let mut line = String::new();
        if !title.is_empty() {
            line = format!("{char}{char} {title} ");
        }
        line.extend(std::iter::repeat_n(char, (self.style.width + wider).saturating_sub(line.len())));
        self.paint(Paint::Quiet, &line) + "\n"
    }

    fn paint(&self, paint: Paint, text: &str) -> String {
        if !self.style.colour {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Good => "32",
            Paint::Bad => "31",
            Paint::Notice => "33",
            Paint::Quiet => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// A text and the space up to a column; colours take none.
fn column(text: &str, column: usize) -> String {
    let mut painting = false;
    let visible = text.chars().filter(|&char| {
        let escape = painting || char == '\x1b';
        painting = escape && char != 'm';
        !escape
    });
    let space = column.saturating_sub(visible.count()).max(2);
    format!("{text}{}", " ".repeat(space))
}

/// One unit for the whole column, so that stages compare at a glance; shorter ones in milliseconds.
fn seconds(stage: &Stage) -> String {
    match stage.duration_seconds {
        Some(seconds) if seconds.is_finite() && seconds >= 0.1 => format!("{seconds:.1}s"),
        other => duration(other),
    }
}

fn described(error: &ErrorInfo) -> String {
    let message = one_line(&error.message, TEXT);
    match &error.kind {
        Some(kind) => format!("{}: {message}", one_line(kind, NAME)),
        None => message,
    }
}

fn list(names: &[String]) -> String {
    let mut text = names.iter().take(LISTED).map(|name| one_line(name, NAME)).collect::<Vec<_>>().join(", ");
    if names.len() > LISTED {
        let _ = write!(text, " and {} more", names.len() - LISTED);
    }
    text
}

fn more(out: &mut String, all: usize, shown: usize) {
    if all > shown {
        let _ = writeln!(out, "  … and {} more", all - shown);
    }
}

/// The passes of the retry loop: `2 (1.6 -> 2.4), gate failed once`; `None` without a retry.
fn passes(trace: &Trace) -> Option<String> {
    let count = u64::from(trace.iteration_count).max(trace.iterations.len() as u64);
    if count < 2 && trace.quality_gate_failures == 0 {
        return None;
    }
    let mut text = count.to_string();
    let last = &trace.iterations[trace.iterations.len().saturating_sub(LISTED)..];
    let scored =
        |pass: &Iteration| pass.overall_score.map_or_else(|| UNKNOWN.to_owned(), |score| format!("{score:.1}"));
    if !last.is_empty() {
        let skipped = if last.len() < trace.iterations.len() { "… -> " } else { "" };
        let _ = write!(text, " ({skipped}{})", last.iter().map(scored).collect::<Vec<_>>().join(" -> "));
    }
    let failures = match trace.quality_gate_failures {
        0 => String::new(),
        1 => ", gate failed once".to_owned(),
        times => format!(", gate failed {times} times"),
    };
    Some(text + &failures)
}

#[cfg(test)]
mod tests;
