//! Where things are in the document, and where they go: span ids, stage names, room.

use super::totals::LlmTotals;
use super::{At, Fold};
use crate::model::{Object, Observation, Outcome, RUN_STAGE, Stage, Status};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// The place of a span. Nothing is ever removed from the document, so places stay right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loc {
    /// The index of a stage.
    Stage(usize),
    /// The index of a stage, and of an observation in it.
    Observation(usize, usize),
}

impl Loc {
    pub(super) fn stage(self) -> usize {
        match self {
            Self::Stage(stage) | Self::Observation(stage, _) => stage,
        }
    }
}

/// Finds by id and by name.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) spans: HashMap<String, Loc>,
    pub(super) decisions: HashSet<String>,
    /// The span of the trace itself, whose place is the stage `_run`.
    pub(super) root: String,
    /// Stage names that several stages were called in the stream: there, only span ids tell which is meant.
    ambiguous: HashSet<String>,
    /// The last number given to a repeated stage name.
    numbers: HashMap<String, u64>,
}

/// What the fold knows of a stage beyond the document.
#[derive(Debug, Default)]
pub(super) struct StageState {
    pub(super) totals: LlmTotals,
    /// Principle id → place in the stage's scores.
    pub(super) scores: HashMap<String, usize>,
}

/// What there is room for when the document is nearly full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// For what makes the bulk of large documents.
    Ordinary,
    /// For what the last phases of a long run bring, and every reader looks for: stages, scores, iterations. The last
    /// hundredth of the document is kept for it.
    Reserved,
}

/// Marks a span whose start is not in the stream, so that name, arguments and parent are not known.
pub(super) const START_LOST: &str = "start_lost";

impl Fold {
    /// How many of `wanted` items there is room for; the others are counted as left to the stream.
    pub(super) fn admit(&mut self, wanted: usize, room: Room) -> usize {
        let admitted = wanted.min(self.room(room));
        self.items += admitted;
        self.leave_out(wanted - admitted);
        admitted
    }

    /// Takes room for one item, or counts it as left to the stream.
    pub(super) fn admit_one(&mut self, room: Room) -> bool {
        self.admit(1, room) == 1
    }

    /// Counts what is in the stream only.
    pub(super) fn leave_out(&mut self, items: usize) {
        let left_out = &mut self.trace.metadata.stream_only;
        *left_out = left_out.saturating_add(items as u64);
    }

    pub(super) fn room(&self, room: Room) -> usize {
        let end = match room {
            Room::Ordinary => self.limits.max_items - self.limits.max_items / 100,
            Room::Reserved => self.limits.max_items,
        };
        end.saturating_sub(self.items)
    }

    /// The id an event gives, or one made of the event's number where it gives none.
    pub(super) fn id_or_made(&self, id: String, at: &At) -> String {
        if !id.is_empty() {
            return id;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.trace.trace_id.as_bytes());
        hasher.update(&at.seq.to_le_bytes());
        hasher.update(&at.ts.as_nanos().to_le_bytes());
        hasher.finalize().to_hex()[..16].to_owned()
    }

    pub(super) fn stage_mut(&mut self, stage: usize) -> &mut Stage {
        &mut self.trace.stages[stage]
    }

    pub(super) fn observation(&self, stage: usize, observation: usize) -> &Observation {
        &self.trace.stages[stage].observations[observation]
    }

    pub(super) fn observation_mut(&mut self, stage: usize, observation: usize) -> &mut Observation {
        &mut self.trace.stages[stage].observations[observation]
    }

    /// The attributes of a span.
    pub(super) fn attributes_mut(&mut self, loc: Loc) -> &mut Object {
        match loc {
            Loc::Stage(stage) => &mut self.stage_mut(stage).attributes,
            Loc::Observation(stage, observation) => &mut self.observation_mut(stage, observation).attributes,
        }
    }

    /// Where a span is; that of the trace itself is the stage `_run`, made when it is first needed.
    pub(super) fn find(&mut self, span: Option<&str>) -> Option<Loc> {
        let span = span?;
        if let Some(&loc) = self.index.spans.get(span) {
            return Some(loc);
        }
        if span.is_empty() || span != self.index.root { None } else { self.run_stage().map(Loc::Stage) }
    }

