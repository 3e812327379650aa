//! The tables, and the budgets as JSON.

use crate::budgets::Row;
use crate::rounds::Measured;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What each case costs.
pub(crate) fn print_costs(measured: &[Measured]) {
    println!("{:46} {:>10} {:>16}", "case", "ns", "ns with its trace");
    for Measured { name, ns, whole_ns } in measured {
        println!("{name:46} {ns:>10.1} {whole_ns:>16.1}");
    }
}

/// Whether the budgets hold.
pub(crate) fn print_budgets(rows: &[Row]) {
    println!("\n{:52} {:>9}  {:44} {:>9} {:>7}  {:22} holds", "case", "ns", "peer", "peer ns", "ratio", "budget");
    for row in rows {
        println!(
            "{:52} {:>9}  {:44} {:>9} {:>7}  {:22} {}",
            row.case,
            number(row.ns, 1),
            row.peer.unwrap_or("-"),
            number(row.peer_ns, 1),
            number(row.ratio, 2),
            row.budget,
            if row.holds { "yes" } else { "NO" }
        );
    }
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

/// Writes the budgets to `hot_path.json` in the target folder; where that is.
pub(crate) fn write_json(rows: &[Row]) -> Result<PathBuf, String> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("hot_path.json");
    let rows: Value = rows.iter().map(row_json).collect();
    std::fs::write(&path, format!("{rows:#}\n"))
        .map_err(|error| format!("cannot write the budgets to {}: {error}", path.display()))?;
    Ok(path)
}

fn row_json(row: &Row) -> Value {
    json!({
        "case": row.case,
        "ns": row.ns,
        "peer": row.peer,
        "peer_ns": row.peer_ns,
        "ratio": row.ratio,
        "budget": row.budget,
        "holds": row.holds,
    })
}
