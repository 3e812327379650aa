//! What the document says after which events. Events are given as lines, as a stream holds them.

use super::{Fold, FoldLimits, replay};
use crate::event::Event;
use crate::model::{Outcome, Status, Trace};
use serde_json::{Value, json};

/// A stream being written: one trace, numbered, one millisecond from line to line.
#[derive(Default)]
struct Stream(Vec<Event>);

impl Stream {
    fn started() -> Self {
        Self::default().add("trace_start", json!({"root_span_id": "00", "project_id": "p", "query": "why?"}))
    }

    fn add(mut self, event: &str, mut fields: Value) -> Self {
        let seq = self.0.len();
        fields["event"] = event.into();
        fields["seq"] = seq.into();
        fields["trace_id"] = "trc_1".into();
        fields["session_id"] = "s".into();
        fields["ts"] = format!("2026-02-13T14:30:{:02}.{:03}Z", seq / 1000 % 60, seq % 1000).into();
        self.0.push(Event::from_line(&fields.to_string()).unwrap());
        self
    }

    fn fold(&self) -> Trace {
        self.fold_at_most(100_000)
    }

    fn fold_at_most(&self, max_items: usize) -> Trace {
        let mut fold = Fold::new(FoldLimits { max_items });
        for event in &self.0 {
            fold.apply(event.clone());
        }
        fold.into_trace()
    }
}

fn stage(id: &str, name: &str) -> Value {
    json!({"id": id, "name": name, "stage": name})
}

#[test]
fn a_run_has_its_identity_its_stage_and_its_end() {
    let trace = Stream::started()
        .add("stage_start", json!({"id": "01", "parent_id": "00", "name": "intake", "stage": "intake", "component": "c", "inputs": {"q": 1}}))
        .add("output", json!({"span_id": "01", "outputs": {"early": 1}}))
        .add("stage_end", json!({"id": "01", "stage": "intake", "duration_ms": 250.0, "outcome": "ok", "outputs": {"late": 2}}))
        .add("output", json!({"outputs": {"report": "r.md"}}))
        .add("trace_end", json!({"status": "complete", "duration_ms": 500.0, "metadata": {"dropped_events": 3}}))
        .fold();
    assert_eq!((trace.trace_id.as_str(), trace.project_id.as_str(), trace.session_id.as_str()), ("trc_1", "p", "s"));
    assert_eq!((trace.run.status, trace.run.duration_seconds), (Status::Complete, Some(0.5)));
    assert_eq!((trace.metadata.dropped_events, trace.metadata.late_events), (3, 0));
    assert_eq!(trace.outputs["report"], "r.md");
    let intake = &trace.stages["intake"];
    assert_eq!((intake.parent_id.as_deref(), intake.component.as_deref()), (None, Some("c")));
    assert_eq!((intake.duration_seconds, intake.outcome), (Some(0.25), Some(Outcome::Ok)));
    assert_eq!(intake.outputs, json!({"early": 1, "late": 2}));
    assert!(!trace.stages.contains_key("_run"), "nothing happened outside");
}

#[test]
fn a_stage_name_that_occurs_again_is_kept_beside_the_first() {
    let trace = Stream::started()
        .add("stage_start", stage("01", "synthesis"))
        .add("stage_start", stage("02", "synthesis"))
        .add("decision", json!({"id": "d1", "span_id": "02", "stage": "synthesis", "decision": "in the second"}))
        .add("decision", json!({"id": "d2", "span_id": "01", "stage": "synthesis", "decision": "in the first"}))
        .add("stage_start", json!({"id": "03", "name": "synthesis", "stage": "synthesis#3"}))
        .add("decision", json!({"id": "d3", "stage": "synthesis#3", "decision": "in the third"}))
        .fold();
    let decisions: Vec<_> =
        trace.stages.iter().map(|(name, s)| (name.as_str(), s.decisions[0].decision.as_str())).collect();
    assert_eq!(
        decisions,
        [("synthesis", "in the first"), ("synthesis#2", "in the second"), ("synthesis#3", "in the third")]
    );
}

