//! The healing loop: a broken artifact in, a valid one out, or the reason why there is none.

use super::finding::{Artifact, Report};
use super::validate::{Validator, error, observed, verdict};
use serde_json::json;
use std::fmt::Display;
use std::ops::ControlFlow;
use trace_core::event::{HealingAttempt, ValidationError};
use trace_core::model::ErrorInfo;
use trace_core::record::{ObservationGuard, facts};

/// What is to be mended.
#[derive(Clone, Debug)]
pub struct Broken {
    /// The text as it is now.
    pub artifact: Artifact,
    /// What is wrong with it; never without a finding.
    pub report: Report,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

/// A mended text, and how it was mended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fix {
    /// The text.
    pub text: String,
    /// What was done, in a word or two.
    pub strategy: Option<String>,
}

impl Fix {
    /// A mended text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), strategy: None }
    }

    /// How it was mended: `asked_model`, `closed_brace`, …
    #[must_use]
    pub fn by(mut self, strategy: impl Into<String>) -> Self {
        self.strategy = Some(strategy.into());
        self
    }
}

impl From<String> for Fix {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// Why healing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HealingEnd {
    /// There was nothing to heal.
    Valid,
    /// The last attempt mended it.
    Healed,
    /// All attempts were used up.
    GaveUp,
    /// An attempt gave a text that had been found broken before.
    NoProgress,
    /// An attempt could not be made.
    Error,
}

impl HealingEnd {
    /// The word used in the trace.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Healed => "healed",
            Self::GaveUp => "gave_up",
            Self::NoProgress => "no_progress",
            Self::Error => "error",
        }
    }
}

/// What came of healing.
#[derive(Clone, Debug)]
pub struct Healing<E> {
    /// The last text that was looked at: valid, or still broken.
    pub artifact: Artifact,
    /// What is wrong with it.
    pub report: Report,
    /// What was tried.
    pub attempts: Vec<HealingAttempt>,
    /// Why it ended.
    pub ended: HealingEnd,
    /// Why an attempt could not be made, if that is how it ended.
    pub error: Option<E>,
}

impl<E> Healing<E> {
    /// Whether the artifact is valid now.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.report.is_valid()
    }
}

impl<E: Display> Healing<E> {
    /// Why it ended, in a sentence.
    #[must_use]
    pub fn reason(&self) -> String {
        let tried = self.attempts.len();
        let still = self.report.first().map_or_else(String::new, |finding| format!("; still wrong: {finding}"));
        match (self.ended, &self.error) {
            (HealingEnd::Valid, _) => "nothing was wrong".to_owned(),
            (HealingEnd::Healed, _) => format!("attempt {tried} mended it"),
            (HealingEnd::GaveUp, _) if tried == 0 => format!("no attempt was allowed{still}"),
            (HealingEnd::GaveUp, _) if tried == 1 => format!("the one attempt was used up{still}"),
            (HealingEnd::GaveUp, _) => format!("all {tried} attempts were used up{still}"),
            (HealingEnd::NoProgress, _) => {
                format!("attempt {tried} gave a text that had been found broken before{still}")
            }
            (HealingEnd::Error, Some(error)) => format!("attempt {tried} could not be made: {error}{still}"),
            (HealingEnd::Error, None) => format!("attempt {tried} could not be made{still}"),
        }
    }
}

/// Validates an artifact and, as long as something is wrong, lets `fix` mend it, `max_attempts` times at most.
///
/// Everything is recorded inside one observation named `heal`: each validation, each attempt with the text it gave, and in the end a
/// `validation_error` with all attempts, the final status and why healing ended. Healing ends early when `fix` fails, or gives a
/// text that was found broken before.
///
/// ```
/// use whytrace::generation::{Artifact, Broken, Finding, Fix, HealingEnd, check, heal};
///
/// let closed = check("braces", "syntax", |artifact: &Artifact| {
///     let count = |brace| artifact.text.matches(brace).count();
///     if count('{') == count('}') { vec![] } else { vec![Finding::new("SyntaxError", "a brace is not closed")] }
/// });
/// let fix = |broken: Broken| Ok::<_, std::io::Error>(Fix::new(broken.artifact.text + "}").by("closed_brace"));
/// let healing = heal(Artifact::new("main.rs", "fn main() {"), 3, &closed, fix);
/// assert_eq!(healing.ended, HealingEnd::Healed);
/// assert_eq!(healing.artifact.text, "fn main() {}");
/// ```
pub fn heal<V, F, E>(
    artifact: Artifact,
    max_attempts: u32,
    validator: &V,
    mut fix: impl FnMut(Broken) -> Result<F, E>,
) -> Healing<E>
where
    V: Validator + ?Sized,
    F: Into<Fix>,
    E: Display,
{
    let mut course = Course::begin(artifact, max_attempts, validator);
    while let Some(broken) = course.broken() {
        let attempt = course.attempt(&broken);
        let outcome = attempt.scope(|| fix(broken)).map(Into::into);
        if course.took(attempt, outcome).is_break() {
            break;
        }
    }
    course.finish()
}

