//! The tables that traces are projected to. A field is a column of the same name; what the columns mean is said here, once.

use super::super::value::{Json, row};
use std::borrow::Cow;
use trace_core::model::{Money, Timestamp};

row! {
    /// A trace, as lists and filters see it: one row of `traces`.
    #[non_exhaustive]
    pub struct TraceRow in "traces", key [trace_id], keep [created_at, flagged_for_review, review_notes, write_order] {
        /// The trace.
        trace_id: String,
        /// The project's folder name.
        project_id: String,
        /// What the run was asked.
        query: Option<String>,
        /// What the asker wants to do with it.
        intent: Option<String>,
        /// The subject area.
        domain: Option<String>,
        /// The sort of report wanted.
        report_type: Option<String>,
        /// The sort of research done.
        research_type: Option<String>,
        /// `in_progress`, `complete`, `incomplete` or `failed`.
        status: String,
        /// The verdict of the last quality gate.
        quality_gate_passed: Option<bool>,
        /// The score at the last quality gate.
        overall_quality_score: Option<f64>,
        /// When it began.
        started_at: Option<Timestamp>,
        /// When it ended.
        completed_at: Option<Timestamp>,
        /// How long it took.
        duration_seconds: Option<f64>,
        /// How long its stages `intake`, `intake#2`, … took together.
        intake_duration: Option<f64>,
        /// The same of `rubric`.
        rubric_duration: Option<f64>,
        /// The same of `collection`.
        collection_duration: Option<f64>,
        /// The same of `synthesis`.
        synthesis_duration: Option<f64>,
        /// The same of `quality_gate`.
        quality_gate_duration: Option<f64>,
        /// How many items of evidence all stages gathered.
        evidence_collected: Option<i64>,
        /// How many of them were kept.
        evidence_passed: Option<i64>,
        /// How many of them were filtered out.
        evidence_filtered: Option<i64>,
        /// The model of the stages `synthesis`, `synthesis#2`, …; several are joined by `, `.
        synthesis_model: Option<String>,
        /// Their input tokens, everything cached included.
        synthesis_input_tokens: Option<i64>,
        /// Their output tokens, reasoning included.
        synthesis_output_tokens: Option<i64>,
        /// What they cost.
        synthesis_cost_usd: Option<Money>,
        /// The scores at the last quality gate, `{id: score}`.
        principle_scores: Json,
        /// The principles below the gap threshold there.
        gap_principles: Vec<String>,
        /// The principles at the top there.
        strength_principles: Vec<String>,
        /// How many passes the retry loop took.
        iteration_count: i64,
        /// How many times the gate failed.
        quality_gate_failures: i64,
        /// Where the document is.
        trace_file_path: Option<String>,
        /// The report that the pipeline said it wrote.
        report_file_path: Option<String>,
        /// The files that the pipeline said it wrote.
        output_file_paths: Vec<String>,
        /// Whether somebody should look at it.
        flagged_for_review: bool,
        /// What a reviewer wrote.
        review_notes: Option<String>,
        /// As the pipeline set it.
        tier_config: Option<Json>,
        /// As the pipeline set it.
        rubric_scores: Option<Json>,
        /// As the pipeline set it.
        principle_breakdown: Option<Json>,
        /// How many times a quality gate judged, unless the pipeline set it.
        qg_iteration_count: Option<i64>,
        /// As the pipeline set it.
        retrieval_method: Option<String>,
        /// How many items were retrieved for generation.
        evidence_retrieved: Option<i64>,
        /// How many of those were used.
        evidence_used: Option<i64>,
        /// Tokens of the model calls in `collection` and of all embeddings, unless the pipeline set it.
        retrieval_tokens: Option<i64>,
        /// What those cost, unless the pipeline set it.
        retrieval_cost_usd: Option<Money>,
        /// When the row was first written.
        created_at: Timestamp,
        /// When the row was last written.
        updated_at: Timestamp,
        /// The conversation or job; without one, the trace id.
        session_id: String,
        /// Who it was run for.
        user_id: Option<String>,
        /// Free labels, `{name: value}`.
        tags: Json,
        /// The 128-bit W3C trace id.
        otel_trace_id: Option<String>,
        /// The trace this one is a child of.
        parent_trace_id: Option<String>,
        /// What all model calls cost, as far as known.
        total_cost_usd: Option<Money>,
        /// Input tokens of all model calls, everything cached included.
        total_input_tokens: Option<i64>,
        /// Output tokens of all model calls, reasoning included.
        total_output_tokens: Option<i64>,
        /// How many observations of kind `llm` there are.
        llm_calls: i64,
        /// How many decisions were made.
        decision_count: i64,
        /// The type of the run's error, or of the first failed stage's.
        error_type: Option<String>,
        /// Its message.
        error_message: Option<String>,
        /// Whether document and child rows are kept as well.
        sampled: bool,
        /// Records that were made but not kept.
        dropped_events: i64,
        /// Events that arrived after the end; of two versions of a trace, the one with more of them is the newer.
        late_events: i64,
        /// The document's warnings, and the values that did not fit into a column.
        warning_count: i64,
        /// Its place in the order in which traces were recorded.
        write_order: Option<i64>,
    }
}

