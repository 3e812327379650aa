//! Traces as a few teams would make them in some weeks: the same seed and number give the same trace.
//!
//! Five projects, six intents, eight domains, twelve principles of which some fail often, four prompts in three versions, models with their
//! prices; quality that drifts, runs that fail, errors that come again.

use std::sync::Arc;
use std::time::Duration;
use trace_core::model::{
    Alternative, Decision, ErrorInfo, Evidence, GatePolicy, Kind, LlmCall, Money, Observation, Outcome, PromptLink,
    Score, Stage, Status, Timestamp, Trace, Usage,
};
use trace_core::sink::FinishedTrace;

const PROJECTS: [&str; 5] = ["atlas", "cobot", "edtech-radar", "market-watch", "support"];
const INTENTS: [&str; 6] = ["exploring", "validating", "comparing", "summarising", "deciding", "monitoring"];
const DOMAINS: [&str; 8] = ["robotics", "edtech", "fintech", "health", "retail", "energy", "logistics", "law"];
const ERRORS: [(&str, &str); 3] = [
    ("TimeoutError", "the model did not answer within 30 s"),
    ("RateLimitError", "429 too many requests"),
    ("ValidationError", "the answer is no valid JSON"),
];
/// Model, provider, dollars for a million tokens of input and of output.
const MODELS: [(&str, &str, u64, u64); 3] = [
    ("gpt-4o", "openai", 2_500_000, 10_000_000),
    ("gpt-4o-mini", "openai", 150_000, 600_000),
    ("claude-sonnet", "anthropic", 3_000_000, 15_000_000),
];

/// The prompts that model calls are made with, and how many versions each has.
pub(crate) const PROMPTS: [&str; 4] = ["plan_research", "judge_source", "write_report", "check_claims"];
pub(crate) const VERSIONS: u32 = 3;

/// What all traces of a load have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) traces: u64,
    pub(crate) days: u64,
    /// The end of the time they lie in.
    pub(crate) until: Timestamp,
}

/// The text of a version of a prompt.
pub(crate) fn template(prompt: &str, version: u32) -> String {
    format!("You {prompt} with care, in the manner of version {version}. Question: {{{{question}}}}")
}

impl Plan {
    /// The trace of a number; higher numbers are younger.
    pub(crate) fn trace(&self, n: u64) -> FinishedTrace {
        let mut random = Random(self.seed ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let span = self.days * 86_400_000;
        let age = span - span * (n + 1) / self.traces.max(1);
        let nanos = self.until.as_nanos() - i128::from(age) * 1_000_000;
        let trace = Maker { at: Timestamp::from_nanos(nanos), seconds: 0.0, random: &mut random, ids: 0 }.trace(n);
        FinishedTrace { trace: Arc::new(trace), project_dir: None, sampled: true, again: false }
    }
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// 0 to 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of these; the first ones more often than the last.
    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let share = self.share();
        of[((share * share * of.len() as f64) as usize).min(of.len() - 1)]
    }
}

struct Maker<'a> {
    /// Where in time the trace is.
    at: Timestamp,
    seconds: f64,
    random: &'a mut Random,
    ids: u64,
}

