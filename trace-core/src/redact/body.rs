//! Every event, field by field.
//!
//! Each struct is taken apart without `..`, so that whoever adds a field must decide here what it is:
//!
//! - `id`: made by us, or shaped so; left alone;
//! - `label`: a name that a user gave; redacted and bounded, kept when content is off;
//! - `line`: a text about the program rather than its data (a path, a place in the source); redacted, kept when content is off;
//! - `words`: free text; redacted, withheld when content is off;
//! - `content`, `members`, `measures`, `messages`: values, see [`super::content`].
//!
//! The names of our own fields are never compared with those of secrets; those of a user's are.

use super::Redactor;
use super::json::Numbering;
use super::path::Path;
use crate::event::*;
use crate::model::{
    Alternative, Attempt, CalibrationFlag, ChildTrace, ErrorInfo, Evidence, EvidenceItem, Gate, Iteration, Kind,
    LlmCall, Object, Score,
};
use crate::names::project_folder;
use crate::text;
use std::collections::BTreeMap;

impl Redactor {
    /// Redacts everything in an event that a user, a file or another program gave, and bounds it.
    ///
    /// The session, stage and component of the event are not part of its body: pass them through [`Redactor::name`].
    pub fn body(&self, body: &mut Body) {
        match body {
            Body::TraceStart(body) => self.trace_start(body),
            Body::TraceUpdate(body) => self.trace_update(body),
            Body::TraceEnd(body) => self.trace_end(body),
            Body::StageStart(body) => self.stage_start(body),
            Body::StageEnd(body) => self.stage_end(body),
            Body::ObservationStart(body) => self.observation_start(body),
            Body::ObservationEnd(body) => self.observation_end(body),
            Body::DecisionMade(body) => self.decision(body),
            Body::EvidenceFound(body) => self.evidence_found(body),
            Body::LlmInteraction(body) => self.llm_interaction(body),
            Body::PromptExecuted(body) => self.prompt_execution(body),
            Body::TemplateRender(body) => self.template_render(body),
            Body::ValidationError(body) => self.validation_error(body),
            Body::FileWrite(body) => self.file_write(body),
            Body::CacheAccess(body) => self.cache(body),
            Body::MemoryUse(body) => self.memory(body),
            Body::ErrorRaised(body) => self.error_raised(body),
            Body::ScoreGiven(body) => self.score_given(body),
            Body::IterationDone(body) => self.iteration_done(body),
            Body::OutputSet(body) => self.output(body),
            Body::ChildStart(body) => self.child_start(body),
            Body::FlagRaised(body) => self.flag_raised(body),
            Body::Warning(body) => self.warning(body),
            Body::Unknown(body) => self.unknown(body),
        }
    }

    fn trace_start(&self, body: &mut TraceStart) {
        let TraceStart {
            schema_version: _,
            otel_trace_id,
            root_span_id,
            parent_trace_id,
            parent_span_id,
            user_id,
            tags,
            project_id,
            project_name,
            query,
            intent,
            domain,
            report_type,
            research_type,
            fields,
            live,
            trace_version,
            generator,
            max_items: _,
            extra,
        } = body;
        self.ids([otel_trace_id, parent_trace_id, parent_span_id]);
        self.id(root_span_id);
        self.labels_of([("user_id", user_id), ("intent", intent), ("domain", domain)]);
        self.labels_of([("report_type", report_type), ("research_type", research_type)]);
        self.tags(tags);
        self.project(project_id, project_name);
        self.words_of([("query", query)]);
        self.measures("fields", fields);
        self.lines_of([("live", live)]);
        self.line("trace_version", trace_version);
        self.line("generator", generator);
        self.extra(extra);
    }

    fn trace_update(&self, body: &mut TraceUpdate) {
        let TraceUpdate {
            span_id,
            attributes,
            user_id,
            tags,
            query,
            intent,
            domain,
            report_type,
            research_type,
            fields,
            metadata,
            extra,
        } = body;
        self.ids([span_id]);
        self.measures("attributes", attributes);
        self.labels_of([("user_id", user_id), ("intent", intent), ("domain", domain)]);
        self.labels_of([("report_type", report_type), ("research_type", research_type)]);
        self.tags(tags);
        self.words_of([("query", query)]);
        self.measures("fields", fields);
        metadata.iter().for_each(account);
        self.extra(extra);
    }

    fn trace_end(&self, body: &mut TraceEnd) {
        let TraceEnd { status: _, error, metadata, recovered: _, extra } = body;
        self.errors(error);
        account(metadata);
        self.extra(extra);
    }

