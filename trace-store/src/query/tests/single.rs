//! One trace, two traces: found by their ids, read whole, compared, explained.

use super::*;
use crate::query::{QueryError, Source};
use crate::sql::tests::fixture::{call, decision};
use crate::sql::tests::on_every_database;
use trace_core::model::{CalibrationFlag, ErrorInfo, Outcome};

/// A good run, and a later one that chose differently and failed its gate.
fn good_and_bad() -> [Trace; 2] {
    let mut good = full(1);
    good.stages["collection"].decisions[1].confidence = Some(0.2);
    let mut bad = good.clone();
    bad.trace_id = id(2);
    bad.run.started_at = Some("2026-02-14T00:00:00Z".parse().unwrap());
    bad.run.duration_seconds = Some(100.5);
    bad.stages["collection"].decisions[1].what = "google".into();
    let mut third = decision("d3", "arxiv");
    third.confidence = None;
    bad.stages["collection"].decisions.push(third);
    let mut behind = call("c9", "0.05");
    behind.llm.as_mut().unwrap().prompt_version = Some(3);
    behind.outcome = Some(Outcome::Err);
    behind.error =
        Some(ErrorInfo { kind: Some("Timeout".into()), message: "no answer".into(), ..ErrorInfo::default() });
    bad.stages["collection"].observations.push(behind);
    bad.stages["collection"].decisions[0].observation_id = Some("c9".into());
    let gate = &mut bad.stages["quality_gate#2"];
    gate.overall_score = Some(1.4);
    gate.passing = Some(false);
    gate.threshold = Some(2.0);
    gate.gaps = vec!["META-12".into(), "META-7".into()];
    bad.calibration_flags = vec![CalibrationFlag {
        kind: "regression".into(),
        message: "worse".into(),
        n: 2,
        ..CalibrationFlag::default()
    }];
    [good, bad]
}