#[test]
fn what_happens_outside_any_stage_is_in_the_stage_of_the_run() {
    let trace = Stream::started()
        .add("observation_start", json!({"id": "0a", "name": "load", "kind": "tool"}))
        .add("decision", json!({"id": "d1", "span_id": "0a", "decision": "x", "confidence": 1.5}))
        .add("trace_update", json!({"span_id": "00", "attributes": {"k": 1}}))
        .add("trace_end", json!({"status": "failed", "duration_ms": 1000.0}))
        .fold();
    let run = &trace.stages["_run"];
    assert_eq!((run.id.as_str(), run.duration_seconds, run.outcome), ("00", Some(1.0), Some(Outcome::Err)));
    assert_eq!(run.attributes["k"], 1);
    assert_eq!(run.observations[0].parent_id.as_deref(), Some("00"));
    assert_eq!(run.decisions[0].observation_id.as_deref(), Some("0a"));
    assert_eq!(run.decisions[0].confidence, None, "outside of 0..=1 says nothing");
}

#[test]
fn llm_calls_add_up_in_their_stage_and_each_is_counted_once() {
    let trace = Stream::started()
        .add("stage_start", stage("01", "synthesis"))
        .add("observation_start", json!({"id": "0a", "parent_id": "01", "stage": "synthesis", "name": "call", "kind": "llm", "llm": {"model": "gpt", "prompt_name": "bot"}}))
        .add("llm_interaction", json!({"span_id": "0a", "stage": "synthesis", "llm": {"usage": {"input_tokens": 1, "output_tokens": 1}, "cost_usd": 9.0}}))
        .add("observation_end", json!({"id": "0a", "stage": "synthesis", "outcome": "ok", "llm": {"model": "gpt-2026", "usage": {"input_tokens": 10, "cached_input_tokens": 5, "output_tokens": 2, "reasoning_tokens": 1}, "cost_usd": 0.1}}))
        .add("llm_interaction", json!({"id": "0b", "span_id": "01", "stage": "synthesis", "duration_ms": 5.0, "llm": {"model": "claude", "prompt_name": "bot", "usage": {"input_tokens": 1}, "cost_usd": 0.2}}))
        .add("llm_interaction", json!({"id": "0c", "stage": "synthesis", "llm": {"model": "claude"}}))
        .fold();
    let stage = &trace.stages["synthesis"];
    assert_eq!(stage.model.as_deref(), Some("gpt-2026, claude"));
    let usage = stage.token_usage.unwrap();
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.total_tokens), (16, 3, 19));
    assert_eq!(stage.cost_usd.unwrap().to_string(), "0.3");
    assert_eq!(stage.prompts.len(), 1);
    let calls: Vec<_> = stage.observations.iter().map(|o| (o.name.as_str(), o.parent_id.as_deref())).collect();
    assert_eq!(calls, [("call", Some("01")), ("llm", Some("01")), ("llm", Some("01"))]);
    assert_eq!(stage.observations[2].llm.as_ref().unwrap().cost_usd, None, "an unknown cost is no cost of 0");
}

#[test]
fn what_is_reported_inside_of_a_model_call_belongs_to_it() {
    let trace = Stream::started()
        .add("observation_start", json!({"id": "0a", "name": "call", "kind": "llm", "llm": {"model": "gpt"}}))
        .add("llm_interaction", json!({"id": "0b", "span_id": "0a", "llm": {"provider": "local"}}))
        .add("observation_start", json!({"id": "0c", "name": "step", "kind": "function"}))
        .add("llm_interaction", json!({"id": "0d", "span_id": "0c", "llm": {"model": "claude"}}))
        .fold();
    let seen = &trace.stages["_run"].observations;
    let calls: Vec<_> = seen.iter().map(|o| (o.id.as_str(), o.parent_id.as_deref())).collect();
    assert_eq!(calls, [("0a", Some("00")), ("0c", Some("00")), ("0d", Some("0c"))]);
    assert_eq!(seen[0].llm.as_ref().unwrap().provider.as_deref(), Some("local"));
}