impl Maker<'_> {
    fn trace(mut self, n: u64) -> Trace {
        let started = self.at;
        let id = format!("trc_{}_{:016x}", started.compact(), self.random.next());
        let project = self.random.pick(&PROJECTS);
        let mut trace =
            Trace { trace_id: id, project_id: project.into(), project_name: project.into(), ..Trace::default() };
        trace.session_id = format!("session-{}", n / 3);
        trace.user_id = Some(format!("user-{}", self.random.below(40)));
        trace.tags.insert("team".into(), if n.is_multiple_of(2) { "search" } else { "insight" }.into());
        let (intent, domain) = (self.random.pick(&INTENTS), self.random.pick(&DOMAINS));
        trace.run.query =
            Some(format!("What changed in {domain} since {}, for a team that is {intent}?", 2020 + n % 6));
        (trace.run.intent, trace.run.domain) = (Some(intent.into()), Some(domain.into()));
        trace.run.report_type = Some("brief".into());
        trace.run.started_at = Some(started);

        let planned = self.stage(0, 1.5, |maker, stage| {
            stage.decisions = vec![maker.decision("depth_selected"), maker.decision("intent_detected")];
            stage.observations = vec![maker.call("plan", 0)];
        });
        let collected = self.stage(1, 20.0, Self::collect);
        let written = self.stage(2, 12.0, |maker, stage| {
            stage.decisions = vec![maker.decision("outline_chosen")];
            stage.observations = vec![maker.call("write", 2), maker.call("check", 3)];
        });
        // What is asked for validation is hard, edtech is thin in sources, and quality drifts over the weeks.
        let hard = if intent == "validating" { 0.7 } else { 0.0 } + if domain == "edtech" { 0.4 } else { 0.0 };
        let judged = self.stage(3, 2.0, |maker, stage| maker.judge(stage, hard));
        let failed = self.random.below(25) == 0;
        trace.quality_gate_failures = u32::from(judged.passing == Some(false));
        trace.iteration_count = 1;
        for (name, stage) in
            [("intake", planned), ("collection", collected), ("synthesis", written), ("quality_gate", judged)]
        {
            trace.stages.insert(name.into(), stage);
        }
        trace.run.status = if failed { Status::Failed } else { Status::Complete };
        if failed {
            let (kind, message) = self.random.pick(&ERRORS);
            trace.run.error =
                Some(ErrorInfo { kind: Some(kind.into()), message: message.into(), ..ErrorInfo::default() });
        }
        trace.run.completed_at = Some(self.at);
        trace.run.duration_seconds = Some(self.seconds);
        trace
    }

    fn id(&mut self) -> String {
        self.ids += 1;
        format!("{:016x}", self.ids)
    }

    fn stage(&mut self, index: u32, seconds: f64, fill: impl FnOnce(&mut Self, &mut Stage)) -> Stage {
        let mut stage =
            Stage { id: self.id(), index, started_at: Some(self.at), outcome: Some(Outcome::Ok), ..Stage::default() };
        fill(self, &mut stage);
        let seconds = seconds * (0.5 + self.random.share());
        self.at = self.at.plus(Duration::from_secs_f64(seconds));
        self.seconds += seconds;
        stage.duration_seconds = Some(seconds);
        stage.completed_at = Some(self.at);
        stage.inputs = serde_json::json!({ "depth": index, "language": "en" });
        stage
    }

    fn collect(&mut self, stage: &mut Stage) {
        let collected = 10 + self.random.below(40);
        let passed = collected * (40 + self.random.below(40)) / 100;
        stage.evidence = Some(
            Evidence::new()
                .collected(collected)
                .passed(passed)
                .filtered(collected - passed)
                .retrieved(passed)
                .used(passed / 2),
        );
        stage.decisions = (0..4).map(|_| self.decision("source_selected")).collect();
        stage.observations = vec![self.call("judge", 1)];
        for name in ["exa_search", "web_fetch", "rerank"] {
            let observation = Observation { kind: Kind::Tool, ..self.observation(name, 400.0) };
            stage.observations.push(observation);
        }
    }

    fn judge(&mut self, stage: &mut Stage, hard: f64) {
        let score = |maker: &mut Self, index: usize| {
            let often_failing = if index == 11 { 0.9 } else { 0.0 };
            let value = 2.9 - hard - often_failing - 1.2 * maker.random.share() * maker.random.share();
            Score::new(format!("META-{}", index + 1), (value * 10.0).round() / 10.0)
        };
        stage.principle_scores = [0, 2, 4, 7, 9, 11].into_iter().map(|index| score(self, index)).collect();
        let gate = GatePolicy::default().judge(&stage.principle_scores);
        (stage.overall_score, stage.passing, stage.threshold) =
            (gate.overall_score, gate.passing, Some(gate.threshold));
        (stage.gaps, stage.strengths) = (gate.gaps, gate.strengths);
    }

    fn decision(&mut self, point: &str) -> Decision {
        let option = |maker: &mut Self| {
            ["exa_search", "google", "arxiv", "reddit", "internal_wiki"][maker.random.below(5) as usize]
        };
        let (what, other) = (option(self), option(self));
        Decision {
            id: self.id(),
            decision: point.into(),
            what: what.into(),
            why: format!("{what} covered {} of the questions in earlier runs of this kind", self.random.below(20)),
            confidence: Some(0.5 + self.random.share() / 2.0),
            alternatives_considered: vec![Alternative {
                option: other.into(),
                confidence: Some(self.random.share() / 2.0),
            }],
            inputs: serde_json::json!({ "budget": self.random.below(100), "language": "en" })
                .as_object()
                .cloned()
                .unwrap_or_default(),
            timestamp: Some(self.at),
            location: Some("src/plan.rs:42".into()),
            ..Decision::default()
        }
    }

    fn observation(&mut self, name: &str, millis: f64) -> Observation {
        Observation {
            id: self.id(),
            name: name.into(),
            started_at: Some(self.at),
            duration_ms: Some(millis * (0.4 + 3.0 * self.random.share() * self.random.share())),
            outcome: Some(Outcome::Ok),
            input: serde_json::json!({ "query": "what changed", "limit": self.random.below(50) }),
            ..Observation::default()
        }
    }

    fn call(&mut self, name: &str, prompt: usize) -> Observation {
        let (model, provider, input_price, output_price) = self.random.pick(&MODELS);
        let version = 1 + self.random.below(u64::from(VERSIONS)) as u32;
        let (input, output) = (500 + self.random.below(4_000), 50 + self.random.below(900));
        // Dollars for a million tokens are picodollars for one.
        let cost = Money::from_picodollars((input * input_price + output * output_price) as i64);
        let link = PromptLink::new(
            PROMPTS[prompt],
            format!("{}_prompt", PROMPTS[prompt]),
            Some(version),
            Some(trace_core::registry::template_hash(None, &template(PROMPTS[prompt], version))),
        );
        let llm = LlmCall::new()
            .model(model)
            .provider(provider)
            .prompt(link)
            .message("user", "What changed, and what follows from it? ".repeat(10))
            .response("It changed in three ways, and two of them matter. ".repeat(8))
            .usage(Usage::new(input, output))
            .cost(cost);
        let failed = self.random.below(30) == 0;
        let error = failed.then(|| {
            let (kind, message) = self.random.pick(&ERRORS);
            ErrorInfo { kind: Some(kind.into()), message: message.into(), ..ErrorInfo::default() }
        });
        let outcome = Some(if failed { Outcome::Err } else { Outcome::Ok });
        Observation { kind: Kind::Llm, llm: Some(Box::new(llm)), outcome, error, ..self.observation(name, 1_500.0) }
    }
}
