//! Reads files of prices.
//!
//! Comes in: TOML, this crate's own or a user's. Goes out: rows, or the first thing that is none, with its line. Amounts are read as they
//! are written, never as floats.

use super::entry::{PriceRow, Rates};
use super::table::PriceTable;
use std::io::Read;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use trace_core::model::{Money, Timestamp};

/// A file of prices is a few pages of text; a larger one is something else.
const MAX_BYTES: u64 = 4 << 20;

/// No model is that expensive: a price above this many dollars for a million tokens is a slip.
const MOST_DOLLARS: i64 = 1_000_000;

/// The keys of a file.
const OF_FILE: [&str; 6] = ["provider", "names", "source", "as_of", "hosted", "price"];

/// The keys of a price.
const OF_PRICE: [&str; 11] = [
    "provider",
    "model",
    "from",
    "above_input_tokens",
    "source",
    "as_of",
    "input",
    "cached_input",
    "cache_write",
    "output",
    "reasoning",
];

/// A file of prices that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file of prices {file}{}: {reason}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct PriceError {
    file: String,
    line: Option<usize>,
    reason: String,
}

/// Something that is no price, and where it stands.
type Fault = (usize, String);

impl PriceTable {
    /// Reads a file of prices; see `docs/cost.md`.
    ///
    /// # Errors
    /// When it cannot be read, or says something that is no price.
    pub fn read(path: &Path) -> Result<Self, PriceError> {
        let file = path.display().to_string();
        let cannot = |reason: String| PriceError { file: file.clone(), line: None, reason };
        let text = text_of(path).map_err(|error| cannot(format!("cannot be read: {error}")))?;
        let mut table = Self::default();
        table.add_text(&file, &text)?;
        Ok(table)
    }

    /// Adds the prices of a file with this text.
    pub(super) fn add_text(&mut self, file: &str, text: &str) -> Result<(), PriceError> {
        let error = |(at, reason): Fault| {
            let line = text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
            PriceError { file: file.to_owned(), line: Some(line), reason }
        };
        let parsed = DeTable::parse(text).map_err(|fault| {
            error((fault.span().map_or(0, |span| span.start), format!("is no TOML: {}", fault.message())))
        })?;
        File::new(parsed.get_ref()).and_then(|file| file.add_to(self)).map_err(error)
    }
}

fn text_of(path: &Path) -> std::io::Result<String> {
    // Asked before it is opened: opening a named pipe would wait for its writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::other("it is larger than 4 MiB"));
    }
    Ok(text)
}

/// What a file says of all its prices.
struct File<'a> {
    fields: Fields<'a>,
    provider: Option<String>,
    source: Option<String>,
    as_of: Option<String>,
}

impl<'a> File<'a> {
    fn new(table: &'a DeTable<'a>) -> Result<Self, Fault> {
        let fields = Fields::new(table, 0, &OF_FILE)?;
        let (provider, source, as_of) = (fields.text("provider")?, fields.text("source")?, fields.date("as_of")?);
        Ok(Self { provider, source, as_of, fields })
    }

    fn add_to(&self, to: &mut PriceTable) -> Result<(), Fault> {
        if let Some(provider) = &self.provider {
            to.describe(&provider.to_lowercase(), self.fields.texts("names")?, self.fields.flag("hosted")?);
        }
        let Some(prices) = self.fields.get("price") else { return Ok(()) };
        let array = prices.get_ref().as_array();
        let list =
            array.ok_or_else(|| (prices.span().start, "`price` is a list of tables: write `[[price]]`".to_owned()))?;
        for price in list {
            let at = price.span().start;
            let row = price.get_ref().as_table().ok_or_else(|| (at, "a price is a table".to_owned()))?;
            let row = self.row(&Fields::new(row, at, &OF_PRICE)?)?;
            let twice = |model| (at, format!("`{model}` has a price for this day and number of input tokens already"));
            to.add(row).map_err(twice)?;
        }
        Ok(())
    }

