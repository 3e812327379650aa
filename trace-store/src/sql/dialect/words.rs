//! The words in which the databases differ, for statements that are put together: how a column is stored, read, compared and summed.
//!
//! Comes in: columns and kinds. Goes out: pieces of SQL made of names of ours and numbers of parameters, never of anything from outside.

use super::Sql;
use crate::sql::url::DatabaseKind;
use crate::sql::value::{Column, Kind};
use DatabaseKind::{Postgres, Sqlite};
use std::cmp::Reverse;

impl DatabaseKind {
    /// The name a column is stored under: SQLite has money as an integer, beside a generated column of the documented name.
    pub(crate) fn stored(self, column: &Column) -> Sql {
        match (self, column.kind, column.name.strip_suffix("_usd")) {
            (Sqlite, Kind::Money, Some(stem)) => format!("{stem}_picodollars").into(),
            _ => column.name.into(),
        }
    }

    /// An expression of the stored form of its kind, as an item of a selection that is read as a cell.
    pub(crate) fn read(self, expression: &str, column: &Column) -> Sql {
        let name = column.name;
        match (self, column.kind) {
            (Postgres, Kind::Time) => {
                format!(r#"to_char({expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS {name}"#).into()
            }
            (Postgres, Kind::Day) => format!("to_char({expression}, 'YYYY-MM-DD') AS {name}").into(),
            (Postgres, Kind::Json) => format!("{expression}::text AS {name}").into(),
            (Postgres, Kind::Money) => format!("({expression} * 1000000000000)::bigint AS {name}").into(),
            _ => format!("{expression} AS {name}").into(),
        }
    }

    /// The parameter of that number, as a value of the stored form of its kind.
    pub(crate) fn parameter(self, kind: Kind, number: usize) -> Sql {
        match (self, kind) {
            // The driver says that a text is one; the server would compare a moment or a day with nothing else than its like.
            (Postgres, Kind::Time) => format!("${number}::timestamptz").into(),
            (Postgres, Kind::Day) => format!("${number}::date").into(),
            (Postgres, Kind::Money) => format!("(${number}::numeric / 1000000000000)").into(),
            (Postgres, Kind::Text) => format!("${number}::text").into(),
            (Postgres, Kind::Int) => format!("${number}::bigint").into(),
            (Postgres, Kind::Float) => format!("${number}::float8").into(),
            (Postgres, Kind::List) => format!("${number}::text[]").into(),
            _ => format!("${number}").into(),
        }
    }

    /// True or false, written so that partial indexes are recognised.
    pub(crate) fn truth(self, truth: bool) -> &'static str {
        match (self, truth) {
            (Sqlite, true) => "1",
            (Sqlite, false) => "0",
            (Postgres, true) => "TRUE",
            (Postgres, false) => "FALSE",
        }
    }

    /// The condition that a text contains what the parameter describes, see [`DatabaseKind::pattern`].
    pub(crate) fn contains(self, text: &str, parameter: &str) -> Sql {
        match self {
            Sqlite => format!("{text} GLOB {parameter}").into(),
            Postgres => format!("{text} ~ {parameter}").into(),
        }
    }

    /// The texts of a parameter of kind [`Kind::List`] as a table `wanted (value)`.
    pub(crate) fn wanted(self, parameter: &str) -> Sql {
        match self {
            Sqlite => format!("json_each({parameter}) AS wanted").into(),
            Postgres => format!("unnest({parameter}) AS wanted (value)").into(),
        }
    }

    /// The condition that a list has an element for which `condition`, given the element's name, holds.
    pub(crate) fn any_element(self, list: &str, condition: impl FnOnce(&str) -> String) -> Sql {
        match self {
            Sqlite => format!("EXISTS (SELECT 1 FROM json_each({list}) AS e WHERE {})", condition("e.value")).into(),
            Postgres => {
                format!("EXISTS (SELECT 1 FROM unnest({list}) AS e (value) WHERE {})", condition("e.value")).into()
            }
        }
    }

    /// The same for the options of `alternatives_considered`, a JSON list of `{option, confidence}`.
    pub(crate) fn any_option(self, list: &str, condition: impl FnOnce(&str) -> String) -> Sql {
        match self {
            Sqlite => {
                let condition = condition("json_extract(e.value, '$.option')");
                format!("EXISTS (SELECT 1 FROM json_each({list}) AS e WHERE {condition})").into()
            }
            Postgres => {
                let condition = condition("(e.value ->> 'option')");
                format!("EXISTS (SELECT 1 FROM jsonb_array_elements({list}) AS e (value) WHERE {condition})").into()
            }
        }
    }

