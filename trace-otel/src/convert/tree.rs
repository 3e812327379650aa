//! The spans of a document, before any convention has its say: who they are, whose children, from when to when.
//!
//! Comes in: a document, which may be foreign: ids missing or doubled, parents that do not exist or go in circles. Goes out: a tree in
//! which every node reaches the root, for backends drop or hide what does not.

use super::ids::{self, SpanId, TraceId};
use std::collections::{HashMap, HashSet};
use trace_core::model::{Decision, Observation, RUN_STAGE, Stage, Timestamp, Trace};

/// What a span stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject<'a> {
    /// The trace, with what happened outside any stage.
    Run(Option<&'a Stage>),
    Stage(&'a str, &'a Stage),
    Observation(&'a Observation),
    /// A decision, where decisions get spans of their own.
    Decision(&'a Decision),
}

/// One span to be.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    pub(crate) id: SpanId,
    /// `None` for the root of a trace without a remote parent.
    pub(crate) parent: Option<SpanId>,
    pub(crate) subject: Subject<'a>,
    /// Nanoseconds since 1970.
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// The decisions made in it.
    pub(crate) decisions: Vec<&'a Decision>,
    /// Whether its tokens and cost may be reported: false where a call inside of it reports its own, which backends would add up.
    pub(crate) reports_usage: bool,
}

/// The spans of a trace, root first.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    pub(crate) trace: &'a Trace,
    pub(crate) trace_id: TraceId,
    pub(crate) nodes: Vec<Node<'a>>,
}

impl<'a> Tree<'a> {
    /// The spans of a document; decisions are spans too if asked for.
    pub(crate) fn of(trace: &'a Trace, decision_spans: bool) -> Self {
        let mut builder = Builder::new(trace);
        for (name, stage) in &trace.stages {
            builder.stage(name, stage, decision_spans);
        }
        let mut nodes = builder.nodes;
        connect(&mut nodes);
        withhold_sums(&mut nodes);
        Self { trace, trace_id: ids::trace_id(trace), nodes }
    }
}

struct Builder<'a> {
    trace: &'a Trace,
    taken: HashSet<SpanId>,
    nodes: Vec<Node<'a>>,
    /// Where the run ended, for what has no end of its own.
    end: Option<u64>,
}

impl<'a> Builder<'a> {
    fn new(trace: &'a Trace) -> Self {
        let run = &trace.run;
        let start = run.started_at.map_or(0, nanos);
        let end = end_of(start, run.completed_at, run.duration_seconds);
        let id = root_id(trace);
        let parent = trace.parent_span_id.as_deref().map(|parent| ids::span_id(trace, parent));
        let root = Node {
            id,
            parent: parent.filter(|parent| *parent != id),
            subject: Subject::Run(trace.stages.get(RUN_STAGE)),
            start,
            end: end.unwrap_or(start),
            decisions: Vec::new(),
            reports_usage: true,
        };
        Self { trace, taken: HashSet::from([id]), nodes: vec![root], end }
    }

    fn stage(&mut self, name: &'a str, stage: &'a Stage, decision_spans: bool) {
        let place = if name == RUN_STAGE {
            0
        } else {
            let start = stage.started_at.map_or(self.nodes[0].start, nanos);
            let end = end_of(start, stage.completed_at, stage.duration_seconds);
            self.push(&stage.id, stage.parent_id.as_deref(), Subject::Stage(name, stage), (start, end))
        };
        let mut observations = HashMap::new();
        for observation in &stage.observations {
            let start = observation.started_at.map_or(self.nodes[place].start, nanos);
            let end = end_of(start, None, observation.duration_ms.map(|millis| millis / 1e3));
            let parent = observation.parent_id.clone().unwrap_or_else(|| stage.id.clone());
            let made = self.push(&observation.id, Some(&parent), Subject::Observation(observation), (start, end));
            if parent == stage.id {
                self.nodes[made].parent = Some(self.nodes[place].id);
            }
            observations.entry(observation.id.as_str()).or_insert(made);
        }
        for decision in &stage.decisions {
            let inside = decision.observation_id.as_deref().and_then(|id| observations.get(id));
            let owner = inside.copied().unwrap_or(place);
            self.nodes[owner].decisions.push(decision);
            if decision_spans {
                let at = decision.timestamp.map_or(self.nodes[owner].start, nanos);
                let parent = self.nodes[owner].id;
                let made = self.push(&decision.id, None, Subject::Decision(decision), (at, Some(at)));
                self.nodes[made].parent = Some(parent);
            }
        }
    }

