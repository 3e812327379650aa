//! Runs as a Parquet file: the columns of a list, and the whole document as JSON.
//!
//! Columns are written without Arrow: they are flat, and Arrow would take longer to build than all the rest of this program. Money is a
//! decimal with 12 digits after the point, moments are microseconds in UTC; lists and tags are JSON.

use super::Run;
use crate::failure::Failure;
use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde::Serialize;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::sync::Arc;
use trace_core::model::{Money, Timestamp};
use trace_store::query::TraceItem;

/// A group of rows is written when it has so many rows, or so many bytes of documents.
const ROWS: usize = 20_000;
const BYTES: usize = 64 << 20;

/// The bytes of a decimal of 20 digits.
const DECIMAL: usize = 9;

/// The columns. The order is that of [`COLUMNS`].
const SCHEMA: &str = "message run {
    REQUIRED BYTE_ARRAY trace_id (UTF8);
    REQUIRED BYTE_ARRAY project_id (UTF8);
    OPTIONAL BYTE_ARRAY query (UTF8);
    OPTIONAL BYTE_ARRAY intent (UTF8);
    OPTIONAL BYTE_ARRAY domain (UTF8);
    OPTIONAL BYTE_ARRAY report_type (UTF8);
    REQUIRED BYTE_ARRAY status (UTF8);
    OPTIONAL BOOLEAN quality_gate_passed;
    OPTIONAL DOUBLE overall_quality_score;
    OPTIONAL INT64 started_at (TIMESTAMP(MICROS,true));
    OPTIONAL INT64 completed_at (TIMESTAMP(MICROS,true));
    OPTIONAL DOUBLE duration_seconds;
    REQUIRED BYTE_ARRAY gap_principles (JSON);
    REQUIRED INT64 iteration_count;
    REQUIRED INT64 quality_gate_failures;
    REQUIRED BOOLEAN flagged_for_review;
    OPTIONAL BYTE_ARRAY review_notes (UTF8);
    REQUIRED BYTE_ARRAY session_id (UTF8);
    OPTIONAL BYTE_ARRAY user_id (UTF8);
    REQUIRED BYTE_ARRAY tags (JSON);
    OPTIONAL BYTE_ARRAY parent_trace_id (UTF8);
    OPTIONAL BYTE_ARRAY synthesis_model (UTF8);
    OPTIONAL FIXED_LEN_BYTE_ARRAY(9) total_cost_usd (DECIMAL(20,12));
    OPTIONAL INT64 total_input_tokens;
    OPTIONAL INT64 total_output_tokens;
    REQUIRED INT64 llm_calls;
    REQUIRED INT64 decision_count;
    OPTIONAL BYTE_ARRAY error_type (UTF8);
    OPTIONAL BYTE_ARRAY error_message (UTF8);
    REQUIRED BOOLEAN sampled;
    OPTIONAL BYTE_ARRAY document (JSON);
}";

/// What a column is read from.
enum Read {
    Text(fn(&Row) -> Option<String>),
    Whole(fn(&TraceItem) -> Option<i64>),
    Real(fn(&TraceItem) -> Option<f64>),
    Truth(fn(&TraceItem) -> Option<bool>),
    Cost(fn(&TraceItem) -> Option<Money>),
}

/// Where each column of [`SCHEMA`] comes from.
const COLUMNS: [Read; 31] = [
    Read::Text(|row| Some(row.run.trace_id.clone())),
    Read::Text(|row| Some(row.run.project_id.clone())),
    Read::Text(|row| row.run.query.clone()),
    Read::Text(|row| row.run.intent.clone()),
    Read::Text(|row| row.run.domain.clone()),
    Read::Text(|row| row.run.report_type.clone()),
    Read::Text(|row| Some(row.run.status.to_string())),
    Read::Truth(|run| run.quality_gate_passed),
    Read::Real(|run| run.overall_quality_score),
    Read::Whole(|run| run.started_at.map(Timestamp::as_micros)),
    Read::Whole(|run| run.completed_at.map(Timestamp::as_micros)),
    Read::Real(|run| run.duration_seconds),
    Read::Text(|row| Some(json(&row.run.gap_principles))),
    Read::Whole(|run| Some(run.iteration_count)),
    Read::Whole(|run| Some(run.quality_gate_failures)),
    Read::Truth(|run| Some(run.flagged_for_review)),
    Read::Text(|row| row.run.review_notes.clone()),
    Read::Text(|row| Some(row.run.session_id.clone())),
    Read::Text(|row| row.run.user_id.clone()),
    Read::Text(|row| Some(json(&row.run.tags))),
    Read::Text(|row| row.run.parent_trace_id.clone()),
    Read::Text(|row| row.run.synthesis_model.clone()),
    Read::Cost(|run| run.total_cost_usd),
    Read::Whole(|run| run.total_input_tokens),
    Read::Whole(|run| run.total_output_tokens),
    Read::Whole(|run| Some(run.llm_calls)),
    Read::Whole(|run| Some(run.decision_count)),
    Read::Text(|row| row.run.error_type.clone()),
    Read::Text(|row| row.run.error_message.clone()),
    Read::Truth(|run| Some(run.sampled)),
    Read::Text(|row| row.document.clone()),
];

