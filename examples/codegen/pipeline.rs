//! The pipeline: specifications in, files out. The job is one trace, each component a trace of its own, all in one session.

use crate::check::{Interface, RustSyntax};
use crate::error::Error;
use crate::model::Writer;
use crate::spec::Spec;
use std::path::{Path, PathBuf};
use whytrace::generation::{Artifact, Broken, FileWriter, Fix, HealingEnd, Report, chain, codegen, heal, render_text};
use whytrace::prelude::*;

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;

/// How often the writer may try to mend a component.
const ATTEMPTS: u32 = 3;

/// The project that traces are filed under.
pub const PROJECT: &str = "codegen";

/// What came of a component.
#[derive(Debug)]
pub struct Made {
    /// Its name.
    pub component: String,
    /// Its trace, if one was recorded.
    pub trace_id: Option<String>,
    /// The file, and how many attempts of mending it took; or why there is none.
    pub outcome: Result<(PathBuf, usize), Error>,
}

/// Generates all components of a job.
#[traced_run(project = PROJECT, session = session, query = format!("{} components", specs.len()), intent = "generating")]
pub fn generate_all(session: &str, specs: &[Spec], out: &Path, writer: &Writer) -> Vec<Made> {
    let writer_name = if let Writer::Model(endpoint) = writer { endpoint.model.as_str() } else { "templates" };
    decision!(
        "writer_selected",
        what = writer_name,
        why =
            if matches!(writer, Writer::Model(_)) { "an endpoint is configured" } else { "no endpoint is configured" },
        confidence = 1.0,
    );
    let made = specs.iter().map(|spec| {
        let mut trace_id = None;
        let outcome = generate(session, spec, out, writer, &mut trace_id);
        Made { component: spec.name.clone(), trace_id, outcome }
    });
    made.collect()
}

/// Generates one component.
#[traced_run(project = PROJECT, session = session, query = &spec.name, intent = "generating")]
fn generate(
    session: &str,
    spec: &Spec,
    out: &Path,
    writer: &Writer,
    trace_id: &mut Option<String>,
) -> Result<(PathBuf, usize), Error> {
    *trace_id = whytrace::trace_id();
    let draft = stage("generation", spec, || draft(spec, writer))?;
    let (artifact, report, attempts) = stage("validation", spec, || mend(spec, writer, draft))?;
    let path = stage("writing", spec, || write(out, &artifact, &report))?;
    Ok((path, attempts))
}

/// Runs a stage of a component.
fn stage<T>(name: &str, spec: &Spec, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let mut stage = whytrace::stage_for(name, &spec.name);
    let outcome = stage.scope(work);
    if let Err(error) = &outcome {
        stage.error(error);
    }
    outcome
}

/// The first draft: what the model answers, as a file.
fn draft(spec: &Spec, writer: &Writer) -> Result<Artifact, Error> {
    let generation = codegen(&spec.name, spec);
    let drafted = generation.scope(|| {
        let code = extract_code(&writer.draft(spec)?);
        let artifact = Artifact::new(format!("{}.rs", spec.name), module(spec, &code)?);
        let report = whytrace::generation::validate(&RustSyntax, &artifact);
        Ok((artifact, report))
    });
    match drafted {
        Ok((artifact, report)) => {
            generation.finish(&artifact.text, &report);
            Ok(artifact)
        }
        Err(error) => {
            generation.fail(&error);
            Err(error)
        }
    }
}

/// The code in an answer: its first block of code, else all of it.
#[observable("extract_code", input(answer), output)]
fn extract_code(answer: &str) -> String {
    let block = answer.split_once("```").and_then(|(_, rest)| rest.split_once('\n'));
    let code = block.map_or(answer, |(_, rest)| rest.split("```").next().unwrap_or(rest));
    code.trim().to_owned()
}

/// The code as a module of its own.
fn module(spec: &Spec, code: &str) -> Result<String, Error> {
    let variables = serde_json::json!({ "name": spec.name, "purpose": spec.purpose, "code": code });
    let source = include_str!("templates/module.rs.j2");
    Ok(render_text("module.rs.j2", source, &variables)? + "\n")
}

/// Checks a component, and lets the writer mend what is wrong.
fn mend(spec: &Spec, writer: &Writer, draft: Artifact) -> Result<(Artifact, Report, usize), Error> {
    let interface = Interface(spec);
    let validator = chain("rust_component", [&RustSyntax, &interface]);
    let fix = |broken: Broken| {
        let code = extract_code(&writer.mend(spec, &broken)?);
        // A model may send the whole file, or the code without its head.
        let text = if code.starts_with("//!") { code + "\n" } else { module(spec, &code)? };
        Ok::<_, Error>(Fix::new(text).by("asked_to_mend"))
    };
    let healing = heal(draft, ATTEMPTS, &validator, fix);
    decision!(
        "component_accepted",
        what = if healing.is_valid() { "accepted" } else { "refused" },
        why = healing.reason(),
        confidence = if healing.ended == HealingEnd::Healed { 0.8 } else { 1.0 },
        inputs = { attempts: healing.attempts.len() },
    );
    if healing.is_valid() {
        Ok((healing.artifact, healing.report, healing.attempts.len()))
    } else {
        Err(Error::Invalid { component: spec.name.clone(), reason: healing.reason() })
    }
}

fn write(out: &Path, artifact: &Artifact, report: &Report) -> Result<PathBuf, Error> {
    let path = out.join(&artifact.name);
    let failed = |source| Error::Write { path: path.clone(), source };
    std::fs::create_dir_all(out).map_err(failed)?;
    FileWriter::new(&path).validated(report).write(&artifact.text).map_err(failed)?;
    whytrace::output("output_file_paths", [path.display().to_string()]);
    if let Some(bytes) = whytrace::generation::resident_memory() {
        whytrace::memory(bytes);
    }
    Ok(path)
}
