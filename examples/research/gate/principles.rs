//! The principles of a good answer, each computed from the texts: a draft in, a score of 0..=3 with feedback out.

use crate::intake::Brief;
use crate::retrieval::Collection;
use crate::rubric::Rubric;
use crate::synthesis::{Draft, Sentence};
use crate::text::{terms, words};
use std::collections::{BTreeSet, HashSet};
use whytrace::Score;

/// The top of the scale.
const TOP: f64 = 3.0;

/// A sentence is grounded in a passage that has at least this share of its terms.
const GROUNDED: f64 = 0.6;

/// Neighbours this similar are normal in a text on one topic; beyond, the answer repeats itself.
const NORMAL_LIKENESS: f64 = 0.25;

/// What is judged, and what it is judged by.
#[derive(Debug)]
pub struct Case<'a> {
    /// The question.
    pub brief: &'a Brief,
    /// What a good answer is.
    pub rubric: &'a Rubric,
    /// What the answer could use.
    pub collection: &'a Collection,
    /// The answer.
    pub draft: &'a Draft,
}

/// All principles, in the order of the report.
pub fn scores(case: &Case<'_>) -> Vec<Score> {
    vec![
        case.coverage(),
        case.focus(),
        case.groundedness(),
        case.citations(),
        case.diversity(),
        case.concision(),
        case.length(),
        case.readability(),
    ]
}

/// A score of a share: 0 is the bottom of the scale, 1 the top; two decimals.
fn graded(id: &str, name: &str, share: f64, feedback: String) -> Score {
    // Adding 0 turns the -0 of an empty sum into 0.
    let score = (share.clamp(0.0, 1.0) * TOP * 100.0).round() / 100.0 + 0.0;
    Score::new(id, score).name(name).feedback(feedback)
}

impl Case<'_> {
    /// How much of the question, by weight of its terms, the answer takes up.
    fn coverage(&self) -> Score {
        let said: Vec<_> = self.draft.sentences.iter().flat_map(|sentence| sentence.terms.clone()).collect();
        let missing: Vec<_> = words(&self.brief.query)
            .filter(|word| terms(word).iter().any(|term| self.brief.terms.contains(term) && !said.contains(term)))
            .collect();
        let feedback = if missing.is_empty() {
            "takes up every word of the question that matters".to_owned()
        } else {
            format!("says nothing about: {}", missing.join(", "))
        };
        graded("coverage", "Covers the question", self.brief.space.coverage(&self.brief.terms, &said), feedback)
    }

    /// How many sentences speak of what was asked, in the words of the question or in those that were searched for.
    fn focus(&self) -> Score {
        let asked: HashSet<_> = self.collection.terms.iter().collect();
        let (on_topic, all) = self.count(|sentence| sentence.terms.iter().any(|term| asked.contains(term)));
        let feedback = format!("{on_topic} of {all} sentences share a term with the question");
        graded("focus", "Stays on the topic", share(on_topic, all), feedback)
    }

    /// How many sentences say what a passage of the evidence says.
    fn groundedness(&self) -> Score {
        let passages: Vec<HashSet<&String>> =
            self.collection.passages(self.brief).map(|passage| passage.terms.iter().collect()).collect();
        let grounded = |sentence: &Sentence| {
            let found = |passage: &HashSet<&String>| sentence.terms.iter().filter(|t| passage.contains(t)).count();
            let most = passages.iter().map(found).max().unwrap_or(0);
            share(most, sentence.terms.len()) >= GROUNDED
        };
        let (grounded, all) = self.count(grounded);
        let feedback = format!("{grounded} of {all} sentences can be traced to a passage");
        graded("groundedness", "Says what the sources say", share(grounded, all), feedback)
    }

    /// How many sentences name a passage that exists.
    fn citations(&self) -> Score {
        let (cited, all) = self.count(|sentence| self.sources(sentence).next().is_some());
        let feedback = format!("{cited} of {all} sentences cite a passage of the evidence");
        graded("citations", "Cites its sources", share(cited, all), feedback)
    }

    /// How many documents the answer rests on, of those that the rubric demands.
    fn diversity(&self) -> Score {
        let cited =
            self.draft.sentences.iter().flat_map(|sentence| self.sources(sentence)).collect::<BTreeSet<_>>().len();
        let feedback = format!("cites {cited} sources, the rubric {} asks for {}", self.rubric, self.rubric.sources);
        graded("diversity", "Draws on several sources", share(cited, self.rubric.sources), feedback)
    }

    /// How little the sentences repeat each other.
    fn concision(&self) -> Score {
        let vectors: Vec<_> = self.draft.sentences.iter().map(|s| self.brief.space.vector(&s.terms)).collect();
        let nearest = |a: usize| {
            let others = (0..vectors.len()).filter(|b| *b != a);
            others.map(|b| vectors[a].cosine(&vectors[b])).fold(0.0, f64::max)
        };
        let count = vectors.len();
        if count == 0 {
            return graded("concision", "Does not repeat itself", 0.0, "there is nothing to read".to_owned());
        }
        let likeness = (0..count).map(nearest).sum::<f64>() / count as f64;
        let share = (1.0 - likeness) / (1.0 - NORMAL_LIKENESS);
        let feedback = format!("a sentence and the one most like it have {:.0} % in common", likeness * 100.0);
        graded("concision", "Does not repeat itself", share, feedback)
    }

    /// Whether the answer is as long as the rubric wants.
    fn length(&self) -> Score {
        let (words, wanted) = (self.draft.words(), &self.rubric.words);
        let fit = share(words, *wanted.start()).min(share(*wanted.end(), words));
        let feedback = format!("{words} words, {} to {} are wanted", wanted.start(), wanted.end());
        graded("length", "Has the right length", fit, feedback)
    }

    /// How easy the answer is to read: Flesch's reading ease (*A new readability yardstick*, 1948), where 60 and more is
    /// plain English.
    fn readability(&self) -> Score {
        let text: Vec<_> = self.draft.sentences.iter().flat_map(|sentence| words(&sentence.text)).collect();
        if text.is_empty() {
            return graded("readability", "Is easy to read", 0.0, "there is nothing to read".to_owned());
        }
        let count = text.len() as f64;
        let syllables: usize = text.iter().map(|word| syllables(word)).sum();
        let ease = 206.835 - 1.015 * count / self.draft.sentences.len() as f64 - 84.6 * syllables as f64 / count;
        graded("readability", "Is easy to read", ease / 60.0, format!("reading ease {ease:.0}; 60 is plain English"))
    }

    /// Counts the sentences with a property, and all.
    fn count(&self, property: impl Fn(&Sentence) -> bool) -> (usize, usize) {
        let sentences = &self.draft.sentences;
        (sentences.iter().filter(|sentence| property(sentence)).count(), sentences.len())
    }

    /// The documents that a sentence cites; citations of passages that do not exist lead nowhere.
    fn sources(&self, sentence: &Sentence) -> impl Iterator<Item = usize> {
        let hits = sentence.citations.iter().filter_map(|number| self.collection.evidence.get(number.checked_sub(1)?));
        hits.map(|hit| self.brief.corpus.passages[hit.passage].document)
    }
}

