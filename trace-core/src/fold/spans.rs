//! Stages and observations: their starts and ends.

use super::place::{Loc, Room, START_LOST};
use super::totals::Share;
use super::{At, Fold};
use crate::event::{ObservationEnd, ObservationStart, StageEnd, StageStart};
use crate::model::{Kind, LlmCall, Object, Observation, Stage};
use serde_json::Value;

impl Fold {
    pub(super) fn stage_start(&mut self, at: &At, start: StageStart) {
        let id = self.id_or_made(start.id, at);
        let place = match self.index.spans.get(&id).copied() {
            Some(Loc::Stage(stage)) if self.is_start_lost(stage) => Some(stage),
            Some(_) => return,
            None => self.nameless(at.stage.as_deref()),
        };
        let stage = match place {
            Some(stage) => stage,
            None => {
                let name = self.free_stage_name(at.stage.clone(), &start.name);
                match self.insert_stage(name, Stage::default()) {
                    Some(stage) => stage,
                    None => return self.leave_out(1),
                }
            }
        };
        let root = &self.index.root;
        let parent_id = start.parent_id.filter(|parent| !parent.is_empty() && parent != root);
        self.index.spans.insert(id.clone(), Loc::Stage(stage));
        let stage = self.stage_mut(stage);
        stage.id = id;
        stage.parent_id = parent_id;
        stage.component.clone_from(&at.component);
        stage.started_at = Some(at.ts);
        stage.inputs = start.inputs;
        stage.attributes.remove(START_LOST);
        note(&mut stage.attributes, start.location, start.extra);
    }

    pub(super) fn stage_end(&mut self, at: &At, end: StageEnd) {
        let id = self.id_or_made(end.id, at);
        let place = match self.index.spans.get(&id).copied() {
            Some(Loc::Stage(stage)) if self.trace.stages[stage].completed_at.is_none() => Some(stage),
            Some(_) => return,
            None => self.nameless(at.stage.as_deref()).or_else(|| self.stage_without_start(at)),
        };
        let Some(index) = place else { return };
        self.index.spans.entry(id.clone()).or_insert(Loc::Stage(index));
        let stage = self.stage_mut(index);
        stage.id = id;
        if stage.started_at.is_none() {
            stage.started_at = Some(at.began());
        }
        let since_start = stage.started_at.map(|started| at.ts.seconds_since(started).max(0.0));
        stage.completed_at = Some(at.ts);
        stage.duration_seconds = at.seconds().or(since_start);
        stage.outcome = end.outcome;
        merge_outputs(&mut stage.outputs, end.outputs);
        if end.error.is_some() {
            stage.error = end.error;
        }
        stage.attributes.extend(end.attributes);
        note(&mut stage.attributes, None, end.extra);
    }

    pub(super) fn observation_start(&mut self, at: &At, start: ObservationStart) {
        let id = self.id_or_made(start.id, at);
        let place = match self.index.spans.get(&id).copied() {
            Some(Loc::Observation(stage, index))
                if self.observation(stage, index).attributes.contains_key(START_LOST) =>
            {
                Some((stage, index))
            }
            Some(_) => return,
            None => {
                let parent = start.parent_id.as_deref();
                let observation = Observation { id, parent_id: start.parent_id.clone(), ..Observation::default() };
                self.insert_observation(at, parent, observation)
            }
        };
        let Some((stage, index)) = place else { return };
        let observation = self.observation_mut(stage, index);
        if start.parent_id.is_some() {
            observation.parent_id = start.parent_id;
        }
        observation.kind = start.kind;
        observation.component.clone_from(&at.component);
        observation.started_at = Some(at.ts);
        observation.attributes.remove(START_LOST);
        note(&mut observation.attributes, start.location, start.extra);
        // What an end that came first said is newer than what the start says.
        if observation.name.is_empty() {
            observation.name = start.name;
        }
        if observation.input.is_null() {
            observation.input = start.input;
        }
        let later = observation.llm.take();
        let before = Share::of(later.as_deref());
        let mut call = start.llm;
        if let Some(later) = later {
            call.get_or_insert_default().merge(*later);
        }
        observation.llm = call;
        self.settle_call(stage, index, before);
    }

    pub(super) fn observation_end(&mut self, at: &At, end: ObservationEnd) {
        let id = self.id_or_made(end.id, at);
        let place = match self.index.spans.get(&id).copied() {
            Some(Loc::Observation(stage, index)) if !self.is_over(stage, index) => Some((stage, index)),
            Some(_) => return,
            None => self.observation_without_start(at, id, end.llm.is_some()),
        };
        let Some((stage, index)) = place else { return };
        let observation = self.observation_mut(stage, index);
        let since_start = observation.started_at.map(|started| at.ts.seconds_since(started).max(0.0) * 1e3);
        observation.duration_ms = at.duration_ms.or(since_start);
        observation.outcome = end.outcome;
        if let Some(name) = end.name {
            observation.name = name;
        }
        if !end.input.is_null() {
            observation.input = end.input;
        }
        merge_outputs(&mut observation.output, end.output);
        if end.error.is_some() {
            observation.error = end.error;
        }
        observation.attributes.extend(end.attributes);
        note(&mut observation.attributes, None, end.extra);
        if let Some(call) = end.llm {
            self.merge_call(stage, index, *call);
        }
    }

