//! A vector space over terms (TF-IDF): texts in, sparse unit vectors out, whose product is their cosine similarity.

use std::collections::{BTreeMap, HashMap, HashSet};

/// The terms of a collection with their weights.
#[derive(Debug, Default)]
pub struct Space {
    documents: usize,
    axes: HashMap<String, Axis>,
}

#[derive(Debug)]
struct Axis {
    id: usize,
    documents: usize,
}

impl Space {
    /// Learns the terms of a collection and in how many of its texts each occurs.
    pub fn fit<'a>(texts: impl IntoIterator<Item = &'a [String]>) -> Self {
        let mut space = Self::default();
        for terms in texts {
            space.documents += 1;
            for term in terms.iter().collect::<HashSet<_>>() {
                let id = space.axes.len();
                space.axes.entry(term.clone()).or_insert(Axis { id, documents: 0 }).documents += 1;
            }
        }
        space
    }

    /// How many texts of the collection contain the term.
    pub fn document_frequency(&self, term: &str) -> usize {
        self.axes.get(term).map_or(0, |axis| axis.documents)
    }

    /// How telling a term is: `ln(1 + N / (1 + df))`, highest for a term that the collection does not have.
    pub fn idf(&self, term: &str) -> f64 {
        (1.0 + self.documents as f64 / (1.0 + self.document_frequency(term) as f64)).ln()
    }

    /// The share, by weight, of `wanted` that occurs in `text`: 0 for nothing, 1 for all of it.
    pub fn coverage(&self, wanted: &[String], text: &[String]) -> f64 {
        let wanted: std::collections::BTreeSet<_> = wanted.iter().collect();
        let text: HashSet<_> = text.iter().collect();
        let weight = |terms: &mut dyn Iterator<Item = &&String>| terms.map(|term| self.idf(term)).sum::<f64>();
        let total = weight(&mut wanted.iter());
        if total == 0.0 { 0.0 } else { weight(&mut wanted.iter().filter(|term| text.contains(**term))) / total }
    }

    /// The unit vector of a text; terms that the collection does not have are left out.
    pub fn vector(&self, terms: &[String]) -> Vector {
        let mut weights = BTreeMap::<usize, f64>::new();
        for term in terms {
            if let Some(axis) = self.axes.get(term) {
                *weights.entry(axis.id).or_default() += self.idf(term);
            }
        }
        Vector::unit(weights)
    }
}

/// A sparse vector of length 1, or 0 for a text without known terms. Sorted by axis.
#[derive(Clone, Debug, Default)]
pub struct Vector(Vec<(usize, f64)>);

impl Vector {
    fn unit(weights: BTreeMap<usize, f64>) -> Self {
        let length = weights.values().map(|weight| weight * weight).sum::<f64>().sqrt();
        Self(weights.into_iter().map(|(axis, weight)| (axis, weight / length)).collect())
    }

    /// The cosine of the angle between two texts: 0 for nothing in common, 1 for the same terms.
    pub fn cosine(&self, other: &Self) -> f64 {
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut sum = 0.0;
        while let (Some((a, x)), Some((b, y))) = (left.peek(), right.peek()) {
            match a.cmp(b) {
                std::cmp::Ordering::Less => drop(left.next()),
                std::cmp::Ordering::Greater => drop(right.next()),
                std::cmp::Ordering::Equal => {
                    sum += x * y;
                    left.next();
                    right.next();
                }
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::terms;

    fn space() -> (Space, Vec<Vec<String>>) {
        let texts = ["the trace is a file", "the trace is a row", "ducks swim"].map(terms).to_vec();
        (Space::fit(texts.iter().map(Vec::as_slice)), texts)
    }

    #[test]
    fn similar_texts_are_close_and_different_ones_far() {
        let (space, texts) = space();
        let [a, b, c] = [0, 1, 2].map(|i: usize| space.vector(&texts[i]));
        assert!((a.cosine(&a) - 1.0).abs() < 1e-9);
        assert!(a.cosine(&b) > 0.1 && a.cosine(&b) < 0.9);
        assert_eq!(a.cosine(&c), 0.0);
    }

    #[test]
    fn coverage_weighs_rare_terms_more() {
        let (space, _) = space();
        let wanted = terms("trace duck");
        assert!(space.coverage(&wanted, &terms("duck")) > space.coverage(&wanted, &terms("trace")));
        assert_eq!(space.coverage(&wanted, &terms("trace of a duck")), 1.0);
        assert_eq!(space.coverage(&[], &terms("duck")), 0.0);
    }

    #[test]
    fn an_empty_text_is_similar_to_nothing() {
        let (space, texts) = space();
        assert_eq!(space.vector(&[]).cosine(&space.vector(&texts[0])), 0.0);
    }
}
