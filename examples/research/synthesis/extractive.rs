//! The summariser on this machine: it writes nothing itself, it picks and orders sentences of the evidence.
//!
//! Sentences are scored by likeness to the question, by centrality (TextRank: Mihalcea and Tarau, 2004) and by the rank of
//! their passage; picked by maximal marginal relevance (Carbonell and Goldstein, 1998), so that no two say the same; and
//! ordered so that neighbours have most in common.

use super::draft::Sentence;
use crate::choice::Choice;
use crate::intake::Brief;
use crate::plan::Plan;
use crate::retrieval::Collection;
use crate::rubric::Rubric;
use crate::text::{Vector, sentences, terms, words};
use std::cmp::Ordering;
use std::fmt;
use std::ops::RangeInclusive;
use whytrace::prelude::*;

/// Sentences outside are fragments or monsters.
const SENTENCE_WORDS: RangeInclusive<usize> = 6..=45;

/// More sentences are not compared with each other: the work grows with the square.
const MOST_CANDIDATES: usize = 240;

/// More sentences are never picked.
const MOST_SENTENCES: usize = 24;

/// A sentence that begins so leans on the one before it, which the summary may not have.
const LEANING: [&str; 8] = ["it", "this", "these", "those", "they", "that", "so", "such"];

/// TextRank's damping factor and number of rounds.
const DAMPING: f64 = 0.85;
const ROUNDS: usize = 30;

/// A sentence that may become part of the answer.
#[derive(Clone, Debug)]
struct Candidate {
    text: String,
    /// The number of its passage in the evidence, from 1.
    passage: usize,
    /// Its place among all candidates in the order of the evidence.
    place: usize,
    terms: Vec<String>,
    vector: Vector,
    score: f64,
}

/// Summarises the evidence as an answer to the question.
pub fn summarise(brief: &Brief, rubric: &Rubric, plan: &Plan, collection: &Collection) -> Vec<Sentence> {
    let mut candidates = candidates(brief, collection);
    score(brief, collection, &mut candidates);
    let mut picked = pick(brief, candidates, plan.variety);
    picked.truncate(choose_length(brief, rubric, plan, &picked));
    let ordered = choose_order(&picked);
    ordered.into_iter().map(|candidate| Sentence::new(candidate.text, vec![candidate.passage])).collect()
}

/// Whole sentences of the evidence, best passage first.
fn candidates(brief: &Brief, collection: &Collection) -> Vec<Candidate> {
    let whole = |sentence: &&str| {
        sentence.ends_with(['.', '!', '?'])
            && sentence.starts_with(|first: char| first.is_alphanumeric())
            && SENTENCE_WORDS.contains(&words(sentence).count())
    };
    let numbered = collection.passages(brief).zip(1..);
    let all = numbered.flat_map(|(passage, number)| {
        sentences(&passage.text).filter(whole).map(move |sentence| (number, sentence.to_owned()))
    });
    all.take(MOST_CANDIDATES)
        .enumerate()
        .map(|(place, (passage, text))| {
            let terms = terms(&text);
            let vector = brief.space.vector(&terms);
            Candidate { text, passage, place, terms, vector, score: 0.0 }
        })
        .collect()
}

fn score(brief: &Brief, collection: &Collection, candidates: &mut [Candidate]) {
    let question = brief.space.vector(&collection.terms);
    let centrality = textrank(candidates);
    let likeness: Vec<_> = candidates.iter().map(|candidate| candidate.vector.cosine(&question)).collect();
    let highest = |values: &[f64]| values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let (most_central, most_alike) = (highest(&centrality), highest(&likeness));
    let best_hit = collection.evidence.first().map_or(1.0, |hit| hit.score);
    for (candidate, (likeness, centrality)) in candidates.iter_mut().zip(likeness.into_iter().zip(centrality)) {
        let rank = collection.evidence[candidate.passage - 1].score / best_hit;
        let merit = 0.6 * likeness / most_alike + 0.2 * centrality / most_central + 0.2 * rank;
        let first = words(&candidate.text).next().unwrap_or_default().to_lowercase();
        candidate.score = if LEANING.contains(&first.as_str()) { 0.7 * merit } else { merit };
    }
}