    /// Puts an observation into the stage it happened in. `None` when the document is full.
    pub(super) fn insert_observation(
        &mut self,
        at: &At,
        span: Option<&str>,
        mut observation: Observation,
    ) -> Option<(usize, usize)> {
        let stage = self.stage_for(at, span)?;
        if !self.admit_one(Room::Ordinary) {
            return None;
        }
        let place = &mut self.trace.stages[stage];
        if observation.parent_id.as_ref().is_none_or(String::is_empty) {
            observation.parent_id = Some(place.id.clone()).filter(|id| !id.is_empty());
        }
        let index = place.observations.len();
        self.index.spans.insert(observation.id.clone(), Loc::Observation(stage, index));
        place.observations.push(observation);
        Some((stage, index))
    }

    /// Adds what a report says of the model call of an observation.
    pub(super) fn merge_call(&mut self, stage: usize, index: usize, call: LlmCall) {
        let observation = self.observation_mut(stage, index);
        let before = Share::of(observation.llm.as_deref());
        observation.llm.get_or_insert_default().merge(call);
        self.settle_call(stage, index, before);
    }

    /// Brings the call's fields and the stage's totals in line with the observation: an observation has them exactly when
    /// its kind has or something is known, which is how documents are read.
    pub(super) fn settle_call(&mut self, stage: usize, index: usize, before: Share) {
        let observation = self.observation_mut(stage, index);
        if observation.kind.is_model_call() {
            observation.llm.get_or_insert_default();
        } else if observation.llm.as_deref().is_some_and(|call| *call == LlmCall::default()) {
            observation.llm = None;
        }
        let now = Share::of(observation.llm.as_deref());
        self.recount(stage, before, now);
    }

    /// A stage known by name only, because its start was lost or comes later.
    fn nameless(&self, name: Option<&str>) -> Option<usize> {
        let (index, _, stage) = self.trace.stages.get_full(name?)?;
        (stage.id.is_empty() && self.is_start_lost(index)).then_some(index)
    }

    fn is_over(&self, stage: usize, index: usize) -> bool {
        let observation = self.observation(stage, index);
        observation.outcome.is_some() || observation.duration_ms.is_some()
    }

    fn is_start_lost(&self, stage: usize) -> bool {
        self.trace.stages[stage].attributes.contains_key(START_LOST)
    }

    /// A place for a stage of which only the end is known.
    fn stage_without_start(&mut self, at: &At) -> Option<usize> {
        if !self.has_room_for_end(Room::Reserved) {
            return None;
        }
        let name = self.free_stage_name(None, at.stage.as_deref().unwrap_or_default());
        let mut stage = Stage { component: at.component.clone(), ..Stage::default() };
        stage.attributes.insert(START_LOST.to_owned(), Value::Bool(true));
        self.insert_stage(name, stage)
    }

    /// A place for an observation of which only the end is known.
    fn observation_without_start(&mut self, at: &At, id: String, is_call: bool) -> Option<(usize, usize)> {
        if !self.has_room_for_end(Room::Ordinary) {
            return None;
        }
        let kind = if is_call { Kind::Llm } else { Kind::Function };
        let started_at = Some(at.began());
        let mut observation =
            Observation { id, kind, component: at.component.clone(), started_at, ..Observation::default() };
        observation.attributes.insert(START_LOST.to_owned(), Value::Bool(true));
        self.insert_observation(at, None, observation)
    }

    /// Whether there is room for what only an end tells of. Where there is none, it is the end of something that was counted when it
    /// started, unless nothing was left out so far.
    fn has_room_for_end(&mut self, room: Room) -> bool {
        let has_room = self.room(room) > 0;
        if !has_room && self.trace.metadata.stream_only == 0 {
            self.leave_out(1);
        }
        has_room
    }
}

/// Adds outputs to those reported before: objects are merged, anything else is replaced.
pub(super) fn merge_outputs(outputs: &mut Value, later: Value) {
    match (outputs, later) {
        (_, Value::Null) => {}
        (Value::Object(outputs), Value::Object(later)) => outputs.extend(later),
        (outputs, later) => *outputs = later,
    }
}

/// Keeps what has no field of its own among the attributes, behind what was said explicitly.
pub(super) fn note(attributes: &mut Object, location: Option<String>, extra: Object) {
    if let Some(location) = location {
        attributes.insert("location".to_owned(), Value::String(location));
    }
    for (key, value) in extra {
        attributes.entry(key).or_insert(value);
    }
}
