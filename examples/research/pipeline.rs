//! The pipeline: arguments in, a report out. Five stages, the last three of them in a loop until the gate is satisfied.

use crate::args::Args;
use crate::corpus::{Corpus, own_documentation};
use crate::error::Error;
use crate::gate::{self, Case};
use crate::intake::intake;
use crate::plan::Plan;
use crate::report::{self, Report};
use crate::synthesis::{Endpoint, Writers};
use crate::{retrieval, rubric};
use std::path::Path;

/// After this many iterations the report is delivered as it is, and says how good it is.
const MOST_ITERATIONS: usize = 3;

/// Researches a question.
///
/// # Errors
/// The corpus cannot be read, or the report not be written. A question without an answer is a report with a low score.
pub fn run(args: &Args) -> Result<Report, Error> {
    let brief = intake(&args.query, Corpus::read(&args.corpus.clone().unwrap_or_else(own_documentation))?);
    let rubric = rubric::select(&brief);
    let mut writers = Writers::new(Endpoint::from_env());
    let mut plan = Plan::default();
    let mut tried = Vec::new();
    let mut iterations = 0;
    loop {
        iterations += 1;
        let collection = retrieval::collect(&brief, &rubric, &plan);
        let draft = writers.synthesise(&brief, &rubric, &plan, &collection)?;
        let case = Case { brief: &brief, rubric: &rubric, collection: &collection, draft: &draft };
        let verdict = gate::judge(&case);
        if verdict.gate.passed() || iterations == MOST_ITERATIONS {
            let text = report::render(&case, &verdict).unwrap_or_default();
            let path = report::write(Path::new("/tmp/rr"), "x", &text)?;
            return Ok(Report { path, text, iterations });
        }
        plan = gate::replan(&verdict, &case, &plan, &mut tried);
    }
}