    fn row(&self, price: &Fields<'_>) -> Result<PriceRow, Fault> {
        let models = price.texts("model")?;
        if models.is_empty() {
            return Err((price.at, "a price needs a `model`".to_owned()));
        }
        let provider = price.text("provider")?.or_else(|| self.provider.clone()).unwrap_or_default();
        let needed = |name: &str| {
            price.money(name)?.ok_or_else(|| (price.at, format!("the price of {} needs `{name}`", models[0])))
        };
        let rates = Rates {
            input: needed("input")?,
            cached_input: price.money("cached_input")?,
            cache_write: price.money("cache_write")?,
            output: needed("output")?,
            reasoning: price.money("reasoning")?,
        };
        Ok(PriceRow {
            provider: provider.to_lowercase(),
            from: price.moment("from")?,
            above_input_tokens: price.whole("above_input_tokens")?.unwrap_or(0),
            rates,
            source: price.text("source")?.or_else(|| self.source.clone()).unwrap_or_else(|| "user".to_owned()),
            as_of: price.date("as_of")?.or_else(|| self.as_of.clone()),
            models: models.into_iter().map(|model| model.to_lowercase()).collect(),
        })
    }
}

/// A table whose keys are known.
struct Fields<'a> {
    table: &'a DeTable<'a>,
    at: usize,
}

impl<'a> Fields<'a> {
    fn new(table: &'a DeTable<'a>, at: usize, known: &[&str]) -> Result<Self, Fault> {
        let unknown = table.keys().find(|key| !known.contains(&key.get_ref().as_ref()));
        match unknown {
            Some(key) => Err((
                key.span().start,
                format!(
                    "unknown key `{}`; the keys are {}",
                    crate::files::one_line(key.get_ref(), 64),
                    known.join(", ")
                ),
            )),
            None => Ok(Self { table, at }),
        }
    }

    fn get(&self, name: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.get(name)
    }

    /// What a reader makes of a value; `expected` says what it takes.
    fn read<T>(
        &self,
        name: &str,
        expected: &str,
        reader: impl FnOnce(&'a DeValue<'a>) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match reader(value.get_ref()) {
            Some(read) => Ok(Some(read)),
            None => Err((value.span().start, format!("`{name}`: expected {expected}"))),
        }
    }

    fn text(&self, name: &str) -> Result<Option<String>, Fault> {
        self.read(name, "a text", |value| value.as_str().map(str::to_owned))
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, Fault> {
        let all = |value: &'a DeValue<'a>| match value {
            DeValue::String(text) => Some(vec![text.clone().into_owned()]),
            DeValue::Array(items) => items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        Ok(self.read(name, "a text or a list of texts", all)?.unwrap_or_default())
    }

    fn flag(&self, name: &str) -> Result<bool, Fault> {
        Ok(self.read(name, "true or false", DeValue::as_bool)?.unwrap_or(false))
    }

    fn whole(&self, name: &str) -> Result<Option<u64>, Fault> {
        let number = |value: &'a DeValue<'a>| match value {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().replace('_', "").parse().ok(),
            _ => None,
        };
        self.read(name, "a whole number of tokens", number)
    }

    /// An amount in dollars, as a number or as text.
    fn money(&self, name: &str) -> Result<Option<Money>, Fault> {
        let amount = |value: &'a DeValue<'a>| {
            let text = match value {
                DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
                DeValue::Float(number) => number.as_str(),
                DeValue::String(text) => text,
                _ => return None,
            };
            let money: Money = text.replace('_', "").parse().ok()?;
            (0..=MOST_DOLLARS * 1_000_000_000_000).contains(&money.picodollars()).then_some(money)
        };
        self.read(name, "dollars for a million tokens, from 0 to 1000000", amount)
    }

    /// A date, as it is written.
    fn date(&self, name: &str) -> Result<Option<String>, Fault> {
        Ok(self.moment(name)?.map(Timestamp::date))
    }

    fn moment(&self, name: &str) -> Result<Option<Timestamp>, Fault> {
        let moment = |value: &'a DeValue<'a>| match value {
            DeValue::Datetime(date) => date.to_string().parse().ok(),
            DeValue::String(text) => text.parse().ok(),
            _ => None,
        };
        self.read(name, "a date such as 2026-02-13", moment)
    }
}