#[test]
fn leaves_say_what_was_done_and_how_it_ended() {
    let trace = Stream::started()
        .add("template_render", json!({"id": "0a", "template": "t.j2", "variables": {"a": 1}, "output": "text", "indentation": [0, 4]}))
        .add("validation_error", json!({"id": "0b", "validation_type": "syntax", "error_type": "SyntaxError", "error_message": "no", "line_number": 3, "final_status": "failed"}))
        .add("file_write", json!({"id": "0c", "path": "a.py", "content": "x", "bytes": 1, "checks_after": {"exists": true}, "error": {"message": "disk full"}}))
        .fold();
    let leaves: Vec<_> = trace.stages["_run"]
        .observations
        .iter()
        .map(|o| (o.kind.as_str(), o.name.as_str(), o.outcome.unwrap().as_str()))
        .collect();
    assert_eq!(leaves, [("template", "t.j2", "ok"), ("validation", "syntax", "err"), ("file_write", "a.py", "err")]);
    let [template, validation, file] = &trace.stages["_run"].observations[..] else { panic!() };
    assert_eq!((&template.input["variables"]["a"], &template.output), (&json!(1), &json!("text")));
    assert_eq!(
        (&validation.input["line_number"], validation.error.as_ref().unwrap().message.as_str()),
        (&json!(3), "no")
    );
    assert_eq!(file.attributes["checks_after"]["exists"], true);
}

#[test]
fn evidence_scores_gates_and_iterations() {
    let gate = |passing: bool| json!({"overall_score": 1.5, "passing": passing, "threshold": 2.0, "gaps": ["A"]});
    let trace = Stream::started()
        .add("stage_start", stage("01", "quality_gate"))
        .add(
            "evidence",
            json!({"stage": "quality_gate", "evidence": {"collected": 3, "items": [{"id": "1", "kept": true}]}}),
        )
        .add("evidence", json!({"stage": "quality_gate", "evidence": {"collected": 4, "by_source": {"exa": 4}}}))
        .add(
            "score",
            json!({"stage": "quality_gate", "scores": [{"id": "A", "score": 1.0}, {"id": "B", "score": 2.0}]}),
        )
        .add("score", json!({"stage": "quality_gate", "scores": [{"id": "A", "score": 3.0}], "gate": gate(false)}))
        .add("iteration", json!({"iteration": {"index": 0, "passed": false}}))
        .add("score", json!({"stage": "quality_gate", "gate": gate(true)}))
        .fold();
    let stage = &trace.stages["quality_gate"];
    let evidence = stage.evidence.as_ref().unwrap();
    assert_eq!((evidence.collected, evidence.items.len(), evidence.by_source["exa"]), (Some(7), 1, 4));
    let scores: Vec<_> = stage.principle_scores.iter().map(|s| (s.id.as_str(), s.score)).collect();
    assert_eq!(scores, [("A", 3.0), ("B", 2.0)]);
    assert_eq!((stage.passing, trace.quality_gate_failures), (Some(true), 1));
    assert_eq!((trace.iteration_count, trace.iterations[0].index), (1, 1));
}

#[test]
fn scores_without_a_gate_leave_the_verdict_open() {
    let trace = Stream::started().add("score", json!({"scores": [{"id": "A", "score": 1.0}]})).fold();
    assert_eq!((trace.stages["_run"].overall_score, trace.quality_gate_failures), (None, 0));
}

#[test]
fn caches_memory_and_errors_are_said_of_their_span() {
    let trace = Stream::started()
        .add("observation_start", json!({"id": "0a", "name": "f"}))
        .add("cache", json!({"span_id": "0a", "cache": "pages", "key": "k", "hit": true}))
        .add("cache", json!({"span_id": "0a", "cache": "pages", "key": "k", "hit": false}))
        .add("memory", json!({"span_id": "0a", "bytes": 20}))
        .add("memory", json!({"span_id": "0a", "bytes": 10}))
        .add("error", json!({"span_id": "0a", "error": {"type": "E", "message": "retrying"}}))
        .add("observation_end", json!({"id": "0a", "outcome": "ok"}))
        .fold();
    let observation = &trace.stages["_run"].observations[0];
    assert_eq!(observation.attributes["cache"], json!({"hits": 1, "misses": 1, "keys": ["k"], "names": ["pages"]}));
    assert_eq!(
        (&observation.attributes["memory_bytes_max"], &observation.attributes["memory_bytes_last"]),
        (&json!(20), &json!(10))
    );
    assert_eq!(observation.attributes["errors"][0]["message"], "retrying");
    assert_eq!((observation.outcome, &observation.error), (Some(Outcome::Ok), &None));
}

