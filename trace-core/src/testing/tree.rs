//! A trace as an indented tree, for assertions.
//!
//! Comes in: a document. Goes out: text that is the same for every run that did the same: times, ids, costs and captured
//! values are left out.

use crate::model::{Decision, ErrorInfo, Evidence, Iteration, Observation, Outcome, Stage, Timestamp, Trace};
use crate::text::printable;
use std::collections::HashMap;
use std::fmt::Write;

/// Deeper levels are not indented further, so that the text of a tree is never larger than a multiple of its nodes.
const MAX_INDENT: usize = 100;

/// A trace as an indented tree, a line for each stage, observation, decision, score and gate, with a line break at the end.
///
/// Children are in the order in which they began. A child of something that is not in the document stands under its stage.
///
/// ```
/// use trace_core::model::{Decision, Outcome, Stage, Status, Trace};
/// let mut trace = Trace { project_name: "my-project".into(), ..Trace::default() };
/// trace.run.status = Status::Complete;
/// let decision = Decision {
///     decision: "source_selected".into(),
///     what: "exa".into(),
///     confidence: Some(0.9),
///     ..Decision::default()
/// };
/// let intake = Stage { outcome: Some(Outcome::Ok), decisions: vec![decision], ..Stage::default() };
/// trace.stages.insert("intake".into(), intake);
/// assert_eq!(
///     trace_core::testing::tree(&trace),
///     "\
/// my-project: complete
/// └─ stage intake: ok
///    └─ decision source_selected: exa (0.90)
/// "
/// );
/// ```
#[must_use]
pub fn tree(trace: &Trace) -> String {
    let mut nodes = Nodes::of(trace);
    nodes.break_cycles();
    nodes.print()
}

/// The order among siblings.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Order<'a> {
    /// What a stage came to stands behind what happened in it.
    is_finding: bool,
    began: Option<Timestamp>,
    name: &'a str,
    /// What came first in the document.
    place: usize,
}

/// A line of the tree.
struct Node<'a> {
    line: String,
    parent: usize,
    order: Order<'a>,
}

/// The root is the first node.
struct Nodes<'a>(Vec<Node<'a>>);

const ROOT: usize = 0;

impl<'a> Nodes<'a> {
    fn of(trace: &'a Trace) -> Self {
        let mut nodes = Self(Vec::new());
        nodes.push(ROOT, None, "", title(trace));
        let mut spans: HashMap<&str, usize> = HashMap::new();
        let mut stages = Vec::with_capacity(trace.stages.len());
        let mut latest = None;
        for (name, stage) in &trace.stages {
            let line = format!("stage {}{}", printable(name), ended(stage.outcome, stage.error.as_ref()));
            latest = stage.started_at.or(latest);
            let node = nodes.push(ROOT, latest, name, line);
            spans.insert(&stage.id, node);
            stages.push(node);
            let mut latest = stage.started_at;
            for observation in &stage.observations {
                latest = observation.started_at.or(latest);
                let node = nodes.push(node, latest, &observation.name, observed(observation));
                spans.insert(&observation.id, node);
            }
        }
        spans.remove("");
        for (stage, &node) in trace.stages.values().zip(&stages) {
            nodes.adopt(stage, node, &spans);
        }
        for iteration in &trace.iterations {
            nodes.push_finding(ROOT, iterated(iteration));
        }
        for child in &trace.child_traces {
            let line = format!("child trace: {}", printable(child.output_type.as_deref().unwrap_or("run")));
            nodes.push_finding(ROOT, line);
        }
        nodes
    }

    fn push(&mut self, parent: usize, began: Option<Timestamp>, name: &'a str, line: String) -> usize {
        let place = self.0.len();
        // Without times, names would tear apart the order in the document.
        let name = if began.is_some() { name } else { "" };
        self.0.push(Node { line, parent, order: Order { is_finding: false, began, name, place } });
        place
    }

    fn push_finding(&mut self, parent: usize, line: String) {
        let place = self.0.len();
        self.0.push(Node { line, parent, order: Order { is_finding: true, began: None, name: "", place } });
    }

    /// Hangs a stage and its observations where their parents are, and adds what else is in the stage.
    fn adopt(&mut self, stage: &'a Stage, node: usize, spans: &HashMap<&str, usize>) {
        let find = |id: Option<&String>| id.and_then(|id| spans.get(id.as_str()).copied());
        if let Some(parent) = find(stage.parent_id.as_ref()) {
            self.0[node].parent = parent;
        }
        for (place, observation) in stage.observations.iter().enumerate() {
            if let Some(parent) = find(observation.parent_id.as_ref()) {
                self.0[node + 1 + place].parent = parent;
            }
        }
        let mut latest = stage.started_at;
        for decision in &stage.decisions {
            latest = decision.timestamp.or(latest);
            let parent = find(decision.observation_id.as_ref()).unwrap_or(node);
            self.push(parent, latest, "", decided(decision));
        }
        for line in findings(stage) {
            self.push_finding(node, line);
        }
    }