/// `part / whole`, 0 where there is nothing.
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Groups of vowels, without a silent e at the end; at least one.
fn syllables(word: &str) -> usize {
    let word = word.to_lowercase();
    let stem = word.strip_suffix('e').filter(|stem| !stem.ends_with('l')).unwrap_or(&word);
    let vowel = |letter: char| "aeiouyäöüéè".contains(letter);
    let mut before = false;
    let groups = stem.chars().filter(|&letter| {
        let begins = vowel(letter) && !before;
        before = vowel(letter);
        begins
    });
    groups.count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Corpus;
    use crate::plan::Plan;
    use crate::{retrieval, rubric};

    /// The scores of an answer to one question on two documents, by id.
    fn judge(answer: &str) -> impl Fn(&str) -> f64 {
        let mut corpus = Corpus::default();
        corpus.add("a.md".into(), "The event stream survives a crash of the process. Recovery reads it again.");
        corpus.add("b.md".into(), "Each crash is followed by recovery, which folds the stream into a document.");
        let brief = Brief::new("How does the stream survive a crash?", corpus);
        let rubric = rubric::select(&brief);
        let collection = retrieval::collect(&brief, &rubric, &Plan::default());
        let draft = Draft::parse(answer, "test");
        let scores = scores(&Case { brief: &brief, rubric: &rubric, collection: &collection, draft: &draft });
        move |id| scores.iter().find(|score| score.id == id).unwrap().score
    }

    #[test]
    fn an_answer_from_the_sources_scores_high() {
        let score = judge("The event stream survives a crash [1]. Recovery folds the stream into a document [2].");
        for id in ["coverage", "focus", "groundedness", "citations"] {
            assert_eq!(score(id), 3.0, "{id}");
        }
        assert_eq!(score("diversity"), 2.0, "two of three sources");
        assert!(score("length") < 1.0, "much too short");
    }

    #[test]
    fn inventions_and_dead_citations_are_gaps() {
        let score = judge("Purple elephants dance quietly at midnight [9]. Nobody watches them dance [0].");
        for id in ["coverage", "focus", "groundedness", "citations", "diversity"] {
            assert_eq!(score(id), 0.0, "{id}");
        }
    }

    #[test]
    fn repetition_costs_concision() {
        let once = "The event stream survives a crash [1]. Recovery folds the document [2].";
        let twice = "The event stream survives a crash [1]. The event stream survives a crash [1].";
        assert!(judge(once)("concision") > judge(twice)("concision"));
        assert_eq!(judge(twice)("concision"), 0.0);
    }

    #[test]
    fn no_answer_scores_nothing() {
        let score = judge("");
        for id in ["coverage", "focus", "groundedness", "citations", "diversity", "concision", "length", "readability"]
        {
            assert_eq!(score(id), 0.0, "{id}");
        }
    }

    #[test]
    fn plain_words_read_easier_than_long_ones() {
        assert_eq!(["trace", "table", "recovery", "by", "e"].map(syllables), [1, 2, 4, 1, 1]);
        let plain = judge("The cat sat on the mat. The dog ran to it.");
        let heavy = judge("Organisational considerations necessitate comprehensive documentation of instrumentation.");
        assert!(plain("readability") > 2.9 && heavy("readability") == 0.0);
    }
}
