//! Random runs, written as lines and read back: whatever happens, the stream folds to the document.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, clippy::cast_possible_truncation)]

use serde_json::{Value, json};
use trace_core::event::{
    Body, CacheAccess, ChildStart, DecisionMade, ErrorRaised, Event, EvidenceFound, FileWrite, FlagRaised,
    IterationDone, LlmInteraction, MemoryUse, Noted, ObservationEnd, ObservationStart, OutputSet, ScoreGiven, StageEnd,
    StageStart, TemplateRender, TraceEnd, TraceStart, TraceUpdate, Unknown, ValidationError,
};
use trace_core::fold::{Fold, FoldLimits, replay};
use trace_core::model::{
    Alternative, Attempt, ChildTrace, ErrorInfo, Evidence, Gate, Iteration, Kind, LlmCall, Money, Object, Outcome,
    PromptLink, Score, Status, Timestamp, Trace, Usage,
};
use trace_core::testing::tree;

/// How many runs each test makes up.
const RUNS: u64 = 60;

/// xorshift64*: the same runs on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 33) % end
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.chance(60).then(|| make(self))
    }

    /// Few ids, so that spans are parents, ends are doubled and kinds collide.
    fn id(&mut self) -> String {
        if self.chance(2) { String::new() } else { format!("{:016x}", self.below(40)) }
    }

    fn name(&mut self) -> String {
        self.pick(&["intake", "synthesis", "synthesis#2", "_run", "", "na\u{202e}me\n", "emoji \u{1f600}", "nul \0"])
            .to_owned()
    }

    fn number(&mut self) -> f64 {
        match self.below(8) {
            0 => f64::NAN,
            1 => f64::NEG_INFINITY,
            2 => -0.0,
            3 => self.below(4) as f64,
            _ => f64::from_bits(self.next()),
        }
    }

    fn value(&mut self) -> Value {
        match self.below(7) {
            0 => Value::Null,
            1 => json!(self.next()),
            2 => json!(self.number()),
            3 => json!(self.name()),
            4 => json!([self.number(), self.name(), { "deep": [self.next() as i64] }]),
            5 => json!({ "password": self.name(), self.name(): self.number() }),
            _ => json!(self.chance(50)),
        }
    }

    fn object(&mut self) -> Object {
        let size = self.below(3);
        (0..size)
            .map(|_| (self.pick(&["cache", "errors", "decisions", "start_lost", "k", ""]).to_owned(), self.value()))
            .collect()
    }

    fn error(&mut self) -> ErrorInfo {
        ErrorInfo { kind: self.maybe(Self::name), message: self.name(), extra: self.object(), ..ErrorInfo::default() }
    }

    fn outcome(&mut self) -> Outcome {
        self.pick(&[Outcome::Ok, Outcome::Err, Outcome::Panicked, Outcome::Cancelled])
    }

    fn call(&mut self) -> Box<LlmCall> {
        let mut call = LlmCall {
            model: self.maybe(|r| r.pick(&["gpt", "claude", "m\"x"]).to_owned()),
            parameters: self.object(),
            messages: self.value(),
            response: self.value(),
            usage: self.maybe(|r| Usage { reasoning_tokens: r.next(), ..Usage::new(r.below(99), r.next()) }),
            cost_usd: self.maybe(|r| Money::from_picodollars(r.next() as i64)),
            time_to_first_token_ms: self.maybe(|r| r.below(99) as f64),
            ..LlmCall::default()
        };
        if self.chance(30) {
            call = call.attempt(Attempt::failed(1, 0.1, "slow down"));
        }
        if self.chance(30) {
            call = call.prompt(PromptLink { prompt_name: Some(self.name()), ..PromptLink::default() });
        }
        Box::new(call)
    }

    fn body(&mut self) -> Body {
        match self.below(26) {
            0 | 1 => self.stage_start(),
            2 | 3 => Body::StageEnd(StageEnd {
                id: self.id(),
                outcome: self.maybe(Self::outcome),
                outputs: self.value(),
                error: self.maybe(Self::error),
                attributes: self.object(),
                extra: self.object(),
            }),
            4..=6 => self.observation_start(),
            7 | 8 => Body::ObservationEnd(ObservationEnd {
                id: self.id(),
                outcome: self.maybe(Self::outcome),
                name: self.maybe(Self::name),
                input: self.value(),
                output: self.value(),
                error: self.maybe(Self::error),
                attributes: self.object(),
                llm: self.maybe(Self::call),
                extra: self.object(),
            }),
            9 | 10 => self.decision(),
            11 => self.evidence(),
            12 => Body::LlmInteraction(LlmInteraction {
                id: self.maybe(Self::id),
                span_id: self.maybe(Self::id),
                llm: self.call(),
                side_file: self.maybe(Self::name),
                extra: self.object(),
            }),
            13 | 14 => self.leaf(),
            15 => Body::CacheAccess(CacheAccess {
                span_id: self.maybe(Self::id),
                cache: self.name(),
                key: self.maybe(Self::name),
                hit: self.chance(50),
                ..CacheAccess::default()
            }),
            16 => Body::MemoryUse(MemoryUse {
                span_id: self.maybe(Self::id),
                bytes: self.next(),
                label: self.maybe(Self::name),
                ..MemoryUse::default()
            }),
            17 => Body::ErrorRaised(ErrorRaised {
                span_id: self.maybe(Self::id),
                error: self.error(),
                ..ErrorRaised::default()
            }),
            18 => self.scores(),
            19 => Body::IterationDone(IterationDone {
                iteration: Iteration {
                    index: self.below(3) as u32,
                    overall_score: self.maybe(Self::number),
                    ..Iteration::default()
                },
                ..IterationDone::default()
            }),
            20 => Body::OutputSet(OutputSet {
                span_id: self.maybe(Self::id),
                outputs: self.object(),
                ..OutputSet::default()
            }),
            21 => Body::ChildStart(ChildStart {
                child: ChildTrace { trace_id: self.name(), ..ChildTrace::default() },
                ..ChildStart::default()
            }),
            22 => Body::Warning(Noted { message: self.name(), extra: self.object() }),
            23 => Body::Unknown(Unknown { event: "novelty".to_owned(), fields: self.object() }),
            24 => Body::TraceUpdate(TraceUpdate {
                span_id: self.maybe(Self::id),
                attributes: self.object(),
                fields: self.object(),
                intent: self.maybe(Self::name),
                extra: self.object(),
                ..TraceUpdate::default()
            }),
            _ => self.end(),
        }
    }

    fn stage_start(&mut self) -> Body {
        Body::StageStart(StageStart {
            id: self.id(),
            parent_id: self.maybe(Self::id),
            name: self.name(),
            component: None, // it is in the envelope
            inputs: self.value(),
            location: self.maybe(Self::name),
            extra: self.object(),
        })
    }

    fn observation_start(&mut self) -> Body {
        Body::ObservationStart(ObservationStart {
            id: self.id(),
            parent_id: self.maybe(Self::id),
            name: self.name(),
            kind: self.pick(&[Kind::Function, Kind::Llm, Kind::Embedding, Kind::Other("ritual".to_owned())]),
            input: self.value(),
            llm: self.maybe(Self::call),
            extra: self.object(),
            ..ObservationStart::default()
        })
    }

    fn decision(&mut self) -> Body {
        Body::DecisionMade(DecisionMade {
            id: self.id(),
            span_id: self.maybe(Self::id),
            decision: self.name(),
            what: self.name(),
            confidence: self.maybe(Self::number),
            alternatives_considered: vec![Alternative {
                option: self.name(),
                confidence: Some(self.below(10) as f64 / 7.0),
            }],
            inputs: self.object(),
            extra: self.object(),
            ..DecisionMade::default()
        })
    }

    fn evidence(&mut self) -> Body {
        let evidence = Evidence::new().collected(self.next()).source(self.name(), self.next()).kept(
            self.name(),
            self.name(),
            self.number(),
            "",
        );
        Body::EvidenceFound(EvidenceFound { span_id: self.maybe(Self::id), evidence, ..EvidenceFound::default() })
    }

    fn leaf(&mut self) -> Body {
        match self.below(3) {
            0 => Body::TemplateRender(TemplateRender {
                id: self.id(),
                span_id: self.maybe(Self::id),
                template: self.name(),
                variables: self.value(),
                error: self.maybe(Self::error),
                extra: self.object(),
                ..TemplateRender::default()
            }),
            1 => Body::ValidationError(ValidationError {
                id: self.id(),
                error_message: self.name(),
                line_number: self.maybe(Self::next),
                ..ValidationError::default()
            }),
            _ => Body::FileWrite(FileWrite {
                id: self.id(),
                path: self.name(),
                content: self.maybe(Self::name),
                checks_after: self.object(),
                ..FileWrite::default()
            }),
        }
    }

    fn scores(&mut self) -> Body {
        let scores = vec![Score::new(self.name(), self.number()), Score::new("META-12", self.number())];
        let gate = self.maybe(|r| Gate {
            overall_score: Some(r.number()),
            passing: r.maybe(|r| r.chance(50)),
            threshold: r.number(),
            ..Gate::default()
        });
        Body::ScoreGiven(ScoreGiven { span_id: self.maybe(Self::id), scores, gate, ..ScoreGiven::default() })
    }

    fn end(&mut self) -> Body {
        if self.chance(70) {
            return Body::FlagRaised(FlagRaised::default());
        }
        let status = self.pick(&[Status::Complete, Status::Failed, Status::Incomplete]);
        Body::TraceEnd(TraceEnd {
            status,
            recovered: self.chance(50),
            error: self.maybe(Self::error),
            ..TraceEnd::default()
        })
    }

    /// A run of up to 300 events, some of which were lost, came twice or changed places.
    fn run(&mut self) -> Vec<Event> {
        let mut bodies = vec![Body::TraceStart(TraceStart {
            root_span_id: format!("{:016x}", self.below(3)),
            max_items: self.maybe(|r| r.below(300)),
            fields: self.object(),
            extra: self.object(),
            ..TraceStart::default()
        })];
        let length = self.below(300);
        bodies.extend((0..length).map(|_| self.body()));
        let mut events: Vec<Event> = bodies.into_iter().zip(0..).map(|(body, seq)| self.event(seq, body)).collect();
        for _ in 0..self.below(10) {
            let (from, to) = (self.below(events.len() as u64) as usize, self.below(events.len() as u64) as usize);
            match self.below(3) {
                0 => events.swap(from, to),
                1 if events.len() > 1 => drop(events.remove(from)),
                _ => events.insert(to, events[from].clone()),
            }
        }
        events
    }

    fn event(&mut self, seq: u64, body: Body) -> Event {
        Event {
            seq,
            ts: Timestamp::from_nanos(
                1_770_993_022_000_000_000 + i128::from(seq * 1_234_567) + i128::from(self.below(9_999_999)),
            ),
            session_id: "s".to_owned(),
            trace_id: "trc".to_owned(),
            stage: self.maybe(Self::name),
            component: self.maybe(Self::name),
            duration_ms: self.maybe(Self::number),
            body,
        }
    }
}

