//! The pipeline: arguments in, a report out. Five stages, the last three of them in a loop until the gate is satisfied.

use crate::args::Args;
use crate::corpus::own_documentation;
use crate::error::Error;
use crate::gate::{self, Case};
use crate::intake::intake;
use crate::places::Places;
use crate::plan::Iterations;
use crate::report::{self, Report};
use crate::synthesis::{Endpoint, Writers};
use crate::{retrieval, rubric};
use whytrace::prelude::*;

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;

/// After this many iterations the report is delivered as it is, and says how good it is.
const MOST_ITERATIONS: usize = 3;

/// Researches a question; the model behind `endpoint` writes, if there is one.
///
/// # Errors
/// The corpus cannot be read, or the report not be written. A question without an answer is a report with a low score.
#[traced_run(project = &args.project, query = &args.query, research_type = "documents")]
pub fn run(args: &Args, places: &Places, endpoint: Option<Endpoint>) -> Result<Report, Error> {
    let folder = args.corpus.clone().unwrap_or_else(own_documentation);
    let brief = intake(&args.query, &folder)?;
    let rubric = rubric::select(&brief);
    let mut writers = Writers::new(endpoint);
    let mut iterations = Iterations::new(MOST_ITERATIONS);
    loop {
        let iteration = whytrace::iteration();
        let plan = iterations.plan();
        whytrace::set("tier_config", plan);
        let collection = retrieval::collect(&brief, &rubric, plan);
        let draft = writers.synthesise(&brief, &rubric, plan, &collection)?;
        let case = Case { brief: &brief, rubric: &rubric, collection: &collection, draft: &draft };
        let verdict = gate::judge(&case, &mut iterations);
        iteration.finish(&verdict.gate);
        if !verdict.retry {
            return report::write(places, &case, &verdict);
        }
    }
}
