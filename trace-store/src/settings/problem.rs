//! What could not be taken as it was meant.

use super::options::SettingOption;
use super::value::{Expected, Value};
use std::fmt;
use std::path::Path;

/// Something in file or environment that could not be taken as it was meant; shown as one line, without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    message: String,
    redaction: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Problem {
    /// A variable with a value that its option does not take.
    pub(crate) fn of_variable(option: &SettingOption, name: &str, value: &Value<'_>, expected: &Expected) -> Self {
        let shown = if option.is_secret() { String::new() } else { format!("={}", value.shown()) };
        Self { message: format!("{name}{shown}: {expected}"), redaction: option.is_about_redaction() }
    }

    /// A key in a file with a value that its option does not take.
    pub(crate) fn of_key(
        option: &SettingOption,
        file: &Path,
        line: usize,
        value: &Value<'_>,
        expected: &Expected,
    ) -> Self {
        let shown = if option.is_secret() { String::new() } else { format!(" = {}", value.shown()) };
        let message = format!("{}: {}{shown}: {expected}", place(file, line), option.key);
        Self { message, redaction: option.is_about_redaction() }
    }

    /// A key in a file that is none.
    pub(crate) fn unknown_key(file: &Path, line: usize, key: &str, hint: &str) -> Self {
        let key = crate::files::one_line(key, 64);
        Self {
            message: format!("{}: unknown key `{key}`; {hint}", place(file, line)),
            redaction: key.starts_with("redact"),
        }
    }

    /// A variable that looks like one of ours and is none.
    pub(crate) fn unknown_variable(name: &str, meant: &SettingOption, variable: &str) -> Self {
        let name = crate::files::one_line(name, 64);
        Self {
            message: format!("{name} is not known; did you mean {variable}?"),
            redaction: meant.is_about_redaction(),
        }
    }

    /// A file that cannot be read at all: what it says about redaction is not known.
    pub(crate) fn of_file(file: &Path, line: Option<usize>, message: &str) -> Self {
        let place = line.map_or_else(|| shown(file), |line| place(file, line));
        Self { message: format!("{place}: {message}"), redaction: true }
    }

    /// Anything that is not one value.
    pub(crate) fn general(message: String) -> Self {
        Self { message, redaction: false }
    }

    /// What follows from a problem with redaction.
    pub(crate) fn content_off() -> Self {
        Self::general(
            "what was said about redaction could not be read: until this is mended, contents are not recorded".into(),
        )
    }

    pub(crate) fn concerns_redaction(&self) -> bool {
        self.redaction
    }
}

fn place(file: &Path, line: usize) -> String {
    format!("{}, line {line}", shown(file))
}

fn shown(file: &Path) -> String {
    crate::files::one_line(&file.display().to_string(), 1_000)
}

/// Settings that cannot be taken as they were meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the settings of whytrace cannot be taken as they are: {}", joined(problems))]
pub struct SettingsError {
    problems: Vec<Problem>,
}

impl From<Vec<Problem>> for SettingsError {
    fn from(problems: Vec<Problem>) -> Self {
        Self { problems }
    }
}

impl SettingsError {
    /// Every problem found, at least one.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

fn joined(problems: &[Problem]) -> String {
    problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; ")
}
