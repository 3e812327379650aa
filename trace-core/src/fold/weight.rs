//! About how much memory the fact in an event takes in the document.

use crate::event::Body;
use crate::model::{ErrorInfo, Evidence, EvidenceItem, LlmCall, Object, Observation, Stage};
use serde_json::Value;

/// A key and its share of a map's nodes.
const ENTRY: usize = 48;

pub(crate) fn of(body: &Body) -> usize {
    match body {
        Body::TraceStart(start) => object(&start.fields) + start.tags.len() * ENTRY + text(start.query.as_ref()),
        Body::TraceUpdate(update) => object(&update.attributes) + object(&update.fields) + update.tags.len() * ENTRY,
        Body::TraceEnd(end) => error(end.error.as_ref()),
        Body::StageStart(start) => size_of::<Stage>() + 4 * ENTRY + value(&start.inputs),
        Body::StageEnd(end) => value(&end.outputs) + object(&end.attributes) + error(end.error.as_ref()),
        Body::ObservationStart(start) => {
            size_of::<Observation>() + 4 * ENTRY + value(&start.input) + call(start.llm.as_deref())
        }
        Body::ObservationEnd(end) => {
            value(&end.input)
                + value(&end.output)
                + object(&end.attributes)
                + error(end.error.as_ref())
                + call(end.llm.as_deref())
        }
        Body::DecisionMade(made) => {
            8 * ENTRY
                + made.what.len()
                + made.why.len()
                + object(&made.inputs)
                + made.alternatives_considered.iter().map(|one| ENTRY + one.option.len()).sum::<usize>()
        }
        Body::EvidenceFound(found) => evidence(&found.evidence),
        Body::LlmInteraction(interaction) => size_of::<Observation>() + call(Some(&interaction.llm)),
        Body::PromptExecuted(execution) => {
            size_of::<Observation>()
                + call(Some(&execution.llm))
                + value(&execution.metadata)
                + text(execution.error.as_ref())
        }
        Body::TemplateRender(render) => {
            size_of::<Observation>()
                + value(&render.variables)
                + text(render.source.as_ref())
                + text(render.output.as_ref())
        }
        Body::ValidationError(found) => {
            size_of::<Observation>() + found.error_message.len() + text(found.code_context.as_ref())
        }
        Body::FileWrite(write) => size_of::<Observation>() + write.path.len() + text(write.content.as_ref()),
        Body::ErrorRaised(raised) => error(Some(&raised.error)),
        Body::ScoreGiven(given) => {
            given.scores.iter().map(|score| 3 * ENTRY + score.id.len() + text(score.feedback.as_ref())).sum()
        }
        Body::OutputSet(set) => object(&set.outputs),
        Body::Warning(noted) => ENTRY + noted.message.len(),
        Body::Unknown(unknown) => object(&unknown.fields),
        Body::CacheAccess(access) => text(access.key.as_ref()),
        Body::MemoryUse(_) => 0,
        Body::IterationDone(_) | Body::ChildStart(_) | Body::FlagRaised(_) => 4 * ENTRY,
    }
}

fn text(text: Option<&String>) -> usize {
    text.map_or(0, String::len)
}

fn error(error: Option<&ErrorInfo>) -> usize {
    error.map_or(0, |error| {
        let chain: usize = error.chain.iter().map(String::len).sum();
        ENTRY + error.message.len() + chain + text(error.backtrace.as_ref())
    })
}

fn call(call: Option<&LlmCall>) -> usize {
    call.map_or(0, |call| {
        size_of::<LlmCall>() + object(&call.parameters) + value(&call.messages) + value(&call.response)
    })
}

fn evidence(evidence: &Evidence) -> usize {
    let item = |item: &EvidenceItem| size_of::<EvidenceItem>() + item.id.len() + text(item.reason.as_ref());
    evidence.by_source.len() * ENTRY + evidence.items.iter().map(item).sum::<usize>()
}

fn object(object: &Object) -> usize {
    object.iter().map(|(key, member)| ENTRY + key.len() + value(member)).sum()
}

/// The heap of a value, without recursion: captured values may be nested deeply.
fn value(root: &Value) -> usize {
    let mut bytes = 0;
    let mut rest = vec![root];
    while let Some(value) = rest.pop() {
        match value {
            Value::String(text) => bytes += text.len(),
            Value::Array(items) => {
                bytes += items.len() * size_of::<Value>();
                rest.extend(items);
            }
            Value::Object(members) => {
                bytes += members.keys().map(|key| ENTRY + key.len()).sum::<usize>();
                rest.extend(members.values());
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    bytes
}