/// How central each sentence is among all: the share of a random walk that goes from sentence to similar sentence.
fn textrank(candidates: &[Candidate]) -> Vec<f64> {
    let count = candidates.len();
    let even = 1.0 / count.max(1) as f64;
    let likeness: Vec<Vec<f64>> = candidates
        .iter()
        .map(|a| candidates.iter().map(|b| if a.place == b.place { 0.0 } else { a.vector.cosine(&b.vector) }).collect())
        .collect();
    let outgoing: Vec<f64> = likeness.iter().map(|row| row.iter().sum()).collect();
    let mut rank = vec![even; count];
    for _ in 0..ROUNDS {
        rank = (0..count)
            .map(|to| {
                let arriving = |from: usize| {
                    if outgoing[from] > 0.0 { rank[from] * likeness[from][to] / outgoing[from] } else { 0.0 }
                };
                (1.0 - DAMPING) * even + DAMPING * (0..count).map(arriving).sum::<f64>()
            })
            .collect();
    }
    rank
}

/// Picks sentences one after another: a good one that takes up more of the question and repeats little of those before it.
fn pick(brief: &Brief, mut candidates: Vec<Candidate>, variety: f64) -> Vec<Candidate> {
    let mut picked: Vec<Candidate> = Vec::new();
    let mut open = brief.terms.clone();
    while !candidates.is_empty() && picked.len() < MOST_SENTENCES {
        let value = |candidate: &Candidate| {
            let repeats = picked.iter().map(|other| candidate.vector.cosine(&other.vector)).fold(0.0, f64::max);
            let answers = brief.space.coverage(&open, &candidate.terms);
            (1.0 - variety) * (candidate.score + answers) - variety * repeats
        };
        let values: Vec<_> = candidates.iter().map(value).collect();
        let best = (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b]).then(b.cmp(&a)));
        let Some(best) = best.map(|best| candidates.remove(best)) else { break };
        open.retain(|term| !best.terms.contains(term));
        picked.push(best);
    }
    picked
}

/// A length that the answer could have.
#[derive(Clone, Copy, Debug)]
struct Length {
    sentences: usize,
    words: usize,
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.sentences == 1 { "" } else { "s" };
        write!(f, "{} sentence{plural}, {} words", self.sentences, self.words)
    }
}

/// Chooses how many of the picked sentences to keep: enough to cover the question, few enough to stay good on average and
/// within the rubric's length.
fn choose_length(brief: &Brief, rubric: &Rubric, plan: &Plan, picked: &[Candidate]) -> usize {
    let (shortest, longest) = (*rubric.words.start() as f64 * plan.length, *rubric.words.end() as f64 * plan.length);
    let (mut said, mut length, mut total) = (Vec::new(), 0, 0.0);
    let mut options = picked.iter().zip(1..).map(|(candidate, count)| {
        said.extend(candidate.terms.iter().cloned());
        length += words(&candidate.text).count();
        total += candidate.score;
        let fit = (length as f64 / shortest).min(longest / length as f64).min(1.0);
        let merit = fit * (0.5 + 0.5 * brief.space.coverage(&brief.terms, &said)) * total / f64::from(count);
        (Length { sentences: count as usize, words: length }, merit)
    });
    let Some(shortest_option) = options.next() else { return 0 };
    let choice = Choice::between(shortest_option, options);
    decision!(
        "summary_length_chosen",
        what = choice.best(),
        why = format!("{shortest:.0} to {longest:.0} words are wanted, with most of the question and no weak sentences"),
        confidence = choice.confidence(),
        alternatives = choice.alternatives(),
        inputs = { shortest, longest, sentences: picked.len() },
    );
    choice.best().sentences
}

