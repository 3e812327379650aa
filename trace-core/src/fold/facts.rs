//! Facts about a stage or observation: decisions, evidence, scores, and what was noticed on the way.

use super::place::{Loc, Room};
use super::{At, Fold};
use crate::event::{CacheAccess, DecisionMade, ErrorRaised, EvidenceFound, MemoryUse, ScoreGiven};
use crate::model::{Decision, Gate, Object, Score};
use serde_json::{Value, json};

/// How many keys, names and labels are kept for each span.
const MAX_NAMES: usize = 100;

impl Fold {
    pub(super) fn decision(&mut self, at: &At, made: DecisionMade) {
        let id = self.id_or_made(made.id, at);
        if self.index.decisions.contains(&id) {
            return;
        }
        let Some(stage) = self.stage_for(at, made.span_id.as_deref()) else { return };
        if !self.admit_one(Room::Ordinary) {
            return;
        }
        self.index.decisions.insert(id.clone());
        let in_observation = |span: &String| matches!(self.index.spans.get(span), Some(Loc::Observation(..)));
        let mut extra = made.extra;
        extra.retain(|key, _| !["observation_id", "timestamp"].contains(&key.as_str()));
        let decision = Decision {
            id,
            observation_id: made.span_id.filter(in_observation),
            decision: made.decision,
            what: made.what,
            why: made.why,
            confidence: made.confidence.filter(|confidence| (0.0..=1.0).contains(confidence)),
            alternatives_considered: made.alternatives_considered,
            inputs: made.inputs,
            timestamp: Some(at.ts),
            component: at.component.clone(),
            location: made.location,
            extra,
        };
        self.stage_mut(stage).decisions.push(decision);
    }

    pub(super) fn evidence(&mut self, at: &At, found: EvidenceFound) {
        let Some(stage) = self.stage_for(at, found.span_id.as_deref()) else { return };
        let mut evidence = found.evidence;
        let admitted = self.admit(evidence.items.len(), Room::Ordinary);
        evidence.items.truncate(admitted);
        self.stage_mut(stage).evidence.get_or_insert_default().merge(evidence);
    }

    pub(super) fn scores(&mut self, at: &At, given: ScoreGiven) {
        let Some(stage) = self.stage_for(at, given.span_id.as_deref()) else { return };
        for score in given.scores {
            self.score(stage, score);
        }
        if let Some(gate) = given.gate {
            self.gate(stage, gate);
        }
    }

    /// A principle that is scored again has its last score.
    fn score(&mut self, stage: usize, score: Score) {
        if let Some(&place) = self.states[stage].scores.get(&score.id) {
            self.stage_mut(stage).principle_scores[place] = score;
        } else if self.admit_one(Room::Reserved) {
            let scores = &mut self.trace.stages[stage].principle_scores;
            self.states[stage].scores.insert(score.id.clone(), scores.len());
            scores.push(score);
        }
    }

    /// The last verdict of a stage stands; every failure counts.
    fn gate(&mut self, stage: usize, gate: Gate) {
        if !gate.passed() {
            self.trace.quality_gate_failures = self.trace.quality_gate_failures.saturating_add(1);
        }
        let stage = self.stage_mut(stage);
        stage.overall_score = gate.overall_score;
        stage.passing = gate.passing;
        stage.threshold = Some(gate.threshold);
        stage.gaps = gate.gaps;
        stage.strengths = gate.strengths;
    }

    /// Hits, misses and the first keys, under the attribute `cache`.
    pub(super) fn cache_access(&mut self, at: &At, access: CacheAccess) {
        let Some(loc) = self.locate(at, access.span_id.as_deref()) else { return };
        let (used, other) = if access.hit { ("hits", "misses") } else { ("misses", "hits") };
        update(self.attributes_mut(loc), "cache", |cache| {
            let count = cache.get(used).and_then(Value::as_u64).unwrap_or(0).saturating_add(1);
            cache.insert(used.to_owned(), count.into());
            cache.entry(other).or_insert_with(|| 0.into());
            list_once(cache, "names", Some(access.cache).filter(|name| !name.is_empty()));
            list_once(cache, "keys", access.key);
        });
    }

    /// The largest and the last number, under `memory_bytes_max` and `memory_bytes_last`.
    pub(super) fn memory_use(&mut self, at: &At, memory: &MemoryUse) {
        let Some(loc) = self.locate(at, memory.span_id.as_deref()) else { return };
        let attributes = self.attributes_mut(loc);
        let max = attributes.get("memory_bytes_max").and_then(Value::as_u64).unwrap_or(0).max(memory.bytes);
        attributes.insert("memory_bytes_max".to_owned(), max.into());
        attributes.insert("memory_bytes_last".to_owned(), memory.bytes.into());
        if let Some(label) = &memory.label {
            update(attributes, "memory_bytes_at", |at| {
                if at.len() < MAX_NAMES || at.contains_key(label) {
                    at.insert(label.clone(), memory.bytes.into());
                }
            });
        }
    }

    /// Errors that did not end the span, under the attribute `errors`.
    pub(super) fn error_raised(&mut self, at: &At, raised: &ErrorRaised) {
        let Some(loc) = self.locate(at, raised.span_id.as_deref()) else { return };
        if !self.admit_one(Room::Ordinary) {
            return;
        }
        let error = serde_json::to_value(&raised.error).unwrap_or_else(|_| json!({ "message": raised.error.message }));
        let errors = self.attributes_mut(loc).entry("errors").or_insert_with(|| Value::Array(Vec::new()));
        match errors {
            Value::Array(errors) => errors.push(error),
            other => *other = Value::Array(vec![other.take(), error]),
        }
    }
}

/// Changes the object at `key`; something else that was put there stays as its `value`.
fn update(attributes: &mut Object, key: &str, change: impl FnOnce(&mut Object)) {
    let mut object = match attributes.remove(key) {
        Some(Value::Object(object)) => object,
        Some(other) => Object::from_iter([("value".to_owned(), other)]),
        None => Object::new(),
    };
    change(&mut object);
    attributes.insert(key.to_owned(), Value::Object(object));
}

/// Adds text to a bounded list in which it is not yet.
fn list_once(object: &mut Object, list: &str, text: Option<String>) {
    let Some(text) = text else { return };
    let slot = object.entry(list).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(texts) = slot
        && texts.len() < MAX_NAMES
        && !texts.iter().any(|known| known.as_str() == Some(&text))
    {
        texts.push(Value::String(text));
    }
}