/// As [`heal`], with an asynchronous `fix`.
///
/// ```
/// # use whytrace::generation::{Artifact, Broken, Fix, check, heal_async};
/// # async fn ask_model(_: &str) -> Result<String, std::io::Error> { Ok("fn main() {}".into()) }
/// # async fn run() {
/// # let syntax = check("syntax", "syntax", |_: &Artifact| vec![]);
/// let draft = Artifact::new("main.rs", "fn main() {");
/// let healing = heal_async(draft, 3, &syntax, |broken: Broken| async move {
///     let prompt = format!("Correct this:\n{}\n{}", broken.report, broken.artifact.text);
///     ask_model(&prompt).await.map(|text| Fix::new(text).by("asked_model"))
/// });
/// assert!(healing.await.is_valid());
/// # }
/// ```
pub async fn heal_async<V, F, E, Fut>(
    artifact: Artifact,
    max_attempts: u32,
    validator: &V,
    mut fix: impl FnMut(Broken) -> Fut,
) -> Healing<E>
where
    V: Validator + ?Sized,
    F: Into<Fix>,
    E: Display,
    Fut: Future<Output = Result<F, E>>,
{
    let mut course = Course::begin(artifact, max_attempts, validator);
    while let Some(broken) = course.broken() {
        let attempt = course.attempt(&broken);
        let future = attempt.scope(|| fix(broken));
        let outcome = attempt.in_future(future).await.map(Into::into);
        if course.took(attempt, outcome).is_break() {
            break;
        }
    }
    course.finish()
}

/// One healing, between two steps.
struct Course<'v, V: ?Sized, E> {
    guard: ObservationGuard,
    validator: &'v V,
    max_attempts: u32,
    /// Every text that was found broken.
    found_broken: Vec<String>,
    /// What was wrong before the last attempt.
    before: Report,
    healing: Healing<E>,
}

impl<'v, V: Validator + ?Sized, E: Display> Course<'v, V, E> {
    fn begin(artifact: Artifact, max_attempts: u32, validator: &'v V) -> Self {
        let input = json!({
            "artifact": artifact.name, "validator": validator.name(), "max_attempts": max_attempts,
        });
        let guard = ObservationGuard::start_with_input("heal", "validation", input);
        let report = guard.scope(|| observed(validator, &artifact, "healing", &[]));
        let ended = if report.is_valid() { HealingEnd::Valid } else { HealingEnd::GaveUp };
        let healing = Healing { artifact, report, attempts: Vec::new(), ended, error: None };
        Self { guard, validator, max_attempts, found_broken: Vec::new(), before: Report::default(), healing }
    }

    /// What is still to be mended, if there is an attempt left.
    fn broken(&self) -> Option<Broken> {
        let Healing { artifact, report, attempts, .. } = &self.healing;
        let attempt = u32::try_from(attempts.len()).unwrap_or(u32::MAX).saturating_add(1);
        let is_due = !report.is_valid() && attempt <= self.max_attempts;
        is_due.then(|| Broken { artifact: artifact.clone(), report: report.clone(), attempt })
    }

    /// The observation that an attempt runs in.
    fn attempt(&self, broken: &Broken) -> ObservationGuard {
        self.guard.scope(|| {
            let input = json!({ "attempt": broken.attempt, "finding": broken.report.first() });
            ObservationGuard::start_with_input("fix", "codegen", input)
        })
    }

    /// Takes what an attempt gave, and validates it.
    fn took(&mut self, mut attempt: ObservationGuard, outcome: Result<Fix, E>) -> ControlFlow<()> {
        let number = u32::try_from(self.healing.attempts.len()).unwrap_or(u32::MAX).saturating_add(1);
        let mut record = HealingAttempt { attempt: number, ..HealingAttempt::default() };
        let fix = match outcome {
            Ok(fix) => fix,
            Err(error) => {
                let message = error.to_string();
                attempt.error(ErrorInfo { message: message.clone(), ..ErrorInfo::default() });
                record.error = Some(message);
                self.healing.attempts.push(record);
                self.healing.error = Some(error);
                return self.end(HealingEnd::Error);
            }
        };
        attempt.output(json!({ "strategy": fix.strategy, "code": fix.text }));
        drop(attempt); // what follows is not part of it
        record.strategy = fix.strategy;
        let former = std::mem::replace(&mut self.healing.artifact.text, fix.text);
        self.found_broken.push(former);
        if self.found_broken.contains(&self.healing.artifact.text) {
            record.error = Some("the text had been found broken before".to_owned());
            self.healing.attempts.push(record);
            return self.end(HealingEnd::NoProgress);
        }
        let Self { guard, validator, healing, .. } = self;
        let report = guard.scope(|| observed(*validator, &healing.artifact, "healing", &healing.attempts));
        record.success = report.is_valid();
        record.error = report.first().map(ToString::to_string);
        healing.attempts.push(record);
        self.before = std::mem::replace(&mut healing.report, report);
        if healing.report.is_valid() { self.end(HealingEnd::Healed) } else { ControlFlow::Continue(()) }
    }

    fn end(&mut self, ended: HealingEnd) -> ControlFlow<()> {
        self.healing.ended = ended;
        ControlFlow::Break(())
    }

    /// Records how it ended.
    fn finish(mut self) -> Healing<E> {
        let healing = self.healing;
        let (ended, reason) = (healing.ended.as_str(), healing.reason());
        // What was healed is what was wrong last.
        let told = if healing.is_valid() { &self.before } else { &healing.report };
        let status = if healing.is_valid() { "healed" } else { "failed" };
        if let Some(finding) = told.first() {
            self.guard.scope(|| {
                facts::validation_error(ValidationError {
                    healing_attempts: healing.attempts.clone(),
                    final_status: Some(status.to_owned()),
                    healing_ended: Some(ended.to_owned()),
                    healing_reason: Some(reason.clone()),
                    ..error(told, finding)
                });
            });
        }
        let verdict = verdict(&healing.report);
        self.guard.output(json!({
            "ended": ended, "reason": reason, "attempts": healing.attempts.len(), "verdict": verdict,
        }));
        healing
    }
}