    /// The condition that a text is, by its bytes, at least the first parameter and below the second.
    pub(crate) fn between_bytes(self, text: &str, from: &str, below: &str) -> Sql {
        match self {
            Sqlite => format!("{text} >= {from} AND {text} < {below}").into(),
            Postgres => format!("{text} ~>=~ {from} AND {text} ~<~ {below}").into(),
        }
    }

    /// Makes a comparison of texts one of their bytes.
    pub(crate) fn by_bytes(self) -> &'static str {
        match self {
            Sqlite => "",
            Postgres => " COLLATE \"C\"",
        }
    }

    /// The condition that a list is empty.
    pub(crate) fn is_empty_list(self, list: &str) -> Sql {
        match self {
            Sqlite => format!("{list} = '[]'").into(),
            Postgres => format!("cardinality({list}) = 0").into(),
        }
    }

    /// The condition that an object has the key that is the parameter.
    pub(crate) fn has_key(self, object: &str, parameter: &str) -> Sql {
        match self {
            Sqlite => format!(
                "(json_type({object}) = 'object' AND EXISTS (SELECT 1 FROM json_each({object}) AS e WHERE e.key = {parameter}))"
            )
            .into(),
            Postgres => format!("(jsonb_typeof({object}) = 'object' AND jsonb_exists({object}, {parameter}))").into(),
        }
    }

    /// The text under the key that is the parameter; NULL where there is none.
    pub(crate) fn text_under(self, object: &str, parameter: &str) -> Sql {
        match self {
            Sqlite => format!("(SELECT e.value FROM json_each({object}) AS e WHERE e.key = {parameter})").into(),
            Postgres => format!("({object} ->> {parameter})").into(),
        }
    }

    /// The number under the key that is the parameter; NULL where there is none.
    pub(crate) fn number_under(self, object: &str, parameter: &str) -> Sql {
        match self {
            Sqlite => format!("(SELECT e.value FROM json_each({object}) AS e WHERE e.key = {parameter})").into(),
            Postgres => format!("({object} ->> {parameter})::float8").into(),
        }
    }

    /// A column of kind [`Kind::Day`], as text.
    pub(crate) fn day_as_text(self, day: &str) -> Sql {
        match self {
            Sqlite => day.to_owned().into(),
            Postgres => format!("to_char({day}, 'YYYY-MM-DD')").into(),
        }
    }

    /// The sum of whole numbers, as a whole number; 0 without any.
    pub(crate) fn whole_sum(self, expression: &str, name: &str) -> Sql {
        match self {
            Sqlite => format!("COALESCE(SUM({expression}), 0) AS {name}").into(),
            Postgres => format!("COALESCE(SUM({expression}), 0)::bigint AS {name}").into(),
        }
    }

    /// A number in millionths, as a whole number; halves go up.
    pub(crate) fn micros(self, number: &str) -> Sql {
        match self {
            Sqlite => format!("CAST({number} * 1000000 + 0.5 AS INTEGER)").into(),
            Postgres => format!("TRUNC({number} * 1000000 + 0.5)::bigint").into(),
        }
    }

    /// A text as [`DatabaseKind::may_contain`] compares it: its ASCII letters are small. SQLite's `LIKE` makes no difference there.
    pub(crate) fn folded(self, text: &str) -> Sql {
        match self {
            Sqlite => text.to_owned().into(),
            Postgres => format!("lower({text} COLLATE \"C\")").into(),
        }
    }

    /// The condition that a folded text has a hint in it, see [`DatabaseKind::hints`].
    pub(crate) fn may_contain(self, folded: &str, hint: &str) -> Sql {
        match self {
            Sqlite => format!("{folded} LIKE {hint}").into(),
            Postgres => format!("strpos({folded}, {hint}) > 0").into(),
        }
    }

    /// What a folded text must have in it, one of these, to contain another text in any case; none where all texts contain it. Looking for
    /// a hint takes a tenth of the time that matching a pattern does, so it comes first.
    pub(crate) fn hints(self, part: &str) -> Vec<String> {
        let letters: Vec<Vec<char>> = part.chars().map(folds).collect();
        // Letters that fold to one each are one hint, however many they are; of others, two are enough.
        let runs = letters.chunk_by(|one, next| one.len() == 1 && next.len() == 1);
        let hints = |part: &[Vec<char>]| part.iter().map(Vec::len).product::<usize>();
        let rarity = |part: &[Vec<char>]| part.iter().map(|letter| rarity(letter)).sum::<usize>();
        let best = runs.chain(letters.windows(2)).max_by_key(|part| (rarity(part), Reverse(hints(part))));
        best.map_or_else(Vec::new, |best| spelled(from_rarest(best)))
            .into_iter()
            .map(|hint| match self {
                // What has a meaning in a pattern is any letter there: the exact test comes after.
                Sqlite => format!("%{}%", hint.replace('%', "_")),
                Postgres => hint,
            })
            .collect()
    }

    /// What a text must match to contain another one, whatever the case of its letters. Each letter becomes the set of its cases here, in
    /// one place: what the databases hold for upper and lower case depends on their settings, and SQLite knows ASCII only.
    pub(crate) fn pattern(self, part: &str) -> String {
        let mut pattern = String::with_capacity(part.len() * 4 + 2);
        if self == Sqlite {
            pattern.push('*');
        }
        for letter in part.chars() {
            let cases = cases(letter);
            if cases.len() > 1 {
                pattern.push('[');
                pattern.extend(cases);
                pattern.push(']');
            } else {
                match (self, letter) {
                    (Sqlite, '*' | '?' | '[') => pattern.extend(['[', letter, ']']),
                    (Postgres, '!'..='/' | ':'..='@' | '['..='`' | '{'..='~') => pattern.extend(['\\', letter]),
                    _ => pattern.push(letter),
                }
            }
        }
        if self == Sqlite {
            pattern.push('*');
        }
        pattern
    }
}