fn fold(events: impl IntoIterator<Item = Event>) -> Trace {
    let mut fold = Fold::new(FoldLimits::default());
    events.into_iter().for_each(|event| fold.apply(event));
    fold.into_trace()
}

fn text(trace: &Trace) -> String {
    serde_json::to_string(trace).unwrap()
}

fn through_lines(events: &[Event]) -> Vec<Event> {
    let mut lines = Vec::new();
    events.iter().for_each(|event| event.write_line(&mut lines));
    String::from_utf8(lines).unwrap().lines().map(|line| Event::from_line(line).unwrap()).collect()
}

/// What the document lists and `max_items` bounds.
fn items(trace: &Trace) -> usize {
    let in_stages = trace.stages.values().map(|stage| {
        let evidence = stage.evidence.as_ref().map_or(0, |evidence| evidence.items.len());
        1 + stage.observations.len() + stage.decisions.len() + stage.principle_scores.len() + evidence
    });
    in_stages.sum::<usize>()
        + trace.iterations.len()
        + trace.child_traces.len()
        + trace.calibration_flags.len()
        + trace.warnings.len()
}

#[test]
fn the_written_stream_folds_to_the_same_document_bit_for_bit() {
    for seed in 1..=RUNS {
        let events = Random(seed * 0x9E37_79B9).run();
        let live = text(&fold(events.clone()));
        let read = through_lines(&events);
        assert_eq!(live, text(&fold(read.clone())), "seed {seed}");
        assert_eq!(live, text(&replay(read)[0]), "seed {seed}");
    }
}