    /// The place that a fact is said of: its span, else its stage. `None`, and the fact counted, when the document is full.
    pub(super) fn locate(&mut self, at: &At, span: Option<&str>) -> Option<Loc> {
        match self.find(span) {
            Some(loc) => Some(loc),
            None => self.stage_for(at, None).map(Loc::Stage),
        }
    }

    /// The stage that a fact goes to. `None`, and the fact counted, when the document is full.
    pub(super) fn stage_for(&mut self, at: &At, span: Option<&str>) -> Option<usize> {
        let stage = self.stage_of(at, span);
        if stage.is_none() {
            self.leave_out(1);
        }
        stage
    }

    /// The stage that something happened in: the one its envelope names, else that of its span, else `_run`. A stage
    /// whose start was lost is made here. `None` when the document is full.
    fn stage_of(&mut self, at: &At, span: Option<&str>) -> Option<usize> {
        let by_span = self.find(span).map(Loc::stage);
        let Some(name) = at.stage.as_deref() else {
            return by_span.or_else(|| self.run_stage());
        };
        if let Some(stage) = by_span
            && (self.index.ambiguous.contains(name) || !self.trace.stages.contains_key(name))
        {
            return Some(stage);
        }
        match self.trace.stages.get_index_of(name) {
            Some(stage) => Some(stage),
            None if name == RUN_STAGE => self.run_stage(),
            None => {
                let mut stage = Stage { component: at.component.clone(), ..Stage::default() };
                stage.attributes.insert(START_LOST.to_owned(), Value::Bool(true));
                self.insert_stage(name.to_owned(), stage)
            }
        }
    }

    /// The stage `_run`, for what happens outside any stage.
    fn run_stage(&mut self) -> Option<usize> {
        if let Some(stage) = self.trace.stages.get_index_of(RUN_STAGE) {
            return Some(stage);
        }
        let stage = Stage { id: self.index.root.clone(), started_at: self.trace.run.started_at, ..Stage::default() };
        let index = self.insert_stage(RUN_STAGE.to_owned(), stage)?;
        if self.ended {
            self.end_run_stage();
        }
        Some(index)
    }

    /// The stage `_run` ends with the run.
    pub(super) fn end_run_stage(&mut self) {
        let run = &self.trace.run;
        let outcome = match run.status {
            Status::InProgress => None,
            Status::Complete => Some(Outcome::Ok),
            Status::Incomplete => Some(Outcome::Cancelled),
            Status::Failed => Some(Outcome::Err),
        };
        let (completed_at, duration_seconds) = (run.completed_at, run.duration_seconds);
        if let Some(stage) = self.trace.stages.get_mut(RUN_STAGE) {
            stage.outcome = outcome;
            stage.completed_at = completed_at;
            stage.duration_seconds = duration_seconds;
        }
    }

    /// Adds a stage under a name that is free. `None` when the document is full.
    pub(super) fn insert_stage(&mut self, name: String, mut stage: Stage) -> Option<usize> {
        if self.room(Room::Reserved) == 0 {
            return None;
        }
        self.items += 1;
        let index = self.trace.stages.len();
        stage.index = u32::try_from(index).unwrap_or(u32::MAX);
        if !stage.id.is_empty() {
            self.index.spans.insert(stage.id.clone(), Loc::Stage(index));
        }
        self.trace.stages.insert(name, stage);
        self.states.push(StageState::default());
        Some(index)
    }

    /// The name a stage is kept under: the one its envelope gives, made unique where it is taken.
    pub(super) fn free_stage_name(&mut self, wanted: Option<String>, name: &str) -> String {
        let name = if name.is_empty() { "stage" } else { name };
        let wanted = wanted.unwrap_or_else(|| name.to_owned());
        if wanted != RUN_STAGE && !self.trace.stages.contains_key(&wanted) {
            return wanted;
        }
        let number = self.index.numbers.entry(name.to_owned()).or_insert(1);
        let free = loop {
            *number += 1;
            let numbered = format!("{name}#{number}");
            if !self.trace.stages.contains_key(&numbered) {
                break numbered;
            }
        };
        self.index.ambiguous.insert(wanted);
        free
    }
}