    /// Hangs under the root what would be its own ancestor, which only a damaged document says.
    fn break_cycles(&mut self) {
        // 0: not looked at; otherwise the number of the walk that came by.
        let mut walked = vec![0; self.0.len()];
        walked[ROOT] = usize::MAX;
        for start in 1..self.0.len() {
            let mut node = start;
            while walked[node] == 0 {
                walked[node] = start;
                node = self.0[node].parent;
            }
            if walked[node] == start {
                self.0[node].parent = ROOT;
            }
        }
    }

    /// The children of every node, in order.
    fn children(&self) -> Vec<Vec<usize>> {
        let mut sorted: Vec<usize> = (1..self.0.len()).collect();
        sorted.sort_by_key(|&node| self.0[node].order);
        let mut children = vec![Vec::new(); self.0.len()];
        for node in sorted {
            children[self.0[node].parent].push(node);
        }
        children
    }

    /// Prints without recursion: an agent may nest as deeply as it likes.
    fn print(&self) -> String {
        let children = self.children();
        let mut text = format!("{}\n", self.0[ROOT].line);
        // The next child to print of each node on the path from the root.
        let mut path = vec![(ROOT, 0)];
        let mut indent: Vec<&str> = Vec::new();
        while let Some((node, next)) = path.last_mut() {
            let siblings = &children[*node];
            let Some(&child) = siblings.get(*next) else {
                path.pop();
                indent.truncate(path.len().saturating_sub(1));
                continue;
            };
            *next += 1;
            let is_last = *next == siblings.len();
            for part in indent.iter().take(MAX_INDENT) {
                text.push_str(part);
            }
            let _ = writeln!(text, "{}─ {}", if is_last { "└" } else { "├" }, self.0[child].line);
            indent.push(if is_last { "   " } else { "│  " });
            path.push((child, 0));
        }
        text
    }
}

fn title(trace: &Trace) -> String {
    let project = if trace.project_name.is_empty() { &trace.project_id } else { &trace.project_name };
    let mut line = format!("{}: {}", printable(project), trace.run.status);
    push_error(&mut line, trace.run.error.as_ref());
    line
}

fn observed(observation: &Observation) -> String {
    let ended = ended(observation.outcome, observation.error.as_ref());
    format!("observation {} [{}]{ended}", printable(&observation.name), printable(observation.kind.as_str()))
}

fn ended(outcome: Option<Outcome>, error: Option<&ErrorInfo>) -> String {
    let mut text = format!(": {}", outcome.map_or("running", Outcome::as_str));
    push_error(&mut text, error);
    text
}

fn push_error(line: &mut String, error: Option<&ErrorInfo>) {
    let Some(error) = error else { return };
    if let Some(kind) = &error.kind {
        let _ = write!(line, " {}:", printable(kind));
    }
    let _ = write!(line, " {}", printable(&error.message));
}

fn decided(decision: &Decision) -> String {
    let mut line = format!("decision {}: {}", printable(&decision.decision), printable(&decision.what));
    push_confidence(&mut line, decision.confidence);
    for (place, alternative) in decision.alternatives_considered.iter().enumerate() {
        line.push_str(if place == 0 { " over " } else { ", " });
        line.push_str(&printable(&alternative.option));
        push_confidence(&mut line, alternative.confidence);
    }
    line
}

fn push_confidence(line: &mut String, confidence: Option<f64>) {
    if let Some(confidence) = confidence {
        let _ = write!(line, " ({confidence:.2})");
    }
}

/// What a stage came to: evidence, scores, gate.
fn findings(stage: &Stage) -> Vec<String> {
    let mut lines: Vec<String> = stage.evidence.iter().map(found).collect();
    lines.extend(
        stage.principle_scores.iter().map(|score| format!("score {}: {:.2}", printable(&score.id), score.score)),
    );
    if stage.passing.is_some() || stage.threshold.is_some() {
        let mut line = format!("gate: {}", verdict(stage.passing, stage.overall_score));
        if let Some(threshold) = stage.threshold {
            let _ = write!(line, " of {threshold:.2}");
        }
        push_names(&mut line, "gaps", &stage.gaps);
        push_names(&mut line, "strengths", &stage.strengths);
        lines.push(line);
    }
    lines
}

fn found(evidence: &Evidence) -> String {
    let counts = [
        (evidence.collected, "collected"),
        (evidence.passed, "passed"),
        (evidence.filtered, "filtered"),
        (evidence.retrieved, "retrieved"),
        (evidence.used, "used"),
    ];
    let said = counts.into_iter().filter_map(|(count, what)| Some(format!("{} {what}", count?)));
    let sources = evidence.by_source.iter().map(|(source, count)| format!("{} {count}", printable(source)));
    format!("evidence: {}", said.chain(sources).collect::<Vec<_>>().join(", "))
}

fn iterated(iteration: &Iteration) -> String {
    let mut line = format!("iteration {}: {}", iteration.index, verdict(iteration.passed, iteration.overall_score));
    push_names(&mut line, "gaps", &iteration.gaps);
    line
}

fn verdict(passed: Option<bool>, score: Option<f64>) -> String {
    let word = match passed {
        Some(true) => "passed",
        Some(false) => "failed",
        None => "open",
    };
    score.map_or_else(|| word.to_owned(), |score| format!("{word} {score:.2}"))
}

