//! The search index: passages in, ranked hits out, by BM25 with different settings.

use crate::corpus::Passage;
use bm25::{Embedder, EmbedderBuilder, Scorer, Tokenizer};
use std::fmt;
use whytrace::prelude::*;

/// A setting of BM25.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The usual setting: repetition counts with diminishing returns, long passages are held back.
    Bm25,
    /// Without regard to the length of a passage: better where long passages are long for a reason.
    Bm25Flat,
    /// Almost only whether a term occurs, not how often: better against passages that repeat one word.
    Bm25Binary,
}

impl Method {
    /// All of them, the default first.
    pub const ALL: [Self; 3] = [Self::Bm25, Self::Bm25Flat, Self::Bm25Binary];

    /// The parameters `k1` (how much repetition counts) and `b` (how much length counts).
    pub fn parameters(self) -> (f32, f32) {
        match self {
            Self::Bm25 => (1.2, 0.75),
            Self::Bm25Flat => (1.2, 0.0),
            Self::Bm25Binary => (0.1, 0.75),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bm25 => "bm25",
            Self::Bm25Flat => "bm25_flat",
            Self::Bm25Binary => "bm25_binary",
        })
    }
}

/// A passage that matches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Which passage, by index.
    pub passage: usize,
    /// How well it matches: above 0, without upper bound.
    pub score: f64,
}

/// Terms are made in one place, `text::terms`; here they only need to be told apart.
#[derive(Default)]
struct Whitespace;

impl Tokenizer for Whitespace {
    fn tokenize(&self, text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }
}

/// Passages, ready to be searched.
pub struct Index {
    engines: Vec<Engine>,
}

/// What one method needs.
struct Engine {
    method: Method,
    embedder: Embedder<u64, Whitespace>,
    scorer: Scorer<usize, u64>,
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("methods", &Method::ALL).finish_non_exhaustive()
    }
}

impl Index {
    /// Indexes passages by every method.
    #[observable("build_index", input(passages = passages.len()), no_output)]
    pub fn build(passages: &[Passage]) -> Self {
        let terms: usize = passages.iter().map(|passage| passage.terms.len()).sum();
        let average = terms as f32 / passages.len().max(1) as f32;
        let engines = Method::ALL.map(|method| {
            let (k1, b) = method.parameters();
            let embedder = EmbedderBuilder::<u64, Whitespace>::with_avgdl(average).k1(k1).b(b).build();
            let mut scorer = Scorer::new();
            for (number, passage) in passages.iter().enumerate() {
                scorer.upsert(&number, embedder.embed(&passage.terms.join(" ")));
            }
            Engine { method, embedder, scorer }
        });
        Self { engines: engines.into() }
    }

    /// All passages that have any of the terms, best first; the earlier passage first where the scores are equal.
    #[observable("search", kind = retrieval, input(method = method.to_string(), terms), output(|hits| hits.len()))]
    pub fn search(&self, method: Method, terms: &[String]) -> Vec<Hit> {
        let Some(engine) = self.engines.iter().find(|engine| engine.method == method) else {
            return Vec::new();
        };
        let found = engine.scorer.matches(&engine.embedder.embed(&terms.join(" ")));
        let mut hits: Vec<_> =
            found.into_iter().map(|found| Hit { passage: found.id, score: f64::from(found.score) }).collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.passage.cmp(&b.passage)));
        hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Corpus;
    use crate::text::terms;

    #[test]
    fn passages_with_rarer_and_more_terms_come_first() {
        let mut corpus = Corpus::default();
        corpus.add("a.md".into(), "Traces are written to disk.");
        corpus.add("b.md".into(), "Traces survive a crash because of the event stream.");
        corpus.add("c.md".into(), "Something else.");
        let index = Index::build(&corpus.passages);
        for method in Method::ALL {
            let hits = index.search(method, &terms("Does a trace survive crashes?"));
            assert_eq!(hits.iter().map(|hit| hit.passage).collect::<Vec<_>>(), [1, 0], "{method}");
            assert!(index.search(method, &terms("zxqv")).is_empty());
        }
    }

    #[test]
    fn equal_scores_keep_the_order_of_the_corpus() {
        let mut corpus = Corpus::default();
        for number in 10..30 {
            corpus.add(format!("{number}.md"), &format!("Trace {number}."));
        }
        let hits = Index::build(&corpus.passages).search(Method::Bm25, &terms("trace"));
        assert_eq!(hits.iter().map(|hit| hit.passage).collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
    }
}