    fn stage_start(&self, body: &mut StageStart) {
        let StageStart { id, parent_id, name, component, inputs, location, extra } = body;
        self.id(id);
        self.ids([parent_id]);
        self.label_of("name", name);
        self.labels_of([("component", component)]);
        self.content("inputs", inputs);
        self.lines_of([("location", location)]);
        self.extra(extra);
    }

    fn stage_end(&self, body: &mut StageEnd) {
        let StageEnd { id, outcome: _, outputs, error, attributes, extra } = body;
        self.id(id);
        self.content("outputs", outputs);
        self.errors(error);
        self.measures("attributes", attributes);
        self.extra(extra);
    }

    fn observation_start(&self, body: &mut ObservationStart) {
        let ObservationStart { id, parent_id, name, kind, input, llm, location, extra } = body;
        self.id(id);
        self.ids([parent_id]);
        self.label_of("name", name);
        if let Kind::Other(kind) = kind {
            self.label_of("kind", kind);
        }
        self.content("input", input);
        llm.iter_mut().for_each(|llm| self.llm(llm));
        self.lines_of([("location", location)]);
        self.extra(extra);
    }

    fn observation_end(&self, body: &mut ObservationEnd) {
        let ObservationEnd { id, outcome: _, name, input, output, error, attributes, llm, extra } = body;
        self.id(id);
        self.labels_of([("name", name)]);
        self.content("input", input);
        self.content("output", output);
        self.errors(error);
        self.measures("attributes", attributes);
        llm.iter_mut().for_each(|llm| self.llm(llm));
        self.extra(extra);
    }

    fn decision(&self, body: &mut DecisionMade) {
        let DecisionMade {
            id,
            span_id,
            decision,
            what,
            why,
            confidence: _,
            alternatives_considered,
            inputs,
            location,
            extra,
        } = body;
        self.id(id);
        self.ids([span_id]);
        self.label_of("decision", decision);
        self.words("what", what);
        self.words("why", why);
        for Alternative { option, confidence: _ } in alternatives_considered {
            self.words("alternatives_considered.option", option);
        }
        self.members("inputs", inputs);
        self.lines_of([("location", location)]);
        self.extra(extra);
    }

