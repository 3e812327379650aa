//! Templates: variables in, text out; source, variables, result, indentation and errors recorded.

use super::finding::source_context;
use minijinja::value::Serde;
use minijinja::{Environment, Error, Value};
use serde::Serialize;
use std::collections::BTreeSet;
use trace_core::event::TemplateRender;
use trace_core::model::ErrorInfo;
use trace_core::record::{capture, facts, failure, recording};

/// The columns between two tab stops.
const TAB: u32 = 4;

/// Renders the template `name` of an environment, and records it.
///
/// ```
/// use whytrace::generation::{minijinja, render};
/// let mut environment = minijinja::Environment::new();
/// environment.add_template("class.j2", "class {{ name }}:\n    pass\n")?;
/// assert_eq!(render(&environment, "class.j2", &serde_json::json!({ "name": "Robot" }))?, "class Robot:\n    pass");
/// # Ok::<(), minijinja::Error>(())
/// ```
///
/// # Errors
/// Those of minijinja: no such template, malformed, or failing while it is rendered.
pub fn render(environment: &Environment<'_>, name: &str, variables: &impl Serialize) -> Result<String, Error> {
    let template = environment.get_template(name);
    let source = template.as_ref().map_or("", |template| template.source()).to_owned();
    let rendered = template.and_then(|template| template.render(Value::from(Serde(variables))));
    record(name, &source, variables, &rendered);
    rendered
}

/// Renders a template that is at hand as text; `name` is what errors and the trace call it.
///
/// # Errors
/// As [`render`].
pub fn render_text(name: &str, source: &str, variables: &impl Serialize) -> Result<String, Error> {
    let environment = Environment::new();
    let template = environment.template_from_named_str(name, source);
    let rendered = template.and_then(|template| template.render(Value::from(Serde(variables))));
    record(name, source, variables, &rendered);
    rendered
}

fn record(name: &str, source: &str, variables: &impl Serialize, rendered: &Result<String, Error>) {
    if !recording() {
        return;
    }
    let output = rendered.as_ref().ok();
    let source = match rendered {
        Err(error) if source.is_empty() => error.template_source().unwrap_or_default(),
        Ok(_) | Err(_) => source,
    };
    facts::template_render(TemplateRender {
        template: name.to_owned(),
        variables: capture::to_value(variables),
        source: Some(source.to_owned()).filter(|source| !source.is_empty()),
        output: output.cloned(),
        indentation: output.map_or_else(Vec::new, |output| indentation_levels(output)),
        error: rendered.as_ref().err().map(|error| described(name, source, error)),
        ..TemplateRender::default()
    });
}

/// What went wrong, and where: the line is that of the template in which it happened, which may be an included one.
fn described(name: &str, source: &str, error: &Error) -> ErrorInfo {
    let mut info = failure::Failure::new(error).info();
    let line = error.line().and_then(|line| u64::try_from(line).ok());
    let within = error.name().unwrap_or(name);
    info.location = line.map(|line| format!("{within}:{line}"));
    if let Some(line) = line {
        info.extra.insert("line_number".to_owned(), line.into());
        let source = error.template_source().unwrap_or(source);
        if let Some(context) = source_context(source, line, None) {
            info.extra.insert("code_context".to_owned(), context.into());
        }
    }
    info
}

/// The levels of indentation that occur in a text, in columns, each once and in ascending order; a tab leads to the next multiple of four.
/// Blank lines have none.
///
/// ```
/// use whytrace::generation::indentation_levels;
/// assert_eq!(indentation_levels("def a():\n    if b:\n        c\n\n    return\n"), [0, 4, 8]);
/// ```
#[must_use]
pub fn indentation_levels(text: &str) -> Vec<u32> {
    let column = |line: &str| {
        let leading = line.chars().take_while(|c| matches!(c, ' ' | '\t'));
        leading.fold(0_u32, |column, c| if c == '\t' { (column / TAB + 1) * TAB } else { column + 1 })
    };
    let levels: BTreeSet<u32> = text.lines().filter(|line| !line.trim().is_empty()).map(column).collect();
    levels.into_iter().collect()
}