#[test]
fn a_name_and_arguments_that_came_late_win_even_where_they_arrive_first() {
    let start = ("observation_start", json!({"id": "0a", "name": "execute_tool", "kind": "tool", "input": 1}));
    let end = ("observation_end", json!({"id": "0a", "name": "look_up", "input": {"id": 7}, "outcome": "ok"}));
    for [first, second] in [[&start, &end], [&end, &start]] {
        let trace = Stream::started().add(first.0, first.1.clone()).add(second.0, second.1.clone()).fold();
        let observation = &trace.stages["_run"].observations[0];
        assert_eq!((observation.name.as_str(), &observation.input), ("look_up", &json!({"id": 7})));
    }
}

#[test]
fn a_stream_read_twice_gives_the_same_document() {
    let mut stream = busy();
    let once = text(&stream.fold());
    stream.0.extend(stream.0.clone());
    assert_eq!(text(&stream.fold()), once);
}

#[test]
fn an_item_that_is_numbered_anew_is_not_doubled() {
    let stream = Stream::started()
        .add("stage_start", stage("01", "s"))
        .add("stage_start", stage("01", "s"))
        .add("observation_start", json!({"id": "0a", "name": "f", "kind": "llm"}))
        .add("observation_start", json!({"id": "0a", "name": "f", "kind": "llm"}))
        .add("observation_end", json!({"id": "0a", "llm": {"attempts": [{"number": 1}]}}))
        .add("observation_end", json!({"id": "0a", "llm": {"attempts": [{"number": 1}]}}))
        .add("decision", json!({"id": "d", "decision": "x"}))
        .add("decision", json!({"id": "d", "decision": "x"}));
    let trace = stream.fold();
    assert_eq!(trace.stages.len(), 2);
    let run = &trace.stages["_run"];
    assert_eq!((run.observations.len(), run.decisions.len()), (1, 1));
    assert_eq!(run.observations[0].llm.as_ref().unwrap().attempts.len(), 1);
}

#[test]
fn ends_without_starts_keep_what_they_know() {
    let mut stream = Stream::started()
        .add("stage_end", json!({"id": "01", "stage": "synthesis", "duration_ms": 2.0, "outcome": "err", "error": {"message": "boom"}}))
        .add("decision", json!({"id": "d", "stage": "gone", "decision": "x"}))
        .add("observation_end", json!({"id": "0a", "stage": "synthesis", "duration_ms": 1.0, "llm": {"cost_usd": 0.5}}));
    let trace = stream.fold();
    assert_eq!(trace.stages["synthesis"].error.as_ref().unwrap().message, "boom");
    assert_eq!(trace.stages["synthesis"].attributes["start_lost"], true);
    assert_eq!(trace.stages["gone"].decisions.len(), 1);
    assert_eq!(trace.stages["synthesis"].cost_usd.unwrap().to_string(), "0.5");

    // The starts were late, not lost.
    stream = stream
        .add("stage_start", stage("01", "synthesis"))
        .add("stage_start", stage("02", "gone"))
        .add("observation_start", json!({"id": "0a", "stage": "synthesis", "parent_id": "01", "name": "call", "kind": "llm", "llm": {"model": "m"}}));
    let trace = stream.fold();
    assert_eq!(trace.stages.len(), 2);
    assert_eq!(trace.stages["gone"].id, "02");
    let synthesis = &trace.stages["synthesis"];
    assert!(!synthesis.attributes.contains_key("start_lost"));
    assert_eq!((synthesis.outcome, synthesis.observations[0].name.as_str()), (Some(Outcome::Err), "call"));
    assert_eq!((synthesis.model.as_deref(), synthesis.cost_usd.unwrap().to_string().as_str()), (Some("m"), "0.5"));
}

