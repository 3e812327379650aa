//! Reports, results of experiments and prices, from rows.

use super::{Program, execution, on_every_database, with_registry};
use crate::prices::{PriceRow, Prices, Rates};
use crate::prompts::{
    ExperimentPlan, Goals, Metric, NewVersion, Registry, RegistryError, Verdict, VersionReportOptions,
};
use crate::sql::tests::Database;
use crate::sql::tests::fixture::{call, finished, small, stage};
use serde_json::{Value, json};
use std::sync::Arc;
use trace_core::event::PromptExecution;
use trace_core::model::{Money, Outcome, PromptLink, Timestamp, Trace, Usage};
use trace_core::pricer::{BilledCall, Pricer};
use trace_core::record::Run;
use trace_core::registry::Prompt;
use trace_core::sink::{FinishedTrace, Sink};

const TEXTS: [&str; 2] = ["long {{ a }}", "short {{ a }}"];

static PRICED: Prompt = Prompt::new("priced", TEXTS[0], None, "here:1");

async fn two_versions(registry: &Registry) {
    for text in TEXTS {
        registry.register("priced", NewVersion::new(text)).await.unwrap();
    }
}

/// A run with two calls of a version: the first takes 2,500 ms or 1,800, costs 0.3 or 0.24 cents. Its executions belong to an experiment, if
/// there is one.
fn run(n: u32, version: usize, experiment: Option<&str>) -> Trace {
    let mut trace = small(n);
    let mut synthesis = stage(1, 1.0);
    for k in 0..2_u32 {
        let spread = f64::from((n * 37 + k * 11) % 21) - 10.0;
        let mut call = call(&format!("c{k}"), "0");
        call.started_at = Some(Timestamp::now());
        call.duration_ms = Some([2_500.0, 1_800.0][version] + spread * 10.0);
        call.outcome = Some(if n.is_multiple_of(10) && k == 0 { Outcome::Err } else { Outcome::Ok });
        if let Some(experiment) = experiment {
            call.attributes.insert("prompt_experiment".into(), experiment.into());
        }
        let llm = call.llm.as_mut().unwrap();
        let hash = trace_core::registry::template_hash(None, TEXTS[version]);
        **llm = std::mem::take(&mut **llm).prompt(PromptLink::new("priced", "priced_prompt", None, Some(hash)));
        llm.usage = Some(Usage::new([200, 150][version], 50));
        llm.cost_usd = Some(Money::from_picodollars([3_000_000_000, 2_400_000_000][version] + i64::from(n) * 1_000));
        synthesis.observations.push(call);
    }
    trace.stages.insert("synthesis".into(), synthesis);
    let mut gate = stage(2, 1.0);
    gate.overall_score = Some(2.4 + f64::from(n % 3) / 10.0);
    gate.passing = Some(true);
    trace.stages.insert("quality_gate".into(), gate);
    trace
}

fn store_runs(database: &Database, experiment: Option<&str>) {
    let sink = database.sink();
    let runs: Vec<FinishedTrace> = (0..120_u32).map(|n| finished(run(n, (n % 2) as usize, experiment))).collect();
    assert!(sink.store(&runs).iter().all(Result::is_ok));
}

