//! What a filter can ask about: the columns of the tables, by their names.
//!
//! Comes in: the words of a path. Goes out: a [`Field`], or which fields there are. The table of fields is the table of columns: a column
//! that rows get is a field of the filter with no further word.

use crate::sql::rows::{DecisionRow, FlagRow, ObservationRow, StageRow, TraceRow};
use crate::sql::value::{Column, Kind, Row, Table};

/// Something that a condition can be about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Part {
    /// What it is called in a filter.
    pub(crate) word: &'static str,
    /// The table with its rows.
    pub(crate) table: &'static Table,
    /// The column with its name.
    key: &'static str,
}

pub(crate) static TRACES: Table = TraceRow::TABLE;
static STAGES: Table = StageRow::TABLE;
static DECISIONS: Table = DecisionRow::TABLE;
pub(crate) static OBSERVATIONS: Table = ObservationRow::TABLE;
static FLAGS: Table = FlagRow::TABLE;

/// What has a name of its own and columns: `stage.synthesis.duration_seconds`.
pub(crate) static PARTS: [Part; 3] = [
    Part { word: "stage", table: &STAGES, key: "base_name" },
    Part { word: "decision", table: &DECISIONS, key: "decision" },
    Part { word: "observation", table: &OBSERVATIONS, key: "name" },
];

impl Part {
    /// The column that a name is compared with: `synthesis` is every occurrence of the stage, `synthesis#2` the second.
    pub(crate) fn key(&self, name: &str) -> &'static str {
        if self.key == "base_name" && name.contains('#') { "name" } else { self.key }
    }

    /// The columns that a filter can ask about.
    fn columns(&self) -> impl Iterator<Item = &'static Column> {
        self.table.columns.iter().filter(|column| column.name != "trace_id")
    }
}

/// A field of which a run has any number of values: the word, the table and the column.
static MANY: [(&str, &Table, &str); 3] =
    [("model", &OBSERVATIONS, "model"), ("provider", &OBSERVATIONS, "provider"), ("flag", &FLAGS, "kind")];

/// Shorter words for columns of `traces`.
static ALIASES: [(&str, &str); 9] = [
    ("cost", "total_cost_usd"),
    ("duration", "duration_seconds"),
    ("error", "error_message"),
    ("flagged", "flagged_for_review"),
    ("gate", "quality_gate_passed"),
    ("project", "project_id"),
    ("quality", "overall_quality_score"),
    ("session", "session_id"),
    ("user", "user_id"),
];