/// A run that waits for its group to be full.
struct Row {
    run: TraceItem,
    document: Option<String>,
}

/// Makes a Parquet file of staged lines.
pub(super) fn write(mut lines: BufReader<File>, to: File) -> Result<(), Failure> {
    let schema = Arc::new(parse_message_type(SCHEMA).map_err(|error| wrong(&error))?);
    let properties = Arc::new(WriterProperties::builder().set_compression(Compression::SNAPPY).build());
    let mut writer = SerializedFileWriter::new(to, schema, properties).map_err(|error| wrong(&error))?;
    let (mut line, mut rows, mut bytes) = (String::new(), Vec::new(), 0);
    loop {
        line.clear();
        let more = lines
            .read_line(&mut line)
            .map_err(|error| Failure::Failed(format!("cannot read back what was exported: {error}")))?
            > 0;
        if more {
            let Run { run, document } = serde_json::from_str(&line).map_err(Failure::of)?;
            bytes += line.len();
            rows.push(Row { run, document: document.map(|document| document.get().to_owned()) });
        }
        if rows.len() >= ROWS || bytes >= BYTES || (!more && !rows.is_empty()) {
            group(&mut writer, &rows).map_err(|error| wrong(&error))?;
            rows.clear();
            bytes = 0;
        }
        if !more {
            break;
        }
    }
    let file = writer.into_inner().map_err(|error| wrong(&error))?;
    file.sync_all().map_err(|error| Failure::Failed(format!("cannot write the Parquet file: {error}")))
}

fn wrong(error: &ParquetError) -> Failure {
    Failure::Failed(format!("cannot write the Parquet file: {error}"))
}

fn group(writer: &mut SerializedFileWriter<File>, rows: &[Row]) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    let mut columns = COLUMNS.iter();
    while let (Some(mut column), Some(read)) = (group.next_column()?, columns.next()) {
        match (column.untyped(), read) {
            (ColumnWriter::ByteArrayColumnWriter(to), Read::Text(read)) => {
                let (values, levels) =
                    split(rows.iter().map(|row| read(row).map(|text| ByteArray::from(text.into_bytes()))));
                to.write_batch(&values, Some(&levels), None)?;
            }
            (ColumnWriter::Int64ColumnWriter(to), Read::Whole(read)) => {
                let (values, levels) = split(rows.iter().map(|row| read(&row.run)));
                to.write_batch(&values, Some(&levels), None)?;
            }
            (ColumnWriter::DoubleColumnWriter(to), Read::Real(read)) => {
                let (values, levels) = split(rows.iter().map(|row| read(&row.run)));
                to.write_batch(&values, Some(&levels), None)?;
            }
            (ColumnWriter::BoolColumnWriter(to), Read::Truth(read)) => {
                let (values, levels) = split(rows.iter().map(|row| read(&row.run)));
                to.write_batch(&values, Some(&levels), None)?;
            }
            (ColumnWriter::FixedLenByteArrayColumnWriter(to), Read::Cost(read)) => {
                let (values, levels) = split(rows.iter().map(|row| read(&row.run).map(decimal)));
                to.write_batch(&values, Some(&levels), None)?;
            }
            _ => return Err(ParquetError::General("a column is not of its type".to_owned())),
        }
        column.close()?;
    }
    group.close().map(|_| ())
}

/// The values that are there, and for each row whether one is.
fn split<T>(values: impl Iterator<Item = Option<T>>) -> (Vec<T>, Vec<i16>) {
    let mut there = Vec::new();
    let levels = values.map(|value| {
        let level = i16::from(value.is_some());
        there.extend(value);
        level
    });
    let levels = levels.collect();
    (there, levels)
}

/// Picodollars, big-endian, as a decimal of 20 digits with 12 after the point.
fn decimal(money: Money) -> FixedLenByteArray {
    let bytes = i128::from(money.picodollars()).to_be_bytes();
    ByteArray::from(bytes[bytes.len() - DECIMAL..].to_vec()).into()
}

/// Lists and maps of texts; that cannot fail.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
