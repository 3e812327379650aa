//! Records to events: names, ids, durations.

use crate::context::shared::Shared;
use crate::event::{Body, DecisionMade, LlmInteraction, Noted, ObservationEnd, ObservationStart, StageEnd, StageStart};
use crate::model::{Alternative, Kind, LlmCall, Object, Outcome, PromptLink, RUN_STAGE, Timestamp};
use crate::names::clean_name;
use crate::record::tape;
use crate::record::{Draft, Ending, Load, Opening, Record, Recorded, What};
use crate::registry::{ComponentDecl, LinkedPrompt, PromptArm, Site, SiteKind, prompt_source};
use crate::tracer::Tracer;
use fastant::Instant as Tick;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

/// The stage that an event belongs to, by name.
#[derive(Clone, Default)]
pub(super) struct Named {
    pub(super) stage: Option<String>,
    pub(super) component: Option<String>,
}

/// A record as an event's body.
pub(super) struct Converted {
    pub(super) body: Body,
    pub(super) named: Named,
    pub(super) duration: Option<Duration>,
    pub(super) warnings: Vec<Noted>,
}

/// What the conversion remembers of one trace.
pub(super) struct Convert {
    tracer: Tracer,
    root: u64,
    start: Timestamp,
    started: Tick,
    stages: HashMap<u64, Named>,
    /// How often a stage's name was used.
    names: HashMap<String, u32>,
    /// When the open spans began, and in which span.
    began: HashMap<u64, (Tick, u64)>,
    /// The declared components of open spans and of all stages.
    components: HashMap<u64, ComponentDecl>,
    /// The open observations of model calls, and the prompt that each was linked to last.
    calls: HashMap<u64, LinkedPrompt>,
    /// Calls made with a prompt whose version is not known yet.
    unversioned: BTreeMap<u64, (Named, PromptLink)>,
    /// Undeclared decisions that were warned of.
    warned: HashSet<(&'static str, &'static str)>,
}

/// How many calls of one trace are remembered whose versions are not known yet.
const UNVERSIONED: usize = 10_000;

fn hex(id: u64) -> String {
    format!("{id:016x}")
}

impl Convert {
    pub(super) fn new(shared: &Shared, start: Timestamp) -> Self {
        Self {
            tracer: shared.tracer.clone(),
            root: shared.root_span,
            start,
            started: shared.started,
            stages: HashMap::new(),
            names: HashMap::from([(RUN_STAGE.to_owned(), 1)]),
            began: HashMap::new(),
            components: HashMap::new(),
            calls: HashMap::new(),
            unversioned: BTreeMap::new(),
            warned: HashSet::new(),
        }
    }

    /// A record, and the bytes that were captured for it. `None` for a record of which nothing is to be said, and for one without its load,
    /// which nobody records.
    pub(super) fn record(&mut self, recorded: Recorded, captured: &[u8]) -> Option<Converted> {
        let Recorded { record: Record { at, stage, what, .. }, load } = recorded;
        Some(match (what, load) {
            (What::Start { id, parent, site }, load) => {
                self.began.insert(id, (at, parent));
                let opening = if let Some(Load::Opening(opening)) = load { *opening } else { Opening::default() };
                self.start(id, parent, stage, site, opening, captured)
            }
            (What::End { id, outcome, is_stage }, load) => {
                let duration = self.began.remove(&id).map(|(began, _)| at.duration_since(began));
                if !is_stage {
                    self.components.remove(&id);
                    self.calls.remove(&id);
                }
                let ending = if let Some(Load::Ending(ending)) = load { *ending } else { Ending::default() };
                let body = end(id, outcome, is_stage, ending, captured);
                Converted { body, named: self.named(stage), duration, warnings: Vec::new() }
            }
            (What::Decision { id, span, site }, load) => {
                let parts = if let Some(Load::Parts(parts)) = &load { parts.as_bytes() } else { captured };
                self.decision(id, span, stage, site, Draft::read(parts))
            }
            (What::Rendered { span }, Some(Load::Rendered(linked))) => return self.rendered(span, stage, *linked),
            (What::Fact { span }, Some(Load::Body(body))) => self.fact(at, span, stage, *body),
            (What::Rendered { .. } | What::Fact { .. }, _) => return None,
        })
    }

    fn named(&self, stage: u64) -> Named {
        self.stages.get(&stage).cloned().unwrap_or_default()
    }

    fn parent(&self, span: u64) -> Option<String> {
        (span != self.root && span != 0).then(|| hex(span))
    }

