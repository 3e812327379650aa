//! What prompts leave in a trace: which version was rendered where, and executions that the program logs itself.

use super::facts::record;
use super::tape::Tape;
use super::{Load, Record, Recorded, What, recording};
use crate::collect::price_alone;
use crate::context::local::{self, random_u64};
use crate::event::{Body, PromptExecution};
use crate::model::PromptLink;
use crate::registry::{LinkedPrompt, PromptSource, RenderedPrompt, prompt_source, registry_name};
use crate::tracer::Tracer;
use fastant::Instant;

/// Notes which version of a prompt was rendered here: the model call around is linked to that one.
pub(crate) fn prompt_rendered(rendered: &RenderedPrompt) {
    if !recording() {
        return;
    }
    local::with(|local| {
        let linked = Box::new(LinkedPrompt { link: rendered.link.clone(), arm: rendered.arm.clone() });
        let what = What::Rendered { span: local.span.get() };
        let record = Record::new(local::key(), Instant::now(), local.stage.get(), what);
        local.push(Recorded { record, load: Some(Load::Rendered(linked)) }, Tape::default());
    });
}

/// See [`PromptExecution::log`].
pub(crate) fn log_execution(mut execution: PromptExecution) -> Option<String> {
    let is_muted = local::with(local::Local::is_muted).unwrap_or(true);
    if is_muted || cfg!(feature = "disabled") {
        return None;
    }
    let source = prompt_source();
    let is_kept = link(&mut execution, source.as_deref());
    let mut id = None;
    if recording() {
        record(|at| {
            execution.id = at.id();
            execution.span_id.clone_from(&at.span_id);
            id = Some(execution.id.clone());
            Body::PromptExecuted(execution)
        });
    } else if let Some(source) = source {
        // No trace keeps it apart from the executions of other processes, so it is as unique as a trace's id.
        execution.id = format!("{:016x}{:016x}", random_u64(), random_u64());
        id = Some(execution.id.clone());
        if let Some(tracer) = Tracer::global() {
            price_alone(&mut execution.llm, &tracer);
        }
        source.log(execution);
    }
    id.filter(|_| is_kept)
}

/// Completes the link of an execution; whether the registry knows the prompt and can be reached.
fn link(execution: &mut PromptExecution, source: Option<&dyn PromptSource>) -> bool {
    let given = execution.llm.prompt_link();
    let name = given.prompt_name.clone().unwrap_or_default();
    let Some(source) = source else {
        execution.llm.prompt_registry_name.get_or_insert_with(|| registry_name(&name));
        return false;
    };
    let now = source.linked(&name);
    let is_known = now.is_some();
    let says_which = given.prompt_version.is_some() || given.template_hash.is_some();
    match now {
        Some(LinkedPrompt { link, arm }) if !says_which => {
            execution.arm = arm.map(|arm| arm.attributes()).unwrap_or_default();
            set_link(execution, link);
        }
        _ => {
            let by_hash = || given.template_hash.as_deref().and_then(|hash| source.version_of(&name, hash));
            let version = given.prompt_version.or_else(by_hash);
            set_link(execution, PromptLink::new(&name, source.registry_name(&name), version, given.template_hash));
        }
    }
    is_known && source.is_reachable()
}

fn set_link(execution: &mut PromptExecution, link: PromptLink) {
    *execution.llm = std::mem::take(&mut *execution.llm).prompt(link);
}