row! {
    /// A project: its folder follows from its name, so the first row is as good as any later one.
    pub(crate) struct ProjectRow in "projects", key [project_id], keep [name, created_at] {
        project_id: String,
        name: String,
        created_at: Timestamp,
    }
}

row! {
    /// A stage of a trace.
    pub(crate) struct StageRow<'a> in "stages", key [trace_id, id], keep [] {
        trace_id: Cow<'a, str>,
        id: Cow<'a, str>,
        position: i64,
        name: Cow<'a, str>,
        base_name: Cow<'a, str>,
        parent_id: Option<Cow<'a, str>>,
        component: Option<Cow<'a, str>>,
        started_at: Option<Timestamp>,
        completed_at: Option<Timestamp>,
        duration_seconds: Option<f64>,
        outcome: Option<Cow<'a, str>>,
        error_type: Option<Cow<'a, str>>,
        error_message: Option<Cow<'a, str>>,
        evidence_collected: Option<i64>,
        evidence_passed: Option<i64>,
        evidence_filtered: Option<i64>,
        evidence_retrieved: Option<i64>,
        evidence_used: Option<i64>,
        model: Option<Cow<'a, str>>,
        input_tokens: Option<i64>,
        output_tokens: Option<i64>,
        total_tokens: Option<i64>,
        cost_usd: Option<Money>,
        overall_score: Option<f64>,
        passing: Option<bool>,
        threshold: Option<f64>,
        gaps: Vec<String>,
        strengths: Vec<String>,
        inputs: Option<Json>,
        outputs: Option<Json>,
        attributes: Option<Json>,
    }
}

row! {
    /// A decision of a trace.
    pub(crate) struct DecisionRow<'a> in "decisions", key [trace_id, id], keep [] {
        trace_id: Cow<'a, str>,
        id: Cow<'a, str>,
        position: i64,
        stage_id: Cow<'a, str>,
        stage: Cow<'a, str>,
        observation_id: Option<Cow<'a, str>>,
        decision: Cow<'a, str>,
        what: Cow<'a, str>,
        why: Cow<'a, str>,
        confidence: Option<f64>,
        alternatives_considered: Json,
        inputs: Json,
        timestamp: Option<Timestamp>,
        component: Option<Cow<'a, str>>,
        location: Option<Cow<'a, str>>,
    }
}

