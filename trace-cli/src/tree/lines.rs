//! The lines of one item.

use super::Item;
use crate::terminal::{Paint, Terminal};
use crate::words::{UNKNOWN, alternatives, counted, cut, dollars, duration, one_line, sure, width};
use trace_core::model::{
    Decision, ErrorInfo, Evidence, Observation, Outcome, RUN_STAGE, Stage, Status, Timestamp, Trace,
};

/// The columns of the time line, of a duration, and of a gap.
const BAR: usize = 24;
const TOOK: usize = 8;
const GAP: usize = 2;

/// No name is cut to fewer columns than this, however deep it stands.
const SHORTEST: usize = 16;

/// How much of a list and of a recorded text is looked at.
const LISTED: usize = 8;
const TEXT: usize = 500;

/// Makes lines that fit the terminal.
pub(super) struct Lines<'a> {
    trace: &'a Trace,
    terminal: Terminal,
    width: usize,
    scale: f64,
    began: Option<Timestamp>,
    seconds: f64,
}

impl<'a> Lines<'a> {
    pub(super) fn of(trace: &'a Trace, terminal: Terminal, scale: f64) -> Self {
        let began = trace.run.started_at.or_else(|| trace.stages.values().filter_map(|stage| stage.started_at).min());
        let ends = trace
            .stages
            .values()
            .filter_map(|stage| Some(stage.started_at?.seconds_since(began?) + stage.duration_seconds?));
        let seconds = trace.run.duration_seconds.into_iter().chain(ends).filter(|s| s.is_finite()).fold(0.0, f64::max);
        Self { trace, terminal, width: terminal.page(), scale, began, seconds }
    }

    /// What is said of the whole run.
    pub(super) fn head(&self) -> Vec<String> {
        let run = &self.trace.run;
        let status = match run.status {
            Status::Complete => self.terminal.paint(Paint::Good, "complete"),
            other => self.terminal.paint(Paint::Bad, &other.to_string()),
        };
        let id = self.terminal.paint(Paint::Strong, &one_line(&self.trace.trace_id, 128));
        let mut lines = vec![format!(
            "{id}  {}  {status}  {}",
            one_line(&self.trace.project_id, 80),
            duration(run.duration_seconds)
        )];
        if let Some(query) = run.query.as_deref().filter(|query| !query.is_empty()) {
            lines.push(cut(&format!("query: {}", one_line(query, TEXT)), self.width));
        }
        lines.extend(run.error.as_ref().map(|error| self.error(error, "")));
        lines
    }

    /// What a reader must not miss.
    pub(super) fn foot(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let notice = |text: String| self.terminal.paint(Paint::Notice, &cut(&text, self.width));
        let lost = &self.trace.metadata;
        if lost.dropped_events > 0 {
            lines.push(notice(format!("{} dropped: this trace is not whole", counted(lost.dropped_events, "record"))));
        }
        if lost.stream_only > 0 {
            lines.push(notice(format!("{} only in the event stream", counted(lost.stream_only, "item"))));
        }
        lines.extend(
            self.trace.warnings.iter().map(|warning| notice(format!("warning: {}", one_line(&warning.message, TEXT)))),
        );
        let flags = self.trace.calibration_flags.iter();
        lines.extend(flags.map(|flag| notice(format!("flag: {}", one_line(&flag.message, TEXT)))));
        lines
    }

    /// The lines of an item: the first behind `branch`, further ones behind `rest`.
    pub(super) fn of_item(&self, item: Item<'_>, branch: &str, rest: &str) -> Vec<String> {
        match item {
            Item::Stage(name, stage) => self.stage(name, stage, branch, rest),
            Item::Call(call) => self.call(call, branch, rest),
            Item::Decision(decision) => self.decision(decision, branch, rest),
        }
    }

    fn stage(&self, name: &str, stage: &Stage, branch: &str, rest: &str) -> Vec<String> {
        let name = if name == RUN_STAGE { "(outside any stage)".to_owned() } else { one_line(name, 100) };
        let mut lines =
            vec![self.timed(branch, &name, Paint::Strong, stage.outcome, stage.started_at, stage.duration_seconds)];
        lines.extend(stage.error.as_ref().map(|error| self.error(error, rest)));
        lines.extend(stage.evidence.as_ref().and_then(evidence).map(|text| self.quiet(rest, &text)));
        if let Some(overall) = stage.overall_score {
            let (word, paint) = match stage.passing {
                Some(true) => (" PASS", Paint::Good),
                Some(false) => (" FAIL", Paint::Bad),
                None => ("", Paint::Quiet),
            };
            let gaps = if stage.gaps.is_empty() { String::new() } else { format!("  gaps: {}", listed(&stage.gaps)) };
            let text = format!("score {overall:.1}/{:.1}", self.scale);
            lines.push(format!("{rest}{text}{}{}", self.terminal.paint(paint, word), cut(&gaps, self.room(rest))));
        }
        lines
    }

