//! One value as it was given, read as what it should be.
//!
//! A reader's error is what was expected instead, to be put behind the value.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use toml::de::DeValue;

/// What was expected instead.
pub(crate) type Expected = Cow<'static, str>;

/// A value, and the folder that relative paths in it start from.
pub(crate) struct Given<'a> {
    pub(crate) value: Value<'a>,
    pub(crate) base: Option<&'a Path>,
}

/// A value as it was given.
pub(crate) enum Value<'a> {
    Text(&'a str),
    /// A variable that is not Unicode: only a path can be.
    Bytes(&'a OsStr),
    Bool(bool),
    /// A number, as written.
    Number(String),
    List(Vec<String>),
    /// Something that no option takes.
    Other(&'static str),
}

impl<'a> Value<'a> {
    pub(crate) fn of_variable(value: &'a OsStr) -> Self {
        value.to_str().map_or(Self::Bytes(value), |text| Self::Text(text.trim()))
    }

    pub(crate) fn of_toml(value: &'a DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text),
            DeValue::Boolean(value) => Self::Bool(*value),
            DeValue::Integer(number) if number.radix() == 10 => Self::Number(number.as_str().to_owned()),
            DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
                .map_or(Self::Other("a number out of range"), |number| Self::Number(number.to_string())),
            DeValue::Float(number) => Self::Number(number.as_str().to_owned()),
            DeValue::Array(items) => {
                let texts: Option<Vec<String>> =
                    items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect();
                texts.map_or(Self::Other("a list of other things than texts"), Self::List)
            }
            DeValue::Datetime(_) => Self::Other("a date"),
            DeValue::Table(_) => Self::Other("a table"),
        }
    }

    /// The value for a message.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Text(text) => format!("`{}`", crate::files::one_line(text, 64)),
            Self::Bytes(bytes) => format!("`{}`", crate::files::one_line(&bytes.to_string_lossy(), 64)),
            Self::Bool(value) => format!("`{value}`"),
            Self::Number(number) => format!("`{}`", crate::files::one_line(number, 64)),
            Self::List(items) => format!("a list of {} texts", items.len()),
            Self::Other(what) => (*what).to_owned(),
        }
    }

    fn number(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.replace('_', "")),
            Self::Number(text) => Some(text.replace('_', "")),
            Self::Bytes(_) | Self::Bool(_) | Self::List(_) | Self::Other(_) => None,
        }
    }
}

pub(crate) fn boolean(given: &Given<'_>) -> Result<bool, Expected> {
    let word = match &given.value {
        Value::Bool(value) => return Ok(*value),
        Value::Text(text) => text.to_ascii_lowercase(),
        Value::Number(number) => number.clone(),
        Value::Bytes(_) | Value::List(_) | Value::Other(_) => String::new(),
    };
    match word.as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("expected true or false (also 1/0, yes/no, on/off)".into()),
    }
}

/// A whole number of at least `least`.
pub(crate) fn whole(given: &Given<'_>, least: usize) -> Result<usize, Expected> {
    let number = given.value.number().and_then(|text| text.parse::<usize>().ok());
    number
        .filter(|number| *number >= least)
        .ok_or_else(|| format!("expected a whole number of at least {least}").into())
}

/// A number from `least` to `most`.
pub(crate) fn number(given: &Given<'_>, least: f64, most: f64) -> Result<f64, Expected> {
    let number = given.value.number().and_then(|text| text.parse::<f64>().ok());
    let expected = || {
        if most.is_finite() {
            format!("expected a number from {least} to {most}")
        } else {
            format!("expected a number of at least {least}")
        }
    };
    let within = |number: &f64| number.is_finite() && *number >= least && *number <= most;
    number.filter(within).ok_or_else(|| expected().into())
}

/// Texts: a list, or one text with commas.
pub(crate) fn texts(given: &Given<'_>) -> Result<Vec<String>, Expected> {
    let trimmed = |items: &mut dyn Iterator<Item = &str>| {
        items.map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    };
    match &given.value {
        Value::Text(text) => Ok(trimmed(&mut text.split(','))),
        Value::List(items) => Ok(trimmed(&mut items.iter().map(String::as_str))),
        Value::Bytes(_) | Value::Bool(_) | Value::Number(_) | Value::Other(_) => {
            Err("expected a list of texts (in a variable, with commas between)".into())
        }
    }
}

/// Texts that may hold commas: a list, or one text.
pub(crate) fn whole_texts(given: &Given<'_>) -> Result<Vec<String>, Expected> {
    match &given.value {
        Value::Text(text) => Ok(vec![(*text).to_owned()]),
        Value::List(items) => Ok(items.clone()),
        Value::Bytes(_) | Value::Bool(_) | Value::Number(_) | Value::Other(_) => {
            Err("expected a list of regular expressions".into())
        }
    }
}

/// A path; a relative one starts from the folder of the settings file, or from the current directory.
pub(crate) fn path(given: &Given<'_>) -> Result<PathBuf, Expected> {
    let path = match &given.value {
        Value::Text(text) if !text.is_empty() && !text.contains('\0') => Path::new(text),
        Value::Bytes(bytes) => Path::new(bytes),
        _ => return Err("expected a path".into()),
    };
    Ok(given.base.map_or_else(|| path.to_owned(), |base| base.join(path)))
}