on_every_database! {
    fn the_beginning_of_an_id_will_do_where_it_is_one(database: Database) {
        let mut other = small(3);
        other.trace_id = "trc_20270101_000000_ffffffffffffffff".into();
        save(database, &[small(1), small(2), other]);
        ask(database, async |store| {
            assert_eq!(store.trace(&id(1)).await.unwrap().trace_id, id(1));
            for beginning in ["trc_2027", "20270101", " trc_20270101_000000_ffffffffffffffff "] {
                assert_eq!(store.trace(beginning).await.unwrap().trace_id, "trc_20270101_000000_ffffffffffffffff");
            }
            let error = store.trace("trc_2026").await.unwrap_err();
            assert!(matches!(&error, QueryError::Ambiguous { candidates, more: false, .. } if *candidates == [id(2), id(1)]), "{error}");
            for nothing in ["", "trc_9", "%", "_rc_2027", "trc_2027\0", "\u{10ffff}"] {
                let error = store.trace(nothing).await.unwrap_err();
                assert!(matches!(error, QueryError::NoSuchTrace { .. }), "{nothing}: {error}");
            }
        });
    }

    fn a_whole_trace_comes_from_the_file_or_else_from_the_database(database: Database) {
        save(database, &[full(1), full(2)]);
        let folder = database.traces_dir().join("cobot/_traces");
        std::fs::create_dir_all(&folder).unwrap();
        let mut on_disk = full(1);
        on_disk.metadata.generator = "whytrace 0.1.0".into();
        on_disk.run.query = Some("from the file".into());
        on_disk.stages["collection"].observations[0].attributes.insert("side_file".into(), "llm_s_c_1.json".into());
        std::fs::write(folder.join(format!("{}.json", id(1))), serde_json::to_vec(&on_disk).unwrap()).unwrap();
        std::fs::write(folder.join("llm_s_c_1.json"), "{\"messages\": []}").unwrap();
        ask(database, async |store| {
            let file = store.full_trace(&id(1)).await.unwrap();
            assert_eq!((file.source, &file.trace), (Source::File, &on_disk));
            assert_eq!(file.side_files["llm_s_c_1.json"]["messages"], serde_json::json!([]));
            let copy = store.full_trace(&id(2)).await.unwrap();
            assert_eq!((copy.source, copy.trace), (Source::Database, full(2)));
        });
        // A broken file is no reason to show nothing.
        std::fs::write(folder.join(format!("{}.json", id(1))), "{").unwrap();
        std::fs::write(folder.join(format!("{}.json", id(3))), serde_json::to_vec(&full(3)).unwrap()).unwrap();
        ask(database, async |store| {
            assert_eq!(store.full_trace(&id(1)).await.unwrap().source, Source::Database);
            assert_eq!(store.full_trace(&id(3)).await.unwrap().source, Source::File, "its rows are still on their way");
            assert!(matches!(store.full_trace("trc_none").await, Err(QueryError::NoSuchTrace { .. })));
        });
    }

    fn what_sampling_left_out_is_said(database: Database) {
        let sink = database.sink();
        let mut dropped = finished(full(1));
        dropped.sampled = false;
        assert_eq!(store(&sink, &dropped), DatabaseStatus::Saved);
        ask(database, async |store| {
            let error = store.full_trace(&id(1)).await.unwrap_err().to_string();
            assert!(error.ends_with("only its row is kept: sampling left its document out"), "{error}");
            assert_eq!(store.why(&id(1)).await.unwrap().decisions, []);
        });
    }

    fn two_runs_are_compared(database: Database) {
        save(database, &good_and_bad());
        ask(database, async |store| {
            let compared = store.compare(&id(1), &id(2)).await.unwrap();
            assert_eq!(compared.quality_delta, Some(1.4 - 2.4));
            assert_eq!(compared.cost_delta_usd.unwrap().to_string(), "0.05");
            assert_eq!(compared.duration_delta_seconds, Some(17.5));
            assert_eq!((compared.gaps_a_only, compared.gaps_b_only, compared.gaps_both), (vec![], vec!["META-7".into()], vec!["META-12".into()]));
            let first = compared.first_differing_decision.unwrap();
            assert_eq!((first.stage.as_str(), first.occurrence), ("collection", 2));
            assert_eq!((first.a.unwrap().what.as_str(), first.b.unwrap().what.as_str()), ("reddit", "google"));
            assert_eq!(compared.differing_decisions, 2);
            let prompt = &compared.differing_prompts[0];
            assert_eq!((prompt.versions_a.as_slice(), prompt.versions_b.as_slice()), (&[Some(2)][..], &[Some(2), Some(3)][..]));
            let same = store.compare(&id(1), &id(1)).await.unwrap();
            assert!(same.first_differing_decision.is_none() && same.differing_prompts.is_empty() && same.quality_delta == Some(0.0));
        });
    }

    fn a_run_is_told_from_its_outcome(database: Database) {
        save(database, &good_and_bad());
        ask(database, async |store| {
            let why = store.why(&id(2)).await.unwrap();
            assert_eq!(why.outcome, "complete; failed the quality gate with 1.4 (2 needed); gaps: META-12");
            let gate = why.gate.as_ref().unwrap();
            assert_eq!((gate.stage.as_str(), gate.scores[0].principle_id.as_str(), gate.scores.len()), ("quality_gate#2", "META-12", 2));
            let told: Vec<_> = why.decisions.iter().map(|decision| decision.what.as_str()).collect();
            assert_eq!(told, ["google", "exa", "arxiv"], "the least certain first");
            assert_eq!(why.decisions[1].prompts, ["report@3"]);
            assert_eq!(why.decisions[0].alternatives_considered[0].option, "google");
            assert_eq!(why.prompts.iter().map(|prompt| prompt.prompt_version).collect::<Vec<_>>(), [Some(3), Some(2)]);
            assert_eq!(why.prompts[1].stages, ["synthesis", "synthesis#2"]);
            assert_eq!((why.errors.len(), why.errors[0].observation.as_deref()), (1, Some("write_report")));
            let flags: Vec<_> = why.flags.iter().map(|flag| flag.message.as_str()).collect();
            assert_eq!(flags, ["Quality regression detected for project Cobot", "worse"], "by kind");
            let good = why.previous_good.as_ref().unwrap();
            assert_eq!((good.trace.trace_id.clone(), good.differences.len()), (id(1), 2));
            assert!(store.why(&id(1)).await.unwrap().previous_good.is_none());
            let json = serde_json::to_string(&why).unwrap();
            assert_eq!(serde_json::from_str::<crate::query::Why>(&json).unwrap(), why);
        });
    }
}
