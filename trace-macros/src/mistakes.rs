//! Everything that is wrong with one use of a macro, to be reported together.

use syn::Error;

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(crate) struct Mistakes(Option<Error>);

impl Mistakes {
    pub(crate) fn add(&mut self, mistake: Error) {
        match &mut self.0 {
            Some(first) => first.combine(mistake),
            None => self.0 = Some(mistake),
        }
    }

    /// Keeps the value, or the mistake and nothing.
    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|mistake| self.add(mistake)).ok()
    }

    /// The value, if nothing was wrong.
    pub(crate) fn or<T>(self, value: T) -> syn::Result<T> {
        self.0.map_or(Ok(value), Err)
    }
}

/// The options or keys that exist, and the one that was perhaps meant.
pub(crate) fn known<'a>(given: &str, all: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let list = all.clone().into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let nearest = all.into_iter().map(|name| (distance(given, name), name)).min();
    match nearest {
        Some((distance, name)) if distance <= 1 + name.len() / 4 => format!("{list}; did you mean `{name}`?"),
        _ => list,
    }
}

/// How many letters must be added, removed, replaced or swapped with their neighbour to turn `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_when_it_is_near() {
        assert_eq!(known("inptu", ["input", "output"]), "`input`, `output`; did you mean `input`?");
        assert_eq!(known("ouput", ["input", "output"]), "`input`, `output`; did you mean `output`?");
        assert_eq!(known("banana", ["input", "output"]), "`input`, `output`");
    }

    #[test]
    fn distances_count_single_steps() {
        for (a, b, steps) in [("", "", 0), ("", "ab", 2), ("name", "name", 0), ("naem", "name", 1), ("kind", "king", 1)]
        {
            assert_eq!(distance(a, b), steps, "{a} {b}");
        }
    }
}
