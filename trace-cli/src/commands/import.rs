//! `import`: documents and event streams from elsewhere.

use super::Context;
use crate::args::ImportArgs;
use crate::failure::{Failure, NOTHING};
use crate::out::say;
use crate::progress::Progress;
use crate::words::{counted, one_line};
use std::process::ExitCode;
use trace_store::import::{Importer, Report, Source, find};

pub(crate) fn run(context: &mut Context, args: &ImportArgs) -> Result<ExitCode, Failure> {
    let mut sources: Vec<Source> = Vec::new();
    for path in &args.paths {
        let shown = || one_line(&path.display().to_string(), 500);
        sources.extend(find(path).map_err(|error| {
            Failure::Usage(format!(
                "cannot read {}: {error}; name a document, an event stream or a folder of them",
                shown()
            ))
        })?);
    }
    // Over all paths: the document of a trace comes before its stream.
    sources.sort();
    sources.dedup();
    let rows = context.place.rows_sink()?;
    let mut importer = Importer::new(&context.place.settings.dir, context.place.document_sinks(), rows);
    let progress = Progress::new(Some(sources.len() as u64), "files");
    for source in &sources {
        importer.take(source);
        progress.step(1);
    }
    let report = importer.finish();
    progress.end();
    for problem in &report.skipped {
        say(&format!("skipped {}", problem.message));
    }
    context.out.line(&told(&report))?;
    let taken = report.imported + report.present > 0;
    Ok(if taken && report.skipped.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(NOTHING) })
}

/// `3 traces imported, 1 was there already; rows of 4 written; 2 skipped`.
fn told(report: &Report) -> String {
    let mut text = format!("{} imported", counted(report.imported, "trace"));
    if report.present > 0 {
        text += &format!(", {} there already", report.present);
    }
    if report.saved > 0 {
        text += &format!("; rows of {} written", report.saved);
    }
    if report.queued > 0 {
        text +=
            &format!("; rows of {} wait until the database can be reached, `whytrace sync` writes them", report.queued);
    }
    if !report.skipped.is_empty() {
        text += &format!("; {} skipped", report.skipped.len());
    }
    text
}