/// How many letters a hint has at least, if there are as many.
const LEAST: usize = 4;

/// A hint's end, from its rarest letter on: wherever its first letter is met, a database compares the next ones.
fn from_rarest(hint: &[Vec<char>]) -> &[Vec<char>] {
    let starts = 0..=hint.len().saturating_sub(LEAST);
    let rarest = starts.max_by_key(|start| (hint.get(*start).map(|letter| rarity(letter)), Reverse(*start)));
    &hint[rarest.unwrap_or_default()..]
}

/// Every text that takes one of the forms of each letter.
fn spelled(letters: &[Vec<char>]) -> Vec<String> {
    letters.iter().fold(vec![String::new()], |texts, forms| {
        texts.iter().flat_map(|text| forms.iter().map(move |form| format!("{text}{form}"))).collect()
    })
}

/// How rarely a letter is met in texts, roughly: only speed hangs on it.
fn rarity(forms: &[char]) -> usize {
    const FREQUENT_FIRST: &str = " etaoinsrhldcumfpgwybvkxjqz";
    const OTHERS: usize = 20;
    forms.first().and_then(|letter| FREQUENT_FIRST.chars().position(|known| known == *letter)).unwrap_or(OTHERS)
}

/// What the cases of a letter become where ASCII letters are small ones; one for most.
fn folds(letter: char) -> Vec<char> {
    let mut folds: Vec<char> = Vec::new();
    for fold in cases(letter).iter().map(char::to_ascii_lowercase) {
        if !folds.contains(&fold) {
            folds.push(fold);
        }
    }
    folds
}

/// A letter in each of its cases, where upper and lower case are one letter each; the letter itself first.
pub(crate) fn cases(letter: char) -> Vec<char> {
    let mut cases = vec![letter];
    let mut next = 0;
    while let Some(&known) = cases.get(next) {
        next += 1;
        for other in [single(known.to_lowercase()), single(known.to_uppercase())].into_iter().flatten() {
            if !cases.contains(&other) {
                cases.push(other);
            }
        }
    }
    cases
}

fn single(mut letters: impl Iterator<Item = char>) -> Option<char> {
    let first = letters.next()?;
    letters.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_its_letters_only() {
        assert_eq!(Sqlite.pattern("aé1"), "*[aA][éÉ]1*");
        assert_eq!(Sqlite.pattern("*?[]%_"), "*[*][?][[]]%_*");
        assert_eq!(Postgres.pattern("***(?i).\\d"), "\\*\\*\\*\\(\\?[iI]\\)\\.\\\\[dD]");
        assert_eq!(cases('ς'), ['ς', 'Σ', 'σ']);
        assert_eq!(cases('ß'), ['ß']);
    }

    #[test]
    fn a_hint_is_the_rarest_of_what_every_hit_has() {
        // One hint for all letters that fold to one, from the rarest of the first ones on.
        assert_eq!(Postgres.hints("There is no such TEXT"), ["uch text"]);
        assert_eq!(Postgres.hints("robot"), ["robot"]);
        assert_eq!(Postgres.hints("Straße"), ["raße"]);
        // The Kelvin sign is a K, and k is no Kelvin sign.
        assert_eq!(Postgres.hints("\u{212a}"), ["\u{212a}", "k"]);
        assert_eq!(Postgres.hints("k"), ["k"]);
        // Two letters of other scripts, in all their cases.
        assert_eq!(Postgres.hints("éa"), ["éa", "Éa"]);
        assert_eq!(Postgres.hints("ος"), ["ος", "οΣ", "οσ", "Ος", "ΟΣ", "Οσ"]);
        assert_eq!(Sqlite.hints("100%_\\"), ["%100__\\%"]);
        assert_eq!((Postgres.hints(""), Sqlite.hints("")), (vec![], vec![]));
    }
}