row! {
    /// An observed call of a trace. Messages and response of a model call are in the document only.
    pub(crate) struct ObservationRow<'a> in "observations", key [trace_id, id], keep [] {
        trace_id: Cow<'a, str>,
        id: Cow<'a, str>,
        position: i64,
        stage_id: Cow<'a, str>,
        stage: Cow<'a, str>,
        parent_id: Option<Cow<'a, str>>,
        name: Cow<'a, str>,
        kind: Cow<'a, str>,
        component: Option<Cow<'a, str>>,
        started_at: Option<Timestamp>,
        duration_ms: Option<f64>,
        outcome: Option<Cow<'a, str>>,
        error_type: Option<Cow<'a, str>>,
        error_message: Option<Cow<'a, str>>,
        prompt_name: Option<Cow<'a, str>>,
        prompt_version: Option<i64>,
        prompt_registry_name: Option<Cow<'a, str>>,
        prompt_uri: Option<Cow<'a, str>>,
        template_hash: Option<Cow<'a, str>>,
        model: Option<Cow<'a, str>>,
        provider: Option<Cow<'a, str>>,
        input_tokens: Option<i64>,
        cached_input_tokens: Option<i64>,
        cache_write_tokens: Option<i64>,
        output_tokens: Option<i64>,
        reasoning_tokens: Option<i64>,
        total_tokens: Option<i64>,
        cost_usd: Option<Money>,
        attempts: Option<i64>,
        time_to_first_token_ms: Option<f64>,
        cached: Option<bool>,
        input: Option<Json>,
        output: Option<Json>,
        attributes: Option<Json>,
    }
}

row! {
    /// A score of a principle: by the pipeline, or later by a human or a judge.
    pub(crate) struct ScoreRow<'a> in "scores", key [trace_id, id], keep [] {
        trace_id: Cow<'a, str>,
        id: Cow<'a, str>,
        source: Cow<'a, str>,
        stage_id: Option<Cow<'a, str>>,
        stage: Option<Cow<'a, str>>,
        principle_id: Cow<'a, str>,
        name: Option<Cow<'a, str>>,
        score: Option<f64>,
        feedback: Option<Cow<'a, str>>,
        author: Option<Cow<'a, str>>,
        created_at: Timestamp,
    }
}

row! {
    /// A quality pattern detected after a trace.
    pub(crate) struct FlagRow in "calibration_flags", key [trace_id, id], keep [created_at, basis] {
        trace_id: String,
        id: String,
        kind: String,
        message: String,
        n: i64,
        effect: Option<f64>,
        interval_low: Option<f64>,
        interval_high: Option<f64>,
        thin: bool,
        created_at: Timestamp,
        basis: Option<Json>,
    }
}

row! {
    /// A model call made with a prompt. [`crate::sql::prompts::executions`] fills in `template_id`, and keeps it when the trace is sent again.
    pub(crate) struct ExecutionRow<'a> in "prompt_executions", key [trace_id, id], keep [] {
        id: Cow<'a, str>,
        template_id: Option<Cow<'a, str>>,
        template_name: Cow<'a, str>,
        trace_id: Cow<'a, str>,
        observation_id: Option<Cow<'a, str>>,
        session_id: Option<Cow<'a, str>>,
        executed_at: Timestamp,
        success: bool,
        response_time_ms: Option<f64>,
        input_token_count: Option<i64>,
        output_token_count: Option<i64>,
        total_token_count: Option<i64>,
        cost_usd: Option<Money>,
        model: Option<Cow<'a, str>>,
        provider: Option<Cow<'a, str>>,
        error_message: Option<Cow<'a, str>>,
        metadata: Option<Json>,
        prompt_registry_name: Option<Cow<'a, str>>,
        template_hash: Option<Cow<'a, str>>,
        experiment_id: Option<Cow<'a, str>>,
    }
}

row! {
    /// A piece of the document of a trace, or of a side file of it.
    pub(crate) struct DocumentRow in "trace_documents", key [trace_id, file, part], keep [] {
        trace_id: String,
        file: String,
        part: i64,
        encoding: String,
        length: i64,
        blake3: String,
        body: Vec<u8>,
    }
}
