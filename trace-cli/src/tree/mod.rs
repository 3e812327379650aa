//! A trace as a tree: stages, observations and decisions in the order in which they began, with why, alternatives and confidence,
//! durations as bars on one time line, and errors in place.
//!
//! Comes in: a document, of which nothing is trusted. Goes out: lines that fit the terminal. Every step is linear in the size of the
//! document: a trace may have tens of thousands of observations, each inside the one before.

mod lines;
mod nodes;

use crate::failure::Failure;
use crate::out::Out;
use lines::Lines;
use nodes::{Item, Tree};
use trace_core::model::Trace;

/// How far lines are indented at most; what lies deeper stands at this depth.
const DEEPEST: usize = 12;

/// Prints the trace; `scale` is the top of the scale of scores.
pub(crate) fn print(out: &mut Out, trace: &Trace, scale: f64) -> Result<(), Failure> {
    let tree = Tree::of(trace);
    let lines = Lines::of(trace, out.terminal, scale);
    for line in lines.head() {
        out.line(&line)?;
    }
    // A stack of its own instead of recursion: the depth comes from outside.
    let mut stack = vec![Visit { node: Tree::ROOT, prefix: String::new(), depth: 0, last: true }];
    while let Some(visit) = stack.pop() {
        let children = tree.children(visit.node);
        if let Some(item) = tree.item(visit.node) {
            let (branch, below) = if visit.last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let rest = format!("{}{below}{}", visit.prefix, if children.is_empty() { "  " } else { "│ " });
            for (index, line) in lines.of_item(item, &format!("{}{branch}", visit.prefix), &rest).iter().enumerate() {
                debug_assert!(index == 0 || !line.is_empty());
                out.line(line)?;
            }
            let prefix = if visit.depth < DEEPEST { format!("{}{below}", visit.prefix) } else { visit.prefix };
            push(&mut stack, children, &prefix, visit.depth + 1);
        } else {
            push(&mut stack, children, "", 0);
        }
    }
    for line in lines.foot() {
        out.line(&line)?;
    }
    Ok(())
}

/// A node that is still to be printed.
struct Visit {
    node: usize,
    prefix: String,
    depth: usize,
    last: bool,
}

fn push(stack: &mut Vec<Visit>, children: &[usize], prefix: &str, depth: usize) {
    for (index, node) in children.iter().enumerate().rev() {
        stack.push(Visit { node: *node, prefix: prefix.to_owned(), depth, last: index + 1 == children.len() });
    }
}
