//! Names that are compared far more often than they are made: each run is compared with a thousand before it.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// A name beside its hash: two that differ are told apart without reading them, two of one pool are the same without it, and a copy is
/// free.
#[derive(Clone, Debug, Eq)]
pub(crate) struct Name {
    hash: u64,
    text: Arc<str>,
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && (Arc::ptr_eq(&self.text, &other.text) || self.text == other.text)
    }
}

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// One of 64 bits.
    fn bit(&self) -> u64 {
        1 << (self.hash & 63)
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Self { hash: hasher.finish(), text: text.into() }
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Default for Name {
    fn default() -> Self {
        Self::from("")
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Names that are met again and again, each once.
#[derive(Debug, Default)]
pub(crate) struct Pool(HashSet<Name>);

impl Pool {
    /// More names are no longer met again and again.
    const MOST: usize = 10_000;

    /// The same name, which shares its text with all that were put here.
    pub(crate) fn share(&mut self, name: &mut Name) {
        if let Some(known) = self.0.get(name) {
            *name = known.clone();
            return;
        }
        if self.0.len() >= Self::MOST {
            self.0.clear();
        }
        self.0.insert(name.clone());
    }
}

/// A few names; whether one is among them is mostly told by a bit.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Names {
    bits: u64,
    names: Arc<[Name]>,
}

impl Names {
    pub(crate) fn contains(&self, name: &Name) -> bool {
        self.bits & name.bit() != 0 && self.names.contains(name)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Name> {
        self.names.iter()
    }

    /// Puts each into a pool.
    pub(crate) fn share(&mut self, pool: &mut Pool) {
        if let Some(names) = Arc::get_mut(&mut self.names) {
            names.iter_mut().for_each(|name| pool.share(name));
        }
    }
}

impl<T: AsRef<str>> FromIterator<T> for Names {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        let names: Arc<[Name]> = texts.into_iter().map(|text| Name::from(text.as_ref())).collect();
        Self { bits: names.iter().fold(0, |bits, name| bits | name.bit()), names }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_among_those_it_was_put_to_and_no_others() {
        let text = |n: u32| format!("META-{n}");
        let names: Names = (0..20).map(text).collect();
        // More names than bits: some share theirs.
        let found: Vec<bool> = (0..200).map(|n| names.contains(&Name::from(text(n).as_str()))).collect();
        assert_eq!(found, (0..200).map(|n| n < 20).collect::<Vec<bool>>());
        let mut pool = Pool::default();
        let mut shared = [names.clone(), (0..20).map(text).collect()];
        shared.iter_mut().for_each(|names| names.share(&mut pool));
        assert_eq!(shared[0], shared[1]);
        assert!(Names::default().is_empty() && !Names::default().contains(&Name::from("META-0")));
    }
}