    fn start(
        &mut self,
        id: u64,
        parent: u64,
        stage: u64,
        site: &'static Site,
        opening: Opening,
        captured: &[u8],
    ) -> Converted {
        let Opening { inputs, prompt, model } = opening;
        let inputs = tape::entries(inputs.or(captured));
        let inputs = if inputs.is_empty() { Value::Null } else { Value::Object(inputs) };
        let parent_id = self.parent(parent);
        let location = Some(site.location());
        if let Some(component) = site.component {
            self.components.insert(id, component);
        }
        let body = if site.kind == SiteKind::Stage {
            self.begin_stage(id, site.name, site.component.map(|component| component.name));
            let name = clean_name(site.name).into_owned();
            Body::StageStart(StageStart { id: hex(id), parent_id, name, inputs, location, ..StageStart::default() })
        } else {
            let kind = Kind::from(site.observes);
            let mut llm = (kind.is_model_call() || prompt.is_some() || model.is_some()).then(LlmCall::new);
            let linked = prompt.map(|prompt| *prompt).unwrap_or_default();
            let arm = linked.arm.as_ref().map(PromptArm::attributes).unwrap_or_default();
            if let Some(llm) = &mut llm {
                *llm = std::mem::take(llm).prompt(linked.link.clone());
                llm.model = model;
                self.note_version(id, stage, &linked.link);
                self.calls.insert(id, linked);
            }
            Body::ObservationStart(ObservationStart {
                id: hex(id),
                parent_id,
                name: clean_name(site.name).into_owned(),
                kind,
                input: inputs,
                llm: llm.map(Box::new),
                location,
                extra: arm,
            })
        };
        let mut named = self.named(stage);
        if let Some(component) = site.component {
            named.component = Some(component.name.to_owned());
        }
        Converted { body, named, duration: None, warnings: Vec::new() }
    }

    /// A prompt was rendered inside of a call that was declared to be made with it: that version is the call's, whatever was expected when it
    /// began. `None` where that is known already, or there is no such call.
    fn rendered(&mut self, span: u64, stage: u64, linked: LinkedPrompt) -> Option<Converted> {
        let mut id = span;
        while !self.calls.contains_key(&id) {
            id = self.began.get(&id)?.1;
        }
        let call = self.calls.get_mut(&id)?;
        if call.link.prompt_name != linked.link.prompt_name || *call == linked {
            return None;
        }
        let arm = match (&call.arm, &linked.arm) {
            (_, Some(arm)) => arm.attributes(),
            // Nothing of the arm that was expected may stay.
            (Some(_), None) => {
                [PromptArm::EXPERIMENT, PromptArm::GROUP].map(|key| (key.to_owned(), Value::Null)).into_iter().collect()
            }
            (None, None) => Object::new(),
        };
        *call = linked.clone();
        self.note_version(id, stage, &linked.link);
        Some(Converted {
            body: relink(id, linked.link, arm),
            named: self.named(stage),
            duration: None,
            warnings: Vec::new(),
        })
    }

    fn note_version(&mut self, id: u64, stage: u64, link: &PromptLink) {
        if link.prompt_version.is_some() || link.template_hash.is_none() {
            self.unversioned.remove(&id);
        } else if prompt_source().is_some() && self.unversioned.len() < UNVERSIONED {
            self.unversioned.insert(id, (self.named(stage), link.clone()));
        }
    }

    /// The versions that became known since their calls began, before the trace ends.
    pub(super) fn late_versions(&mut self) -> Vec<(Named, Body)> {
        let Some(source) = prompt_source().filter(|_| !self.unversioned.is_empty()) else { return Vec::new() };
        let known = |(id, (named, link)): (u64, (Named, PromptLink))| {
            let (name, hash) = (link.prompt_name?, link.template_hash?);
            let version = source.version_of(&name, &hash)?;
            let link = PromptLink::new(&name, source.registry_name(&name), Some(version), Some(hash));
            Some((named, relink(id, link, Object::new())))
        };
        std::mem::take(&mut self.unversioned).into_iter().filter_map(known).collect()
    }

    /// Gives a stage its unique name: `synthesis`, `synthesis#2`, …
    fn begin_stage(&mut self, id: u64, name: &str, component: Option<&str>) {
        let mut name = name.to_owned();
        self.tracer.inner().redactor.name(&mut name);
        let mut unique = clean_name(&name).into_owned();
        let count = self.names.entry(unique.clone()).or_default();
        *count += 1;
        if *count > 1 {
            unique = format!("{unique}#{count}");
            // A stage may really be called `x#2`; then the next free number is taken.
            while self.names.contains_key(&unique) {
                let count = self.names.entry(clean_name(&name).into_owned()).or_default();
                *count += 1;
                unique = format!("{}#{count}", clean_name(&name));
            }
            self.names.insert(unique.clone(), 1);
        }
        self.stages.insert(id, Named { stage: Some(unique), component: component.map(str::to_owned) });
    }

