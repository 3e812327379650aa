//! What an answer is worth: whether it names cause and fix, and speaks to the customer who wrote.

use crate::tickets::{PROBLEMS, Ticket};
use whytrace::prelude::*;

/// Scores an answer from 0 to 3 by three principles.
#[traced_stage("quality_gate")]
pub(crate) fn judge(ticket: &Ticket, answer: &str) {
    let (cause, fix) = PROBLEMS
        .iter()
        .find(|(problem, ..)| *problem == ticket.problem)
        .map_or(("", ""), |(_, cause, fix)| (*cause, *fix));
    let all_or_nothing = |holds: bool| if holds { 3.0 } else { 0.0 };
    // Who has tried something wants it acknowledged.
    let is_heard = ticket.tried.is_empty() || answer.contains(&ticket.tried.replacen("I have", "you have", 1));
    whytrace::quality_gate(&[
        Score::new("CAUSE", all_or_nothing(answer.contains(cause))),
        Score::new("FIX", all_or_nothing(answer.contains(fix))),
        Score::new("HEARD", if is_heard { 3.0 } else { 1.0 }),
    ]);
}