/// An order of sentences.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    Relevance,
    Source,
    Chain,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Relevance => "by_relevance",
            Self::Source => "by_source",
            Self::Chain => "by_likeness",
        })
    }
}

/// Chooses the order in which neighbouring sentences have most in common.
fn choose_order(picked: &[Candidate]) -> Vec<Candidate> {
    let ordered = |order: Order| match order {
        Order::Relevance => picked.to_vec(),
        Order::Source => {
            let mut by_source = picked.to_vec();
            by_source.sort_by_key(|candidate| candidate.place);
            by_source
        }
        Order::Chain => chain(picked.to_vec()),
    };
    let merit = |order: Order| (order, coherence(&ordered(order)));
    let choice = Choice::between(merit(Order::Relevance), [Order::Source, Order::Chain].map(merit));
    decision!(
        "outline_ordered",
        what = choice.best(),
        why = "neighbouring sentences have most in common this way",
        confidence = choice.confidence(),
        alternatives = choice.alternatives(),
        inputs = { sentences: picked.len() },
    );
    ordered(*choice.best())
}

/// Begins with the best sentence and goes on with the most similar one that is left.
fn chain(mut left: Vec<Candidate>) -> Vec<Candidate> {
    let mut chain: Vec<Candidate> = Vec::new();
    while !left.is_empty() {
        let nearest = chain.last().map_or(0, |last| {
            let by_likeness = |&a: &usize, &b: &usize| -> Ordering {
                let likeness = |index: usize| last.vector.cosine(&left[index].vector);
                likeness(a).total_cmp(&likeness(b)).then(b.cmp(&a))
            };
            (0..left.len()).max_by(by_likeness).unwrap_or(0)
        });
        chain.push(left.remove(nearest));
    }
    chain
}

/// The mean likeness of neighbours; 0 for fewer than two sentences.
fn coherence(candidates: &[Candidate]) -> f64 {
    let pairs = candidates.windows(2).map(|pair| pair[0].vector.cosine(&pair[1].vector));
    pairs.sum::<f64>() / candidates.len().saturating_sub(1).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Corpus;
    use crate::{retrieval, rubric};

    fn summary(query: &str, texts: &[&str], plan: &Plan) -> Vec<(String, Vec<usize>)> {
        let mut corpus = Corpus::default();
        for (number, text) in texts.iter().enumerate() {
            corpus.add(format!("{number}.md"), text);
        }
        let brief = Brief::new(query, corpus);
        let rubric = rubric::select(&brief);
        let collection = retrieval::collect(&brief, &rubric, plan);
        summarise(&brief, &rubric, plan, &collection).into_iter().map(|s| (s.text, s.citations)).collect()
    }

    const STREAM: &str =
        "The event stream of a trace survives a crash of the process. Ducks swim on the lake in the evening.";
    const RECOVERY: &str = "After a crash, recovery folds the event stream into a document again.";

    #[test]
    fn sentences_are_taken_word_for_word_and_cite_their_passage() {
        for (text, citations) in summary("What survives a crash?", &[STREAM, RECOVERY], &Plan::default()) {
            let [passage] = citations[..] else { panic!("one citation each") };
            assert!([STREAM, RECOVERY].iter().any(|source| source.contains(&text)), "{text}");
            assert!((1..=2).contains(&passage));
        }
    }

    #[test]
    fn what_answers_the_question_is_picked_first() {
        let short = Plan { length: 0.1, ..Plan::default() };
        let picked = summary("How does the event stream survive a crash?", &[STREAM], &short);
        assert!(picked[0].0.starts_with("The event stream"), "{picked:?}");
    }

    #[test]
    fn without_evidence_nothing_is_said() {
        assert!(summary("zxqv", &[STREAM, RECOVERY], &Plan::default()).is_empty());
        assert!(summary("crash", &[], &Plan::default()).is_empty());
    }

    #[test]
    fn fragments_are_no_sentences() {
        assert!(
            summary("crash", &["crash | recovery | stream | trace | document | fold", "A crash."], &Plan::default())
                .is_empty()
        );
    }
}