    fn call(&self, call: &Observation, branch: &str, rest: &str) -> Vec<String> {
        let mut label = format!("{} ({})", one_line(&call.name, 100), one_line(call.kind.as_str(), 40));
        if let Some(llm) = call.llm.as_deref() {
            label +=
                &format!("  {}", llm.model.as_deref().map_or_else(|| UNKNOWN.to_owned(), |model| one_line(model, 80)));
            label += &match (llm.prompt_name.as_deref(), llm.prompt_version) {
                (Some(name), Some(version)) => format!("  {}@{version}", one_line(name, 80)),
                (Some(name), None) => format!("  {}@?", one_line(name, 80)),
                (None, _) => "  unlinked".to_owned(),
            };
            label += &llm.cost_usd.map_or_else(String::new, |cost| format!("  {}", dollars(cost)));
        }
        let seconds = call.duration_ms.map(|millis| millis / 1e3);
        let mut lines = vec![self.timed(branch, &label, Paint::Plain, call.outcome, call.started_at, seconds)];
        lines.extend(call.error.as_ref().map(|error| self.error(error, rest)));
        lines
    }

    fn decision(&self, decision: &Decision, branch: &str, rest: &str) -> Vec<String> {
        let sure = sure(decision.confidence);
        let text = format!("◆ {} = {}", one_line(&decision.decision, 100), one_line(&decision.what, TEXT));
        let text = cut(&text, self.room(branch).saturating_sub(sure.len() + GAP).max(SHORTEST));
        let mut lines = vec![format!("{branch}{text}  {}", self.terminal.paint(Paint::Notice, &sure))];
        if !decision.why.is_empty() {
            lines.push(self.quiet(rest, &format!("why: {}", one_line(&decision.why, TEXT))));
        }
        if !decision.alternatives_considered.is_empty() {
            lines.push(self.quiet(rest, &format!("instead of: {}", alternatives(&decision.alternatives_considered))));
        }
        lines
    }

    /// A line with its outcome, how long it took, and where on the time line that was.
    fn timed(
        &self,
        branch: &str,
        label: &str,
        paint: Paint,
        outcome: Option<Outcome>,
        began: Option<Timestamp>,
        seconds: Option<f64>,
    ) -> String {
        let (word, word_paint) = match outcome {
            Some(Outcome::Ok) => ("", Paint::Plain),
            Some(other) => (other.as_str(), Paint::Bad),
            None => ("not ended", Paint::Notice),
        };
        let word = if word.is_empty() { String::new() } else { format!("  {}", word.to_uppercase()) };
        let room = self.room(branch).saturating_sub(BAR + TOOK + 2 * GAP).max(SHORTEST);
        let text = cut(label, room.saturating_sub(word.len()).max(SHORTEST));
        let space = room.saturating_sub(width(&text) + word.len());
        let took = duration(seconds);
        format!(
            "{branch}{}{}{}  {took:>TOOK$}  {}",
            self.terminal.paint(paint, &text),
            self.terminal.paint(word_paint, &word),
            " ".repeat(space),
            self.terminal.paint(Paint::Quiet, &self.bar(began, seconds)),
        )
        .trim_end()
        .to_owned()
    }

    /// When something ran: `━` from its beginning to its end, on a line as long as the run.
    fn bar(&self, began: Option<Timestamp>, seconds: Option<f64>) -> String {
        let (Some(run), Some(began), Some(seconds)) = (self.began, began, seconds) else { return String::new() };
        if self.seconds <= 0.0 || !seconds.is_finite() {
            return String::new();
        }
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // clamped before
        let column = |at: f64| (at / self.seconds * BAR as f64).clamp(0.0, BAR as f64).round() as usize;
        let from = column(began.seconds_since(run)).min(BAR - 1);
        let to = column(began.seconds_since(run) + seconds).max(from + 1);
        format!("{}{}", " ".repeat(from), "━".repeat(to - from))
    }

    fn error(&self, error: &ErrorInfo, rest: &str) -> String {
        let kind = error.kind.as_deref().map_or_else(String::new, |kind| format!("{}: ", one_line(kind, 80)));
        let place = error.location.as_deref().map_or_else(String::new, |place| format!(" at {}", one_line(place, 200)));
        let text = cut(&format!("✗ {kind}{}{place}", one_line(&error.message, TEXT)), self.room(rest));
        format!("{rest}{}", self.terminal.paint(Paint::Bad, &text))
    }

    fn quiet(&self, rest: &str, text: &str) -> String {
        format!("{rest}{}", self.terminal.paint(Paint::Quiet, &cut(text, self.room(rest))))
    }

    /// The columns that are left behind a beginning.
    fn room(&self, before: &str) -> usize {
        self.width.saturating_sub(width(before)).max(SHORTEST)
    }
}

fn evidence(evidence: &Evidence) -> Option<String> {
    let counts = [
        ("collected", evidence.collected),
        ("passed", evidence.passed),
        ("filtered out", evidence.filtered),
        ("retrieved", evidence.retrieved),
        ("used", evidence.used),
    ];
    let told: Vec<String> = counts.iter().filter_map(|(word, count)| Some(format!("{} {word}", (*count)?))).collect();
    (!told.is_empty()).then(|| format!("evidence: {}", told.join(", ")))
}

fn listed(names: &[String]) -> String {
    let mut shown: Vec<String> = names.iter().take(LISTED).map(|name| one_line(name, 48)).collect();
    if names.len() > LISTED {
        shown.push(format!("{} more", names.len() - LISTED));
    }
    shown.join(", ")
}