/// What one condition is about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Field {
    /// A column of `traces`.
    Column(&'static Column),
    /// The value of a tag.
    Tag(String),
    /// The score of a principle at the last quality gate.
    Score(String),
    /// A column of the stages, decisions or observations of that name.
    Of(&'static Part, String, &'static Column),
    /// What else was on the table at a decision point.
    Alternatives(&'static Part, String),
    /// A column of all rows that a run has in a table; the word first.
    Many(&'static str, &'static Table, &'static Column),
    /// The prompts that the model calls were made with.
    Prompt,
}

/// The type of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// As a column of that kind.
    Of(Kind),
    /// A length of time; the nanoseconds of its unit.
    Span(i128),
    /// A prompt, with or without a version.
    Prompt,
}

impl Field {
    /// The type of its values.
    pub(crate) fn type_of(&self) -> Type {
        match self {
            Self::Column(column) | Self::Of(_, _, column) | Self::Many(_, _, column) => type_of(column),
            Self::Tag(_) => Type::Of(Kind::Text),
            Self::Score(_) => Type::Of(Kind::Float),
            Self::Alternatives(..) => Type::Of(Kind::List),
            Self::Prompt => Type::Prompt,
        }
    }

    /// The field that a path names; the error says what is wrong with which word of it.
    pub(crate) fn resolve(path: &[String]) -> Result<Self, Unknown> {
        let [first, rest @ ..] = path else { return Err(Unknown::first("", &names())) };
        match (first.as_str(), rest) {
            ("prompt", []) => Ok(Self::Prompt),
            ("tag", [_, ..]) => Ok(Self::Tag(rest.join("."))),
            ("score", [_, ..]) => Ok(Self::Score(rest.join("."))),
            ("tag" | "score", []) => Err(Unknown::incomplete(format!("`{first}` needs a name: `{first}.x`"))),
            (word, []) => Self::single(word),
            (word, _) => {
                let Some(part) = PARTS.iter().find(|part| part.word == word) else {
                    return Err(Unknown::first(word, &names()));
                };
                let [name @ .., column] = rest else { return Err(Unknown::first(word, &names())) };
                if name.is_empty() {
                    let text = format!("`{word}.{column}` needs a column: `{word}.{column}.{}`", part.example());
                    return Err(Unknown::incomplete(text));
                }
                Self::of(part, name.join("."), column, path.len() - 1)
            }
        }
    }

    fn single(word: &str) -> Result<Self, Unknown> {
        let name = ALIASES.iter().find(|(alias, _)| *alias == word).map_or(word, |(_, name)| name);
        if let Some(column) = TRACES.columns.iter().find(|column| column.name == name) {
            return Ok(Self::Column(column));
        }
        if let Some((word, table, name)) = MANY.iter().find(|(known, ..)| *known == word)
            && let Some(column) = table.columns.iter().find(|column| column.name == *name)
        {
            return Ok(Self::Many(word, table, column));
        }
        if let Some(part) = PARTS.iter().find(|part| part.word == word) {
            let text = format!("`{word}` needs a name and a column: `{word}.x.{}`", part.example());
            return Err(Unknown::incomplete(text));
        }
        Err(Unknown::first(word, &names()))
    }

    fn of(part: &'static Part, name: String, column: &str, at: usize) -> Result<Self, Unknown> {
        if part.word == "decision" && column == "alternatives" {
            return Ok(Self::Alternatives(part, name));
        }
        match part.columns().find(|known| known.name == column) {
            Some(column) => Ok(Self::Of(part, name, column)),
            None => {
                let mut known: Vec<String> = part.columns().map(|column| column.name.to_owned()).collect();
                if part.word == "decision" {
                    known.push("alternatives".to_owned());
                }
                Err(Unknown { segment: at, ..Unknown::of(&format!("column of `{}`", part.word), column, &known) })
            }
        }
    }

    /// The words of its path.
    pub(crate) fn path(&self) -> Vec<&str> {
        match self {
            Self::Column(column) => vec![column.name],
            Self::Tag(name) => vec!["tag", name],
            Self::Score(name) => vec!["score", name],
            Self::Of(part, name, column) => vec![part.word, name, column.name],
            Self::Alternatives(part, name) => vec![part.word, name, "alternatives"],
            Self::Many(word, ..) => vec![word],
            Self::Prompt => vec!["prompt"],
        }
    }
}

impl Part {
    fn example(&self) -> &'static str {
        match self.word {
            "stage" => "duration_seconds",
            "decision" => "what",
            _ => "duration_ms",
        }
    }
}

/// Lengths of time are seconds in some columns and milliseconds in others; their names say which.
fn type_of(column: &Column) -> Type {
    match column.kind {
        Kind::Float if column.name.ends_with("_seconds") || column.name.ends_with("_duration") => {
            Type::Span(1_000_000_000)
        }
        Kind::Float if column.name.ends_with("_ms") => Type::Span(1_000_000),
        kind => Type::Of(kind),
    }
}

/// Every field of one word, and the forms of the others.
pub(crate) fn names() -> Vec<String> {
    let columns = TRACES.columns.iter().map(|column| column.name);
    let words = ALIASES.iter().map(|(alias, _)| *alias).chain(MANY.iter().map(|(word, ..)| *word)).chain(["prompt"]);
    let forms = ["tag.…", "score.…", "stage.….…", "decision.….…", "observation.….…"];
    columns.chain(words).chain(forms).map(str::to_owned).collect()
}

/// A path that names no field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unknown {
    /// Which word of the path is to blame.
    pub(crate) segment: usize,
    /// What is wrong, and what there is.
    pub(crate) message: String,
}

impl Unknown {
    fn incomplete(message: String) -> Self {
        Self { segment: 0, message }
    }

    fn first(word: &str, known: &[String]) -> Self {
        Self::of("field", word, known)
    }

    fn of(what: &str, word: &str, known: &[String]) -> Self {
        let word = crate::files::one_line(word, 64);
        let similar =
            known.iter().map(|known| (strsim::jaro_winkler(&word, known), known)).filter(|(alike, _)| *alike > 0.8);
        let best = similar.max_by(|a, b| a.0.total_cmp(&b.0));
        let hint = best.map_or_else(String::new, |(_, known)| format!("; did you mean `{known}`?"));
        let end = if hint.is_empty() { ";" } else { "" };
        Self { segment: 0, message: format!("there is no {what} `{word}`{hint}{end} known: {}", known.join(", ")) }
    }
}