on_every_database! {
    fn versions_stand_side_by_side_and_the_difference_is_said(database: Database) {
        with_registry(database, two_versions);
        store_runs(database, None);
        let report = with_registry(database, async |registry: &Registry| {
            let unknown = registry.version_report("nothing", &VersionReportOptions::default()).await;
            assert!(matches!(unknown, Err(RegistryError::NoSuchPrompt { .. })), "{unknown:?}");
            let cut = registry.version_report("priced", &VersionReportOptions::new().most(7)).await.unwrap();
            assert!(cut.is_cut && cut.versions.iter().map(|figures| figures.measures.executions).sum::<u64>() == 7);
            let later = Timestamp::now().plus(std::time::Duration::from_secs(3_600));
            let none = registry.version_report("priced", &VersionReportOptions::new().since(later)).await.unwrap();
            assert!(none.versions.is_empty() && !none.is_cut);
            registry.version_report("priced", &VersionReportOptions::default()).await.unwrap()
        });
        let [v1, v2] = &report.versions[..] else { panic!("{report:?}") };
        assert_eq!((v1.measures.executions, v2.measures.executions), (120, 120));
        assert_eq!((v1.measures.quality.n, v2.measures.quality.n), (60, 60), "a run counts once");
        assert_eq!((v1.measures.success.count, v2.measures.success.count), (108, 120));
        assert!((v1.measures.p50_ms.unwrap() - 2_500.0).abs() < 30.0, "{v1:?}");
        assert_eq!(v1.measures.tokens.mean, 250.0);
        let total: i64 = (0..60).map(|n| 2 * (3_000_000_000 + 2 * n * 1_000)).sum();
        assert_eq!(v1.measures.total_cost_usd, Some(Money::from_picodollars(total)));
        let words = v2.words.as_deref().unwrap();
        assert!(words.starts_with("v2: 28 % faster (95 % interval 27 to 29), 20 % cheaper, "), "{words}");
        assert!(words.ends_with("success rate 10 points higher, quality unchanged (n = 120 / 120)"), "{words}");
        assert!(report.to_string().contains("v1       120         90 %"), "{report}");
    }

    fn an_experiment_says_what_is_better_and_what_is_not_known(database: Database) {
        let id = with_registry(database, async |registry: &Registry| {
            two_versions(registry).await;
            registry.start_experiment(ExperimentPlan::new("priced").arm(1, 50.0).arm(2, 50.0)).await.unwrap().id
        });
        store_runs(database, Some(&id));
        let result = with_registry(database, async |registry: &Registry| {
            let missing = registry.experiment_result("exp_none", &Goals::default()).await;
            assert!(matches!(missing, Err(RegistryError::NoSuchExperiment { .. })), "{missing:?}");
            registry.experiment_result(&id, &Goals::default()).await.unwrap()
        });
        assert!(!result.is_final);
        let verdicts = result.arms[1].metrics.iter().map(|found| (found.metric, found.verdict)).collect::<Vec<_>>();
        assert_eq!(verdicts, [
            (Metric::SuccessRate, Verdict::NotEnoughData),
            (Metric::ResponseTime, Verdict::Better),
            (Metric::Cost, Verdict::Better),
            (Metric::Quality, Verdict::NoDifference),
        ]);
        with_registry(database, async |registry: &Registry| {
            registry.stop_experiment(&id).await.unwrap();
            assert!(registry.experiment_result(&id, &Goals::default()).await.unwrap().is_final);
        });
    }

    fn prices_in_the_database_stand_above_those_that_are_carried(database: Database) {
        let rates = Rates::new("1.5".parse().unwrap(), "3".parse().unwrap());
        let at = |date: &str| date.parse::<Timestamp>().unwrap();
        let mut later = PriceRow::new("OpenAI", "gpt-4o", Rates::new("7".parse().unwrap(), Money::ZERO));
        (later.from, later.above_input_tokens) = (Some(at("2026-01-01")), 1_000);
        let table = with_registry(database, async |registry: &Registry| {
            registry.set_price(&PriceRow::new("openai", "gpt-4o", Rates::new(Money::ZERO, Money::ZERO))).await.unwrap();
            registry.set_price(&PriceRow::new("openai", "gpt-4o", rates)).await.unwrap();
            registry.set_price(&PriceRow { above_input_tokens: 0, rates, ..later.clone() }).await.unwrap();
            registry.set_price(&later).await.unwrap();
            registry.prices().await.unwrap()
        });
        assert_eq!(table.rows().len(), 3, "a price for the same day and size is replaced");
        let prices = Prices::carried();
        prices.set_database(table);
        let cost = |input, date| prices.price(&BilledCall::new("gpt-4o-2024-08-06", Usage::new(input, 0), at(date))).unwrap().to_string();
        assert_eq!(cost(1_000_000, "2025-06-01"), "1.5");
        assert_eq!(cost(1_000, "2026-06-01"), "0.0015");
        assert_eq!(cost(1_000_000, "2026-06-01"), "7");
    }

    fn a_program_prices_its_calls_by_them_in_document_and_rows(database: Database) {
        with_registry(database, async |registry: &Registry| {
            let price = PriceRow::new("home", "llama3", Rates::new("2".parse().unwrap(), "4".parse().unwrap()));
            registry.set_price(&price).await.unwrap();
        });
        let program = Program::start_priced(database, &[&PRICED], Arc::new(Prices::carried()));
        let log = |model: &str| {
            let execution = PromptExecution::new("priced", true, 10.0).usage(Usage::new(100, 10));
            execution.model(model).provider("home").log();
        };
        let trace = program.trace(Run::new("cobot"), || log("llama3"));
        let call = trace.stages["_run"].observations[0].llm.as_ref().unwrap();
        assert_eq!(call.cost_usd.unwrap().to_string(), "0.00024");
        assert_eq!(execution(database).cost_usd, call.cost_usd);
        let unknown = program.trace(Run::new("cobot"), || log("llama4"));
        assert_eq!(unknown.stages["_run"].observations[0].llm.as_ref().unwrap().cost_usd, None);
        assert_eq!(unknown.warnings.len(), 1, "{:?}", unknown.warnings);
        let document = serde_json::to_value(&*trace).unwrap();
        let cost: &Value = &document["stages"]["_run"]["observations"][0]["cost_usd"];
        assert_eq!(*cost, json!(0.00024));
    }
}