#[test]
fn parents_may_end_before_their_children() {
    let trace = Stream::started()
        .add("stage_start", stage("01", "s"))
        .add("observation_start", json!({"id": "0a", "parent_id": "01", "stage": "s", "name": "outer"}))
        .add("observation_start", json!({"id": "0b", "parent_id": "0a", "stage": "s", "name": "inner"}))
        .add("stage_end", json!({"id": "01", "stage": "s", "outcome": "cancelled"}))
        .add("observation_end", json!({"id": "0a", "stage": "s", "outcome": "cancelled"}))
        .add("observation_end", json!({"id": "0b", "stage": "s", "outcome": "ok"}))
        .fold();
    let outcomes: Vec<_> = trace.stages["s"].observations.iter().map(|o| o.outcome.unwrap().as_str()).collect();
    assert_eq!(outcomes, ["cancelled", "ok"]);
}

#[test]
fn what_has_no_room_is_counted_and_the_last_stages_still_have_some() {
    let mut stream = Stream::started().add("stage_start", stage("01", "collection"));
    for i in 0..300 {
        let id = format!("o{i}");
        stream = stream
            .add("observation_start", json!({"id": id, "parent_id": "01", "stage": "collection", "name": "f"}))
            .add("observation_end", json!({"id": id, "stage": "collection", "outcome": "ok"}));
    }
    stream = stream.add("stage_start", stage("02", "quality_gate"));
    let trace = stream.fold_at_most(200);
    assert_eq!(trace.stages["collection"].observations.len(), 197);
    assert_eq!(trace.metadata.stream_only, 103);
    assert!(trace.stages.contains_key("quality_gate"));
    assert!(trace.stages["collection"].observations.iter().all(|o| o.outcome.is_some()));

    let none = stream.fold_at_most(0);
    assert_eq!((none.stages.len(), none.metadata.stream_only), (0, 302));
    assert_eq!(none.run.query.as_deref(), Some("why?"));
}

#[test]
fn evidence_beyond_the_limit_keeps_its_counts() {
    let items: Vec<_> = (0..10).map(|i| json!({"id": i.to_string(), "kept": true})).collect();
    let trace = Stream::started().add("evidence", json!({"evidence": {"passed": 10, "items": items}})).fold_at_most(4);
    let evidence = trace.stages["_run"].evidence.as_ref().unwrap();
    assert_eq!((evidence.passed, evidence.items.len(), trace.metadata.stream_only), (Some(10), 3, 7));
}

#[test]
fn what_arrives_after_the_end_is_folded_in_and_counted() {
    let trace = Stream::started()
        .add("trace_end", json!({"status": "complete"}))
        .add("decision", json!({"id": "d", "decision": "late"}))
        .add("flag", json!({"flag": {"kind": "regression", "n": 5}}))
        .add("trace_update", json!({"metadata": {"dropped_events": 2}}))
        .add("trace_end", json!({"status": "incomplete", "recovered": true}))
        .fold();
    assert_eq!((trace.metadata.late_events, trace.metadata.dropped_events), (2, 2));
    assert_eq!(trace.run.status, Status::Complete, "the run's own word stands");
    assert_eq!(trace.stages["_run"].outcome, Some(Outcome::Ok), "a stage made late is over, too");
    assert_eq!(trace.calibration_flags.len(), 1);
}

#[test]
fn unknown_and_foreign_events_are_kept_and_said() {
    let mut stream = Stream::started().add("novelty", json!({"colour": "red", "stage": "s"}));
    let mut foreign = stream.0[1].clone();
    foreign.trace_id = "trc_2".into();
    foreign.seq = 9;
    stream.0.push(foreign);
    let trace = stream.fold();
    assert_eq!(trace.extra["unknown_events"][0]["colour"], "red");
    assert!(trace.warnings[0].message.contains("trc_2"));
}

