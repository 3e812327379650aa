//! The executions of a trace: one for each model call that was made with a prompt, observed or logged.

use super::About;
use super::children::Ids;
use super::clean::Cleaner;
use super::tables::ExecutionRow;
use crate::sql::prompts::executions::name_of;
use serde_json::Value;
use std::borrow::Cow;
use trace_core::fold::EXECUTION;
use trace_core::model::{LlmCall, Object, Observation, Outcome};
use trace_core::registry::PromptArm;

/// How much of an execution's error is kept, in characters.
const ERROR: usize = 1000;

/// An execution, and the version of its prompt as far as the document knows it.
#[derive(Debug)]
pub(crate) struct Execution<'a> {
    pub(crate) row: ExecutionRow<'a>,
    pub(crate) version: Option<u32>,
}

/// The executions of a trace; those outside any trace have an empty trace id, and no session.
pub(super) fn of<'a>(about: &About<'a>, clean: &mut Cleaner) -> Vec<Execution<'a>> {
    let mut ids = Ids::default();
    let calls = about.trace.stages.values().flat_map(|stage| &stage.observations);
    let with_prompt = calls.filter_map(|call| {
        let llm = call.llm.as_deref()?;
        Some((call, llm, llm.prompt_name.as_deref()?))
    });
    with_prompt
        .map(|(call, llm, prompt)| {
            let row = row(about, clean, call, llm, prompt);
            let id = ids.unique(&row.id);
            Execution { row: ExecutionRow { id, ..row }, version: llm.prompt_version }
        })
        .collect()
}

fn row<'a>(
    about: &About<'a>,
    clean: &mut Cleaner,
    call: &'a Observation,
    llm: &'a LlmCall,
    prompt: &'a str,
) -> ExecutionRow<'a> {
    let id = clean.name(&call.id);
    let in_trace = !about.trace_id.is_empty();
    let logged = call.attributes.get(EXECUTION).and_then(Value::as_object);
    let tokens = Tokens::of(llm, logged, clean);
    ExecutionRow {
        template_id: None,
        template_name: clean.name(prompt),
        trace_id: about.trace_id.clone(),
        observation_id: in_trace.then(|| id.clone()),
        session_id: in_trace.then(|| clean.name(&about.trace.session_id)),
        executed_at: clean.moment(call.started_at.or(about.trace.run.started_at)).unwrap_or(about.now),
        success: call.outcome == Some(Outcome::Ok),
        response_time_ms: clean.number(call.duration_ms),
        input_token_count: tokens.input,
        output_token_count: tokens.output,
        total_token_count: tokens.total,
        cost_usd: llm.cost_usd,
        model: clean.name_of(llm.model.as_ref()),
        provider: clean.name_of(llm.provider.as_ref()),
        error_message: call.error.as_ref().map(|error| clean.text(first_characters(&error.message))),
        metadata: logged.and_then(|logged| logged.get("metadata")).and_then(|metadata| clean.json_of(metadata)),
        prompt_registry_name: name_of(llm).map(|name| match name {
            Cow::Borrowed(name) => clean.name(name),
            Cow::Owned(name) => clean.name(&name).into_owned().into(),
        }),
        template_hash: clean.name_of(llm.template_hash.as_ref()),
        experiment_id: call.attributes.get(PromptArm::EXPERIMENT).and_then(Value::as_str).map(|id| clean.name(id)),
        id,
    }
}

/// Tokens as the columns hold them: inclusive. What a program did not log is not known, which is not 0.
struct Tokens {
    input: Option<i64>,
    output: Option<i64>,
    total: Option<i64>,
}

impl Tokens {
    fn of(llm: &LlmCall, logged: Option<&Object>, clean: &mut Cleaner) -> Self {
        let tokens = llm.usage.map(|usage| usage.inclusive());
        let is_known = |field| logged.is_none_or(|logged| logged.get(field).is_some_and(|count| !count.is_null()));
        Self {
            input: tokens.filter(|_| is_known("input_tokens")).map(|tokens| clean.count(tokens.input_tokens)),
            output: tokens.filter(|_| is_known("output_tokens")).map(|tokens| clean.count(tokens.output_tokens)),
            total: tokens.map(|tokens| clean.count(tokens.total_tokens)),
        }
    }
}

fn first_characters(text: &str) -> &str {
    text.char_indices().nth(ERROR).map_or(text, |(index, _)| &text[..index])
}
