//! The prices that this crate carries: one file for each provider, in the format that users write too.

use super::table::PriceTable;
use trace_core::diagnostics::say;

macro_rules! files {
    ($($name:literal),+ $(,)?) => { &[$(($name, include_str!(concat!("data/", $name)))),+] };
}

/// In the order in which they are asked about a model whose provider nobody named.
pub(super) const FILES: &[(&str, &str)] = files![
    "openai.toml",
    "anthropic.toml",
    "google.toml",
    "mistral.toml",
    "deepseek.toml",
    "xai.toml",
    "cohere.toml",
    "amazon.toml",
    "groq.toml",
    "together.toml",
];

pub(super) fn table() -> PriceTable {
    let mut table = PriceTable::default();
    for (name, text) in FILES {
        // A test reads them all; were one damaged, the others are of use.
        if let Err(error) = table.add_text(name, text) {
            say(&error.to_string());
        }
    }
    table
}