#[test]
fn hostile_fields_cannot_break_the_document() {
    let trace = Stream::started()
        .add("stage_start", json!({"id": "01", "name": "_run", "stage": "_run", "decisions": 5, "outcome": "x"}))
        .add("decision", json!({"id": "d", "decision": "x", "timestamp": 1, "observation_id": 2}))
        .add("trace_update", json!({"span_id": "00", "attributes": {"cache": "mine", "errors": 1}}))
        .add("cache", json!({"cache": "c", "hit": true}))
        .add("error", json!({"error": {"message": "e"}}))
        .add("trace_end", json!({"status": "complete", "late_events": 7, "colour": "red"}))
        .fold();
    let read: Trace = serde_json::from_str(&text(&trace)).unwrap();
    assert_eq!(read, trace);
    assert_eq!(trace.stages["_run"].attributes["cache"]["value"], "mine");
    assert_eq!(trace.metadata.extra["colour"], "red");
}

#[test]
fn a_session_stream_holds_many_traces() {
    let mut events = Vec::new();
    for (a, b) in busy().0.into_iter().zip(busy().0) {
        events.push(a);
        events.push(Event { trace_id: "trc_2".into(), ..b });
    }
    let traces = replay(events);
    assert_eq!(traces.iter().map(|t| t.trace_id.as_str()).collect::<Vec<_>>(), ["trc_1", "trc_2"]);
    assert_eq!(text(&traces[0]), text(&busy().fold()));
}

#[test]
fn deep_nesting_and_many_observations_fold() {
    let mut fold = Fold::new(FoldLimits::default());
    for event in Stream::started().add("stage_start", stage("01", "s")).0 {
        fold.apply(event);
    }
    let mut parent = "01".to_owned();
    let start =
        Event::from_line(r#"{"event":"observation_start","ts":"2026-01-01T00:00:00Z","trace_id":"trc_1","stage":"s"}"#)
            .unwrap();
    for seq in 0..30_000_u64 {
        let id = format!("{seq:016x}");
        let body = crate::event::Body::ObservationStart(crate::event::ObservationStart {
            id: id.clone(),
            parent_id: Some(parent),
            ..Default::default()
        });
        fold.apply(Event { seq: seq + 2, body, ..start.clone() });
        parent = id;
    }
    assert_eq!(fold.trace().stages["s"].observations.len(), 30_000);
    assert!(fold.approximate_bytes() > 30_000 * 100);
}

/// A stream with an event of nearly every kind.
fn busy() -> Stream {
    Stream::started()
        .add("stage_start", stage("01", "a"))
        .add("observation_start", json!({"id": "0a", "parent_id": "01", "stage": "a", "name": "f"}))
        .add(
            "llm_interaction",
            json!({"span_id": "0a", "stage": "a", "llm": {"model": "m", "attempts": [{"number": 1}]}}),
        )
        .add("evidence", json!({"stage": "a", "evidence": {"collected": 3, "items": [{"id": "1"}]}}))
        .add("score", json!({"stage": "a", "scores": [{"id": "A", "score": 1.0}], "gate": {"passing": false}}))
        .add("cache", json!({"stage": "a", "cache": "c", "hit": true}))
        .add("error", json!({"stage": "a", "error": {"message": "e"}}))
        .add("iteration", json!({"iteration": {"index": 1}}))
        .add("child_trace", json!({"child": {"trace_id": "trc_9"}}))
        .add("warning", json!({"message": "w"}))
        .add("novelty", json!({"colour": "red"}))
        .add("observation_end", json!({"id": "0a", "stage": "a", "outcome": "ok"}))
        .add("stage_end", json!({"id": "01", "stage": "a", "outcome": "ok"}))
        .add("trace_end", json!({"status": "complete"}))
        .add("flag", json!({"flag": {"kind": "k"}}))
        .add("decision", json!({"id": "d", "decision": "late"}))
}

fn text(trace: &Trace) -> String {
    serde_json::to_string(trace).unwrap()
}