    fn evidence_found(&self, body: &mut EvidenceFound) {
        let EvidenceFound { span_id, evidence, extra } = body;
        self.ids([span_id]);
        let Evidence { collected: _, passed: _, filtered: _, retrieved: _, used: _, by_source, items, extra: more } =
            evidence;
        let clean = |source: &String| {
            let mut source = source.clone();
            self.label_of("evidence.by_source", &mut source);
            source
        };
        if by_source.keys().any(|source| clean(source) != *source) {
            for (source, count) in std::mem::take(by_source) {
                let sum = by_source.entry(clean(&source)).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        for EvidenceItem { id, source, score: _, kept: _, reason, extra } in items {
            self.words("evidence.items.id", id);
            self.labels_of([("evidence.items.source", source)]);
            self.words_of([("evidence.items.reason", reason)]);
            self.extra(extra);
        }
        self.extra(more);
        self.extra(extra);
    }

    fn llm_interaction(&self, body: &mut LlmInteraction) {
        let LlmInteraction { id, span_id, llm, side_file, extra } = body;
        self.ids([id, span_id]);
        self.llm(llm);
        self.lines_of([("side_file", side_file)]);
        self.extra(extra);
    }

    fn prompt_execution(&self, body: &mut PromptExecution) {
        let PromptExecution {
            id,
            span_id,
            llm,
            success: _,
            response_time_ms: _,
            input_tokens: _,
            output_tokens: _,
            error,
            metadata,
            arm,
            extra,
        } = body;
        self.id(id);
        self.ids([span_id]);
        self.llm(llm);
        self.words_of([("error", error)]);
        self.content("metadata", metadata);
        self.measures("arm", arm);
        self.extra(extra);
    }

    fn llm(&self, llm: &mut LlmCall) {
        let LlmCall {
            prompt_name,
            prompt_version: _,
            prompt_registry_name,
            prompt_uri,
            template_hash,
            model,
            provider,
            parameters,
            messages,
            response,
            usage: _,
            cost_usd: _,
            attempts,
            time_to_first_token_ms: _,
            cached: _,
        } = llm;
        self.labels_of([("prompt_name", prompt_name), ("prompt_registry_name", prompt_registry_name)]);
        self.lines_of([("prompt_uri", prompt_uri)]);
        self.ids([template_hash]);
        self.labels_of([("model", model), ("provider", provider)]);
        self.measures("parameters", parameters);
        self.messages(messages);
        self.user_value(&Path::Root("response"), response);
        for Attempt { number: _, duration_ms: _, error, status: _, extra } in attempts {
            self.words_of([("attempts.error", error)]);
            self.extra(extra);
        }
    }

    fn template_render(&self, body: &mut TemplateRender) {
        let TemplateRender { id, span_id, template, variables, source, output, indentation: _, error, extra } = body;
        self.id(id);
        self.ids([span_id]);
        self.line("template", template);
        // What the template was given under the name of a secret stands in its result without that name.
        for secret in self.named_secrets(variables) {
            let texts = output.iter_mut().chain(error.iter_mut().map(|error| &mut error.message));
            texts.for_each(|text| *text = text.replace(&secret, super::REDACTED));
        }
        self.content("variables", variables);
        self.words_of([("source", source), ("output", output)]);
        self.errors(error);
        self.extra(extra);
    }

    fn validation_error(&self, body: &mut ValidationError) {
        let ValidationError {
            id,
            span_id,
            validation_type,
            error_type,
            error_message,
            file,
            line_number: _,
            column: _,
            code_context,
            healing_attempts,
            final_status,
            healing_ended,
            healing_reason,
            side_file,
            extra,
        } = body;
        self.id(id);
        self.ids([span_id]);
        self.labels_of([("validation_type", validation_type), ("final_status", final_status)]);
        self.labels_of([("healing_ended", healing_ended)]);
        self.words_of([("healing_reason", healing_reason)]);
        self.label_of("error_type", error_type);
        self.words("error_message", error_message);
        self.lines_of([("file", file), ("side_file", side_file)]);
        self.words_of([("code_context", code_context)]);
        for HealingAttempt { attempt: _, strategy, success: _, error, extra } in healing_attempts {
            self.words_of([("healing_attempts.strategy", strategy), ("healing_attempts.error", error)]);
            self.extra(extra);
        }
        self.extra(extra);
    }

    fn file_write(&self, body: &mut FileWrite) {
        let FileWrite {
            id,
            span_id,
            path,
            content,
            bytes: _,
            checks_before,
            checks_after,
            permissions,
            owner,
            error,
            extra,
        } = body;
        self.id(id);
        self.ids([span_id]);
        self.line("path", path);
        self.words_of([("content", content)]);
        self.measures("checks_before", checks_before);
        self.measures("checks_after", checks_after);
        self.labels_of([("permissions", permissions), ("owner", owner)]);
        self.errors(error);
        self.extra(extra);
    }

    fn cache(&self, body: &mut CacheAccess) {
        let CacheAccess { span_id, cache, key, hit: _, extra } = body;
        self.ids([span_id]);
        self.label_of("cache", cache);
        self.words_of([("key", key)]);
        self.extra(extra);
    }

    fn memory(&self, body: &mut MemoryUse) {
        let MemoryUse { span_id, bytes: _, label, extra } = body;
        self.ids([span_id]);
        self.labels_of([("label", label)]);
        self.extra(extra);
    }

    fn error_raised(&self, body: &mut ErrorRaised) {
        let ErrorRaised { span_id, error, extra } = body;
        self.ids([span_id]);
        self.error(error);
        self.extra(extra);
    }

    fn score_given(&self, body: &mut ScoreGiven) {
        let ScoreGiven { span_id, scores, gate, extra } = body;
        self.ids([span_id]);
        for Score { id, name, score: _, feedback, extra } in scores {
            self.label_of("scores.id", id);
            self.labels_of([("scores.name", name)]);
            self.words_of([("scores.feedback", feedback)]);
            self.extra(extra);
        }
        if let Some(Gate { overall_score: _, passing: _, threshold: _, gaps, strengths }) = gate {
            gaps.iter_mut().chain(strengths).for_each(|principle| self.label_of("gate", principle));
        }
        self.extra(extra);
    }

    fn iteration_done(&self, body: &mut IterationDone) {
        let IterationDone { iteration, extra } = body;
        let Iteration { index: _, started_at: _, duration_seconds: _, overall_score: _, passed: _, gaps, extra: more } =
            iteration;
        gaps.iter_mut().for_each(|principle| self.label_of("iteration.gaps", principle));
        self.extra(more);
        self.extra(extra);
    }

    fn output(&self, body: &mut OutputSet) {
        let OutputSet { span_id, outputs, extra } = body;
        self.ids([span_id]);
        self.members("outputs", outputs);
        self.extra(extra);
    }

    fn child_start(&self, body: &mut ChildStart) {
        let ChildStart { child, extra } = body;
        let ChildTrace { trace_id, output_type, path, extra: more } = child;
        self.id(trace_id);
        self.labels_of([("child.output_type", output_type)]);
        self.lines_of([("child.path", path)]);
        self.extra(more);
        self.extra(extra);
    }

    fn flag_raised(&self, body: &mut FlagRaised) {
        let FlagRaised { flag, extra } = body;
        let CalibrationFlag { kind, message, n: _, effect: _, interval: _, thin: _, extra: more } = flag;
        self.label_of("flag.kind", kind);
        self.line("flag.message", message);
        self.extra(more);
        self.extra(extra);
    }

    fn warning(&self, body: &mut Noted) {
        let Noted { message, extra } = body;
        self.line("message", message);
        self.extra(extra);
    }

    fn unknown(&self, body: &mut Unknown) {
        let Unknown { event, fields } = body;
        self.label_of("event", event);
        self.extra(fields);
    }

    fn errors(&self, error: &mut Option<ErrorInfo>) {
        error.iter_mut().for_each(|error| self.error(error));
    }

    fn error(&self, error: &mut ErrorInfo) {
        let ErrorInfo { kind, message, chain, backtrace, location, extra } = error;
        self.labels_of([("error.type", kind)]);
        self.words("error.message", message);
        chain.iter_mut().for_each(|cause| self.words("error.chain", cause));
        self.words_of([("error.backtrace", backtrace)]);
        self.lines_of([("error.location", location)]);
        self.extra(extra);
    }

    /// Fields that this version does not know: whatever they are, they may be content.
    fn extra(&self, extra: &mut Object) {
        self.members("extra", extra);
    }

    /// The folder follows from the name, so it must follow from the redacted one.
    fn project(&self, project_id: &mut String, project_name: &mut String) {
        let given = project_name.clone();
        self.label_of("project_name", project_name);
        if *project_name == given {
            self.label_of("project_id", project_id);
        } else {
            *project_id = project_folder(project_name);
        }
    }

    fn tags(&self, tags: &mut BTreeMap<String, String>) {
        let mut numbering = Numbering::default();
        for (key, value) in std::mem::take(tags) {
            let (mut name, mut value) = (key, value);
            if self.enabled && self.names.is_secret(&name) && !value.is_empty() {
                super::REDACTED.clone_into(&mut value);
            }
            self.line("tags", &mut value);
            self.label_of("tags", &mut name);
            let name = numbering.unique(&name, |other| tags.contains_key(other));
            tags.insert(name, value);
        }
    }

    /// An id is left alone when it is shaped like one; foreign documents may hold anything in its place.
    fn id(&self, id: &mut String) {
        let is_plain = id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || b"trc_-".contains(&byte));
        if !is_plain {
            self.label_of("id", id);
        }
    }

    fn ids<const N: usize>(&self, ids: [&mut Option<String>; N]) {
        ids.into_iter().flatten().for_each(|id| self.id(id));
    }

    fn label_of(&self, field: &str, name: &mut String) {
        self.label(&Path::Root(field), name);
    }

    fn labels_of<const N: usize>(&self, names: [(&str, &mut Option<String>); N]) {
        for (field, name) in names {
            name.iter_mut().for_each(|name| self.label_of(field, name));
        }
    }

    fn line(&self, field: &str, line: &mut String) {
        self.scrub(&Path::Root(field), line);
        text::clip(line, self.max_value_bytes);
    }

    fn lines_of<const N: usize>(&self, lines: [(&str, &mut Option<String>); N]) {
        for (field, line) in lines {
            line.iter_mut().for_each(|line| self.line(field, line));
        }
    }

    fn words(&self, field: &str, words: &mut String) {
        self.free_text(&Path::Root(field), words);
    }

    fn words_of<const N: usize>(&self, texts: [(&str, &mut Option<String>); N]) {
        for (field, words) in texts {
            words.iter_mut().for_each(|words| self.words(field, words));
        }
    }
}

/// What recording cost: numbers only, and this breaks the build when that changes.
fn account(account: &TraceAccount) {
    let TraceAccount { dropped_events: _, tracing_overhead_ms: _ } = account;
}