#[test]
fn every_document_reads_back_as_it_was_written() {
    for seed in 1..=RUNS {
        let trace = fold(Random(seed * 0x85EB_CA6B).run());
        let written = text(&trace);
        let read: Trace =
            serde_json::from_str(&written).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{written}"));
        assert_eq!(text(&read), written, "seed {seed}");
        assert!(tree(&trace).lines().count() >= items(&trace) / 2, "seed {seed}");
    }
}

#[test]
fn a_stream_that_is_read_twice_changes_nothing() {
    for seed in 1..=RUNS {
        let mut random = Random(seed * 0xC2B2_AE35);
        let mut events = random.run();
        events.retain(|event| event.seq != 0 || matches!(event.body, Body::TraceStart(_)));
        // Where the start came late, there is no telling what was said of a run that nobody had heard of.
        if events.first().is_some_and(|event| event.seq == 0) {
            let once = text(&fold(events.clone()));
            let twice = events.iter().chain(&events).cloned();
            assert_eq!(text(&fold(twice)), once, "seed {seed}");
        }
    }
}

#[test]
fn no_document_holds_more_than_its_limit_and_what_it_leaves_out_is_counted() {
    for seed in 1..=RUNS {
        let mut events = Random(seed * 0x27D4_EB2F).run();
        let unlimited = |event: &mut Event| {
            if let Body::TraceStart(start) = &mut event.body {
                start.max_items = None;
            }
        };
        events.iter_mut().for_each(unlimited);
        let whole = fold(events.clone());
        for max_items in [0, 1, 7, 100] {
            let mut fold = Fold::new(FoldLimits { max_items });
            events.iter().cloned().for_each(|event| fold.apply(event));
            let trace = fold.trace();
            assert!(items(trace) <= max_items, "seed {seed}: {} items", items(trace));
            let is_cut = items(trace) < items(&whole);
            assert!(!is_cut || trace.metadata.stream_only > 0, "seed {seed}: cut without a count");
        }
    }
}