    fn push(&mut self, id: &str, parent: Option<&str>, subject: Subject<'a>, times: (u64, Option<u64>)) -> usize {
        let place = self.nodes.len();
        // An id that is missing or taken is replaced by one that depends on nothing but the document.
        let own = Some(id).filter(|id| !id.is_empty()).map(|id| ids::span_id(self.trace, id));
        let made = (0..).map(|turn| ids::derived(&self.trace.trace_id, &format!("span {place}"), turn));
        let own = own.into_iter().chain(made).find(|id| self.taken.insert(*id)).unwrap_or_default();
        let parent = parent.filter(|parent| !parent.is_empty()).map(|parent| ids::span_id(self.trace, parent));
        let (start, end) = times;
        self.nodes.push(Node {
            id: own,
            parent,
            subject,
            start,
            end: end.or(self.end).unwrap_or(start).max(start),
            decisions: Vec::new(),
            reports_usage: true,
        });
        place
    }
}

/// The span of the trace itself: recorded, or derived so that it meets no other span.
fn root_id(trace: &Trace) -> SpanId {
    let stages = trace.stages.iter().filter(|(name, _)| *name != RUN_STAGE).map(|(_, stage)| stage);
    let of_stages = stages.flat_map(|stage| std::iter::once(stage.id.as_str()));
    let of_observations = trace.stages.values().flat_map(|stage| stage.observations.iter().map(|o| o.id.as_str()));
    let of_decisions = trace.stages.values().flat_map(|stage| stage.decisions.iter().map(|d| d.id.as_str()));
    let others: HashSet<SpanId> =
        of_stages.chain(of_observations).chain(of_decisions).map(|id| ids::span_id(trace, id)).collect();
    let recorded = trace.metadata.root_span_id.as_deref().or(trace.stages.get(RUN_STAGE).map(|run| run.id.as_str()));
    let recorded = recorded.and_then(ids::hex::<8>).into_iter();
    let derived = (0..).map(|turn| ids::derived(&trace.trace_id, "root", turn));
    // There are more ids than spans.
    recorded.chain(derived).find(|id| !others.contains(id)).unwrap_or_default()
}

/// Lets every node reach the root: what names no parent, one that is not there, or one of its own descendants goes under the root.
fn connect(nodes: &mut [Node<'_>]) {
    let root = nodes[0].id;
    let places: HashMap<SpanId, usize> = nodes.iter().enumerate().map(|(place, node)| (node.id, place)).collect();
    let mut connected = vec![false; nodes.len()];
    connected[0] = true;
    for start in 1..nodes.len() {
        let mut path = Vec::new();
        let mut on_path = HashSet::new();
        let mut place = start;
        while !connected[place] {
            path.push(place);
            on_path.insert(place);
            let parent = nodes[place].parent.and_then(|parent| places.get(&parent).copied());
            match parent {
                Some(parent) if !on_path.contains(&parent) => place = parent,
                _ => {
                    nodes[place].parent = Some(root);
                    break;
                }
            }
        }
        for place in path {
            connected[place] = true;
        }
    }
}

/// Backends add the tokens of all spans up, so only the innermost call of each path reports its own.
fn withhold_sums(nodes: &mut [Node<'_>]) {
    let places: HashMap<SpanId, usize> = nodes.iter().enumerate().map(|(place, node)| (node.id, place)).collect();
    let mut has_reporting_child = vec![false; nodes.len()];
    for start in 1..nodes.len() {
        if !has_usage(&nodes[start]) {
            continue;
        }
        let mut place = start;
        while let Some(parent) = nodes[place].parent.and_then(|parent| places.get(&parent).copied()) {
            if std::mem::replace(&mut has_reporting_child[parent], true) {
                break;
            }
            place = parent;
        }
    }
    for (node, has_reporting_child) in nodes.iter_mut().zip(has_reporting_child) {
        node.reports_usage = !has_reporting_child;
    }
}

fn has_usage(node: &Node<'_>) -> bool {
    let Subject::Observation(observation) = node.subject else { return false };
    observation.llm.as_ref().is_some_and(|llm| llm.usage.is_some() || llm.cost_usd.is_some())
}

/// Nanoseconds since 1970; what lies before is 1970.
pub(crate) fn nanos(time: Timestamp) -> u64 {
    u64::try_from(time.as_nanos().max(0)).unwrap_or(u64::MAX)
}

/// When something ended: as recorded, else by its duration.
fn end_of(start: u64, completed_at: Option<Timestamp>, seconds: Option<f64>) -> Option<u64> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // saturates
    let after = |seconds: f64| start.saturating_add((seconds.max(0.0) * 1e9).round() as u64);
    completed_at.map(nanos).or_else(|| seconds.filter(|seconds| seconds.is_finite()).map(after))
}