fn push_names(line: &mut String, what: &str, names: &[String]) {
    if !names.is_empty() {
        let names: Vec<String> = names.iter().map(|name| printable(name).into_owned()).collect();
        let _ = write!(line, "; {what} {}", names.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Alternative, ChildTrace, Kind, Score};

    fn at(second: u32) -> Option<Timestamp> {
        Some(format!("2026-02-13T14:30:{second:02}Z").parse().unwrap())
    }

    fn observation(id: &str, parent: &str, name: &str, second: u32) -> Observation {
        Observation {
            id: id.into(),
            parent_id: Some(parent.into()),
            name: name.into(),
            started_at: at(second),
            outcome: Some(Outcome::Ok),
            ..Observation::default()
        }
    }

    fn decision(point: &str, inside: Option<&str>, second: u32) -> Decision {
        Decision {
            decision: point.into(),
            what: "exa".into(),
            observation_id: inside.map(Into::into),
            timestamp: at(second),
            ..Decision::default()
        }
    }

    fn stage(id: &str, second: u32) -> Stage {
        Stage { id: id.into(), started_at: at(second), outcome: Some(Outcome::Ok), ..Stage::default() }
    }

    #[test]
    fn everything_is_where_it_happened_in_the_order_of_time() {
        let mut trace = Trace { project_name: "my-project".into(), ..Trace::default() };
        let mut intake = stage("1", 0);
        let alternatives = [("google", Some(0.6)), ("ask\na human", None)]
            .map(|(o, c)| Alternative { option: o.into(), confidence: c });
        intake.decisions = vec![
            Decision {
                confidence: Some(0.9),
                alternatives_considered: alternatives.to_vec(),
                ..decision("source_selected", None, 1)
            },
            decision("model_selected", Some("a"), 3),
            decision("enough", None, 9),
        ];
        let failure =
            ErrorInfo { kind: Some("RateLimited".into()), message: "slow down".into(), ..ErrorInfo::default() };
        intake.observations = vec![
            observation("a", "1", "parse", 2),
            Observation {
                kind: Kind::Llm,
                outcome: Some(Outcome::Err),
                error: Some(failure),
                ..observation("b", "a", "call_model", 4)
            },
            Observation { outcome: None, ..observation("c", "gone", "orphan", 5) },
        ];
        let synthesis = Stage {
            parent_id: Some("a".into()),
            outcome: Some(Outcome::Cancelled),
            principle_scores: vec![Score::new("A", 1.5)],
            overall_score: Some(1.5),
            passing: Some(false),
            threshold: Some(2.0),
            gaps: vec!["A".into()],
            evidence: Some(Evidence::new().collected(3).source("exa", 3)),
            ..stage("2", 6)
        };
        trace.stages.insert("intake".into(), intake);
        trace.stages.insert("synthesis".into(), synthesis);
        trace.iterations.push(Iteration { index: 1, passed: Some(false), ..Iteration::default() });
        trace.child_traces.push(ChildTrace { output_type: Some("report".into()), ..ChildTrace::default() });
        assert_eq!(
            tree(&trace),
            "\
my-project: in_progress
├─ stage intake: ok
│  ├─ decision source_selected: exa (0.90) over google (0.60), ask\\na human
│  ├─ observation parse [function]: ok
│  │  ├─ decision model_selected: exa
│  │  ├─ observation call_model [llm]: err RateLimited: slow down
│  │  └─ stage synthesis: cancelled
│  │     ├─ evidence: 3 collected, exa 3
│  │     ├─ score A: 1.50
│  │     └─ gate: failed 1.50 of 2.00; gaps A
│  ├─ observation orphan [function]: running
│  └─ decision enough: exa
├─ iteration 1: failed
└─ child trace: report
"
        );
    }

    #[test]
    fn siblings_that_began_together_are_in_the_order_of_their_names() {
        let mut trace = Trace::default();
        for name in ["b", "a"] {
            trace.stages.insert(name.into(), stage(name, 1));
        }
        assert!(tree(&trace).find("stage a") < tree(&trace).find("stage b"));
    }

    #[test]
    fn without_times_the_order_of_the_document_stands() {
        let mut trace = Trace::default();
        for name in ["b", "a"] {
            trace.stages.insert(name.into(), Stage::default());
        }
        assert!(tree(&trace).find("stage b") < tree(&trace).find("stage a"));
    }

    #[test]
    fn circles_and_endless_depth_are_printed_whole() {
        let mut trace = Trace::default();
        let mut deep = stage("s", 0);
        deep.parent_id = Some("x".into());
        deep.observations = vec![observation("x", "y", "x", 1), observation("y", "x", "y", 1)];
        let mut parent = "s".to_owned();
        for i in 0..5_000 {
            let id = i.to_string();
            deep.observations.push(observation(&id, &parent, "deep", 2));
            parent = id;
        }
        trace.stages.insert("s".into(), deep);
        let text = tree(&trace);
        assert_eq!(text.lines().count(), 5_004);
    }
}