    fn decision(&mut self, id: u64, span: u64, stage: u64, site: &'static Site, draft: Draft) -> Converted {
        let mut named = self.named(stage);
        let mut warnings = Vec::new();
        let component = self.components.get(&span).or_else(|| self.components.get(&stage)).copied();
        if let Some(component) = component {
            named.component = Some(component.name.to_owned());
            if !component.decisions.contains(&site.name) && self.warned.insert((component.name, site.name)) {
                warnings.push(Noted {
                    message: format!(
                        "component `{}` did not declare the decision `{}` made at {}: add it to decisions(…)",
                        component.name,
                        site.name,
                        site.location(),
                    ),
                    ..Noted::default()
                });
            }
        }
        let confidence = draft.confidence.filter(|confidence| (0.0..=1.0).contains(confidence));
        if let (None, Some(outside)) = (confidence, draft.confidence) {
            warnings.push(Noted {
                message: format!(
                    "decision `{}` at {} has the confidence {outside}, which is outside 0..=1; it is recorded as null",
                    site.name,
                    site.location()
                ),
                ..Noted::default()
            });
        }
        let alternatives = draft.alternatives.into_iter().map(|(option, confidence)| Alternative {
            option,
            confidence: Some(confidence).filter(|confidence| (0.0..=1.0).contains(confidence)),
        });
        let body = Body::DecisionMade(DecisionMade {
            id: hex(id),
            span_id: self.parent(span),
            decision: clean_name(site.name).into_owned(),
            what: draft.what,
            why: draft.why,
            confidence,
            alternatives_considered: alternatives.collect(),
            inputs: draft.inputs,
            location: Some(site.location()),
            ..DecisionMade::default()
        });
        Converted { body, named, duration: None, warnings }
    }

    /// A fact is nearly an event already; stages and observations begun without a macro are registered here.
    fn fact(&mut self, at: Tick, span: u64, stage: u64, mut body: Body) -> Converted {
        match &mut body {
            Body::StageStart(start) => {
                self.began.insert(span, (at, span_of(start.parent_id.as_deref())));
                let component = start.component.take().map(|mut component| {
                    self.tracer.inner().redactor.name(&mut component);
                    clean_name(&component).into_owned()
                });
                self.begin_stage(span, &start.name, component.as_deref());
                start.name = clean_name(&start.name).into_owned();
            }
            Body::ObservationStart(start) => {
                self.began.insert(span, (at, span_of(start.parent_id.as_deref())));
                start.name = clean_name(&start.name).into_owned();
                if start.kind.is_model_call() {
                    start.llm.get_or_insert_default();
                    self.calls.insert(span, LinkedPrompt::default());
                }
            }
            // Said inside of a model call, it is about that call.
            Body::LlmInteraction(interaction) if self.calls.contains_key(&span) => interaction.id = None,
            _ => {}
        }
        let mut duration = match &body {
            Body::PromptExecuted(execution) => Duration::try_from_secs_f64(execution.response_time_ms / 1e3).ok(),
            _ => None,
        };
        if let Body::IterationDone(done) = &mut body {
            let took = Duration::try_from_secs_f64(done.iteration.duration_seconds.unwrap_or(0.0)).unwrap_or_default();
            let offset = at.duration_since(self.started).saturating_sub(took);
            done.iteration.started_at = Some(self.start.plus(offset));
            duration = Some(took);
        }
        Converted { body, named: self.named(stage), duration, warnings: Vec::new() }
    }
}

/// Links a call that has begun.
fn relink(id: u64, link: PromptLink, arm: Object) -> Body {
    let llm = Box::new(LlmCall::new().prompt(link));
    Body::LlmInteraction(LlmInteraction { span_id: Some(hex(id)), llm, extra: arm, ..LlmInteraction::default() })
}

fn span_of(id: Option<&str>) -> u64 {
    id.and_then(|id| u64::from_str_radix(id, 16).ok()).unwrap_or(0)
}

fn end(id: u64, outcome: Outcome, is_stage: bool, ending: Ending, captured: &[u8]) -> Body {
    let Ending { output, name, input, error, llm, attributes } = ending;
    let (id, outcome, output) = (hex(id), Some(outcome), tape::value(output.or(captured)));
    if is_stage {
        Body::StageEnd(StageEnd { id, outcome, outputs: output, error, attributes, ..StageEnd::default() })
    } else {
        Body::ObservationEnd(ObservationEnd {
            id,
            outcome,
            name,
            input,
            output,
            error,
            attributes,
            llm,
            ..ObservationEnd::default()
        })
    }
}
