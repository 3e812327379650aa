use super::entry::PriceRow;
use super::name::{Wanted, matches};
use std::collections::HashMap;
use trace_core::model::Timestamp;

/// Prices of one source, to be looked up by the name of a model.
#[derive(Clone, Debug, Default)]
pub struct PriceTable {
    rows: Vec<PriceRow>,
    providers: Vec<Provider>,
}

/// The prices of one provider.
#[derive(Clone, Debug, Default)]
struct Provider {
    name: String,
    /// Its other names.
    names: Vec<String>,
    /// It serves models that others serve too, so it has to be named.
    is_host: bool,
    /// Which rows are about a model, by its name, the oldest first and of one day those for the fewest tokens first.
    exact: HashMap<String, Vec<usize>>,
    /// The same by patterns, the most exact first.
    patterns: Vec<(String, Vec<usize>)>,
}

impl PriceTable {
    /// The rows, in the order in which they were added.
    #[must_use]
    pub fn rows(&self) -> &[PriceRow] {
        &self.rows
    }

    /// Says which other names a provider has, and whether it has to be named.
    pub(super) fn describe(&mut self, name: &str, names: Vec<String>, is_host: bool) {
        let provider = self.provider(name);
        (provider.names, provider.is_host) = (names, is_host);
    }

    /// Adds a price; gives back the name of the model that has one already for this day and number of tokens.
    pub(crate) fn add(&mut self, row: PriceRow) -> Result<(), String> {
        let key = |row: &PriceRow| (row.from, row.above_input_tokens);
        let index = self.rows.len();
        self.rows.push(row);
        let (rows, row) = (&self.rows, &self.rows[index]);
        let provider = Self::named(&mut self.providers, &row.provider);
        for model in &row.models {
            let of_model = if model.contains('*') {
                let found = provider.patterns.iter().position(|(pattern, _)| pattern == model);
                let at = found.unwrap_or_else(|| {
                    let at = provider.patterns.partition_point(|(other, _)| exactness(other) >= exactness(model));
                    provider.patterns.insert(at, (model.clone(), Vec::new()));
                    at
                });
                &mut provider.patterns[at].1
            } else {
                provider.exact.entry(model.clone()).or_default()
            };
            match of_model.binary_search_by_key(&key(row), |other| key(&rows[*other])) {
                Ok(_) => return Err(model.clone()),
                Err(at) => of_model.insert(at, index),
            }
        }
        Ok(())
    }

    /// The row that prices so many input tokens of a model at a time.
    pub(super) fn find(&self, wanted: &Wanted, at: Timestamp, input: u64) -> Option<&PriceRow> {
        let fits = |provider: &&Provider| match wanted.providers.as_slice() {
            [] => !provider.is_host,
            names => provider.name.is_empty() || names.contains(&provider.name),
        };
        let mut providers: Vec<&Provider> = self.providers.iter().filter(fits).collect();
        // A price for this provider goes before one for any.
        providers.sort_by_key(|provider| provider.name.is_empty());
        providers.into_iter().find_map(|provider| self.row_at(provider.find(&wanted.names)?, at, input))
    }

    /// The newest of a model's rows that held at this time, for so many tokens.
    fn row_at(&self, of_model: &[usize], at: Timestamp, input: u64) -> Option<&PriceRow> {
        let rows = || of_model.iter().rev().map(|index| &self.rows[*index]);
        let since = rows().find(|row| row.from.is_none_or(|from| from <= at))?.from;
        rows().filter(|row| row.from == since).find(|row| row.above_input_tokens == 0 || input > row.above_input_tokens)
    }

    /// The name under which a provider is listed, for any of its names.
    pub(super) fn canonical(&self, name: &str) -> Option<String> {
        let is_it = |provider: &&Provider| provider.name == name || provider.names.iter().any(|other| other == name);
        self.providers.iter().find(is_it).map(|provider| provider.name.clone())
    }

    fn provider(&mut self, name: &str) -> &mut Provider {
        Self::named(&mut self.providers, name)
    }

    fn named<'a>(providers: &'a mut Vec<Provider>, name: &str) -> &'a mut Provider {
        let found = providers.iter().position(|provider| provider.name == name);
        let at = found.unwrap_or_else(|| {
            providers.push(Provider { name: name.to_owned(), ..Provider::default() });
            providers.len() - 1
        });
        &mut providers[at]
    }
}

impl Provider {
    fn find(&self, names: &[String]) -> Option<&[usize]> {
        let exact = || names.iter().find_map(|name| self.exact.get(name));
        let pattern = || self.patterns.iter().find(|(pattern, _)| names.iter().any(|name| matches(pattern, name)));
        exact().or_else(|| pattern().map(|(_, rows)| rows)).map(Vec::as_slice)
    }
}

/// How much of a name a pattern says.
fn exactness(pattern: &str) -> usize {
    pattern.bytes().filter(|byte| *byte != b'*').count()
}
