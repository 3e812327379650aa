//! Search for a part of a text: whatever the letters, the databases find what a comparison letter by letter finds.

use super::*;
use crate::query::filter::tests::naive::contains;
use crate::query::filter::tests::random::Random;
use crate::query::{Filter, Page, Window};
use crate::sql::SqlStore;
use crate::sql::tests::on_every_database;
use std::collections::BTreeSet;
use trace_core::model::ErrorInfo;

/// How many characters of a query an index holds.
const HEAD: usize = 200;

/// Texts with everything that means something to a pattern, and letters whose cases are not what one would think.
fn texts() -> Vec<String> {
    let hostile = [
        "100 % of _them_ \\ back\\\\slash *[a-z]?{2}^$ $1 'one' \"two\" --",
        "100 of them",
        "Straße, STRASSE, STRAẞE, straſſe",
        "İstanbul ISTANBUL ıstanbul istanbul",
        "\u{212a}elvin",
        "KELVIN kelvin",
        "ΟΔΟΣ",
        "οδος",
        "οδοσ",
        "ὈΔΌΣ",
        "e\u{301}te\u{301}",
        "ÉTÉ été",
        "a\0b ␀",
        "🤖 Robot 🤖🤖",
        "Новый РОБОТ",
        "机器人",
        "\u{212b}ngström Ångström",
        "ǅ ǆ Ǆ ﬀ ŉ",
        "aaaaaaaaab",
        "",
    ];
    let mut texts: Vec<String> = hostile.map(str::to_owned).into();
    // The same behind what the index holds, and across its end; longer in bytes than in letters.
    for (filler, before) in [("x", HEAD), ("é", HEAD), ("é", HEAD - 3), ("🤖", HEAD - 1)] {
        texts.extend(hostile.map(|text| filler.repeat(before) + text));
    }
    texts.extend([HEAD - 1, HEAD, HEAD + 1].map(|length| "я".repeat(length - 1) + "Z"));
    texts
}

/// A run of each text, which is its query, and what its error says.
fn runs() -> Vec<Trace> {
    let run = |(n, text): (u32, String)| {
        let mut trace = recent(n, i128::from(n));
        trace.run.error = Some(ErrorInfo { message: text.clone(), ..ErrorInfo::default() });
        trace.run.query = Some(text);
        trace
    };
    let mut runs: Vec<Trace> = (1..).zip(texts()).map(run).collect();
    runs.push(recent(9_999, 1));
    runs
}

/// Parts of the texts in all their cases, and some letters alone.
fn parts() -> Vec<String> {
    let mut parts: Vec<String> =
        ["", "%", "_", "\\", "\\%", "%%", "%_", "*", "?", "[", "]", "^", "$1", "'", "\0", "␀", "no such text"]
            .into_iter()
            .chain([
                "k", "K", "\u{212a}", "s", "S", "ſ", "ß", "ẞ", "ss", "SS", "i", "I", "ı", "İ", "σ", "ς", "Σ", "å", "Å",
                "\u{212b}",
            ])
            .chain(["\u{301}", "e\u{301}", "é", "É", "e", "ǅ", "ﬀ", "z", "яz", "ОБ", "人", "🤖", "🤖R"])
            .map(str::to_owned)
            .collect();
    let (texts, mut random) = (texts(), Random::new(8));
    for _ in 0..200 {
        let text: Vec<char> = texts[random.below(texts.len())].chars().collect();
        // Most of what is long is filler: the end has what is special.
        let start = text.len().saturating_sub(1 + random.below(45));
        let part: String = text[start..].iter().take(1 + random.below(12)).collect();
        parts.push(match random.below(3) {
            0 => part,
            1 => part.to_uppercase(),
            _ => part.to_lowercase(),
        });
    }
    parts
}

/// What is found, and what is to be.
async fn found_and_meant(store: &Store, field: &str, part: &str, window: Window) -> [BTreeSet<String>; 2] {
    let quoted = part.replace('\\', "\\\\").replace('"', "\\\"");
    let filter: Filter = format!("{field} ~ \"{quoted}\"").parse().unwrap();
    let listing =
        store.search(&filter, window, &Page::new(500)).await.unwrap_or_else(|error| panic!("{filter}: {error}"));
    let row = |text: &str| text.replace('\0', "␀");
    let meant =
        runs().into_iter().filter(|run| run.run.query.as_ref().is_some_and(|text| contains(&row(text), &row(part))));
    [listing.items.into_iter().map(|item| item.trace_id).collect(), meant.map(|run| run.trace_id).collect()]
}

on_every_database! {
    fn a_part_of_a_text_is_found_in_any_case_wherever_it_is(database: Database) {
        save(database, &runs());
        ask(database, async |store| {
            for part in parts() {
                for (field, window) in [("query", Window::default()), ("query", Window::all_time()), ("error_message", Window::default())] {
                    let [found, meant] = found_and_meant(store, field, &part, window).await;
                    assert_eq!(found, meant, "{field} ~ {part:?}");
                }
            }
        });
    }

    fn what_is_found_is_what_a_reader_expects(database: Database) {
        save(database, &runs());
        ask(database, async |store| {
            for (part, count) in [("\u{212a}elvin", 10), ("kelvin", 5), ("STRAẞE", 5), ("strasse", 5), ("robot", 5), ("робот", 5), ("nowhere", 0), ("100 %", 5)] {
                let [found, _] = found_and_meant(store, "query", part, Window::default()).await;
                assert_eq!(found.len(), count, "{part}");
            }
        });
    }

    fn a_schema_from_before_finds_the_same_after_each_step(database: Database) {
        save(database, &runs());
        for _ in 0..2 {
            database.read(async |store: &mut SqlStore| store.down(7).await.unwrap());
            ask(database, async |store| {
                for part in ["robot", "ὀδός", "e\u{301}", "яz", "100 % of _them_ \\"] {
                    let [found, meant] = found_and_meant(store, "query", part, Window::default()).await;
                    assert!(!meant.is_empty());
                    assert_eq!(found, meant, "{part:?}");
                }
            });
        }
    }
}
