//! Validators: artifacts in, findings out, both recorded.

use super::finding::{Artifact, Finding, Report};
use serde_json::{Value, json};
use trace_core::event::{HealingAttempt, ValidationError};
use trace_core::record::{ObservationGuard, facts, recording};

/// Findings of one validation that are recorded one by one; the others are counted.
const RECORDED: usize = 50;

/// Checks generated texts. It only looks: [`validate`] and [`heal`](super::heal) call it and record what it finds.
///
/// ```
/// use whytrace::generation::{Artifact, Finding, Validator, validate};
///
/// struct NoTabs;
///
/// impl Validator for NoTabs {
///     fn name(&self) -> &str {
///         "no_tabs"
///     }
///
///     fn validation_type(&self) -> &str {
///         "style"
///     }
///
///     fn findings(&self, artifact: &Artifact) -> Vec<Finding> {
///         let with_tab = artifact.text.lines().zip(1..).filter(|(line, _)| line.contains('\t'));
///         with_tab.map(|(_, line)| Finding::new("Tab", "a tab").at(line, 1).within(&artifact.text)).collect()
///     }
/// }
///
/// let report = validate(&NoTabs, &Artifact::new("a.txt", "one\n\ttwo\n"));
/// assert_eq!(report.first().unwrap().line, Some(2));
/// ```
pub trait Validator {
    /// Its name, such as `rust_syntax`.
    fn name(&self) -> &str;

    /// What it checks: `syntax`, `import`, `logic`, …
    fn validation_type(&self) -> &str;

    /// What is wrong with an artifact, first things first.
    fn findings(&self, artifact: &Artifact) -> Vec<Finding>;
}

/// A validator made of a closure; see [`check`].
#[derive(Clone, Copy, Debug)]
pub struct Check<'a, F> {
    name: &'a str,
    validation_type: &'a str,
    look: F,
}

/// Makes a validator of a closure.
///
/// ```
/// use whytrace::generation::{Artifact, Finding, check, validate};
/// let documented = check("documented", "style", |artifact: &Artifact| match artifact.text.starts_with("//!") {
///     true => vec![],
///     false => vec![Finding::new("Undocumented", "the module says nothing of itself").at(1, 1)],
/// });
/// assert!(!validate(&documented, &Artifact::new("a.rs", "fn a() {}")).is_valid());
/// ```
pub fn check<'a, F: Fn(&Artifact) -> Vec<Finding>>(name: &'a str, validation_type: &'a str, look: F) -> Check<'a, F> {
    Check { name, validation_type, look }
}

impl<F: Fn(&Artifact) -> Vec<Finding>> Validator for Check<'_, F> {
    fn name(&self) -> &str {
        self.name
    }

    fn validation_type(&self) -> &str {
        self.validation_type
    }

    fn findings(&self, artifact: &Artifact) -> Vec<Finding> {
        (self.look)(artifact)
    }
}

/// Validators one after the other; see [`chain`].
#[derive(Clone)]
pub struct Chain<'a> {
    name: &'a str,
    validators: Vec<&'a dyn Validator>,
}

/// Makes one validator of several: each looks only at what those before it found valid, since what cannot be parsed cannot be understood.
#[must_use]
pub fn chain<'a, const N: usize>(name: &'a str, validators: [&'a dyn Validator; N]) -> Chain<'a> {
    Chain { name, validators: validators.to_vec() }
}

impl std::fmt::Debug for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.validators.iter().map(|validator| validator.name());
        f.debug_list().entries(names).finish()
    }
}

impl Validator for Chain<'_> {
    fn name(&self) -> &str {
        self.name
    }

    fn validation_type(&self) -> &str {
        "chain"
    }

    fn findings(&self, artifact: &Artifact) -> Vec<Finding> {
        let reports = self.validators.iter().map(|validator| report(*validator, artifact));
        reports.map(|report| report.findings).find(|findings| !findings.is_empty()).unwrap_or_default()
    }
}

/// Lets a validator look, and completes its findings.
fn report(validator: &(impl Validator + ?Sized), artifact: &Artifact) -> Report {
    let mut findings = validator.findings(artifact);
    for finding in findings.iter_mut().filter(|finding| finding.validation_type.is_empty()) {
        validator.validation_type().clone_into(&mut finding.validation_type);
    }
    Report { validator: validator.name().to_owned(), artifact: artifact.name.clone(), findings }
}

/// Validates an artifact and records it: an observation of the kind `validation` with the verdict, and a `validation_error` for each
/// finding.
pub fn validate(validator: &(impl Validator + ?Sized), artifact: &Artifact) -> Report {
    observed(validator, artifact, "failed", &[])
}

/// The same as a part of healing: what was tried so far, and the status the findings have.
pub(super) fn observed(
    validator: &(impl Validator + ?Sized),
    artifact: &Artifact,
    status: &str,
    attempts: &[HealingAttempt],
) -> Report {
    if !recording() {
        return report(validator, artifact);
    }
    let input = json!({ "artifact": artifact.name, "bytes": artifact.text.len() });
    let mut guard = ObservationGuard::start_with_input(validator.name(), "validation", input);
    let report = guard.scope(|| {
        let report = report(validator, artifact);
        for finding in report.findings.iter().take(RECORDED) {
            facts::validation_error(ValidationError {
                healing_attempts: attempts.to_vec(),
                final_status: Some(status.to_owned()),
                ..error(&report, finding)
            });
        }
        report
    });
    guard.output(verdict(&report));
    report
}

/// A finding as it is recorded.
pub(super) fn error(report: &Report, finding: &Finding) -> ValidationError {
    ValidationError {
        validation_type: Some(finding.validation_type.clone()),
        error_type: finding.error_type.clone(),
        error_message: finding.message.clone(),
        file: Some(report.artifact.clone()),
        line_number: finding.line,
        column: finding.column,
        code_context: finding.context.clone(),
        ..ValidationError::default()
    }
}

/// What the trace says of a report as a whole.
pub(super) fn verdict(report: &Report) -> Value {
    let lines: Vec<u64> = report.findings.iter().filter_map(|finding| finding.line).take(RECORDED).collect();
    json!({
        "validator": report.validator,
        "valid": report.is_valid(),
        "findings": report.findings.len(),
        "error": report.first().map(ToString::to_string),
        "error_lines": lines,
    })
}
