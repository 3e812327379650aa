use super::carried::FILES;
use super::*;
use std::collections::BTreeMap;
use trace_core::model::{Timestamp, Usage};

fn at(date: &str) -> Timestamp {
    date.parse().unwrap()
}

/// What a million tokens of each bucket cost at a time, as text.
#[track_caller]
fn rates(prices: &Prices, provider: Option<&str>, model: &str, date: &str) -> Option<String> {
    let call = BilledCall::new(model, Usage::new(1, 1), at(date)).provider(provider);
    prices.find(&call).map(|row| format!("{}/{}", row.rates.input, row.rates.output))
}

#[test]
fn every_carried_file_can_be_read_and_says_where_and_when_each_price_was_found() {
    let mut rows = 0;
    for (name, text) in FILES {
        let mut table = PriceTable::default();
        table.add_text(name, text).unwrap();
        let mut newest: BTreeMap<&str, (Option<Timestamp>, u64)> = BTreeMap::new();
        for row in table.rows() {
            rows += 1;
            let models = row.models.join(", ");
            assert!(row.source.starts_with("https://"), "{name}: {models}");
            assert!(
                row.as_of.as_deref().is_some_and(|date| ("2025-01-01".."2100").contains(&date)),
                "{name}: {models}"
            );
            let cached = row.rates.cached_input.unwrap_or(row.rates.input);
            assert!(cached <= row.rates.input && row.rates.input > Money::ZERO, "{name}: {models}");
            for model in &row.models {
                let key = (row.from, row.above_input_tokens);
                let before = newest.insert(model, key);
                assert!(before.is_none_or(|before| before < key), "{name}: the rows of {model} are not in order");
                assert!(before.is_some() || row.from.is_none(), "{name}: {model} has no first price");
            }
        }
    }
    assert!(rows > 250, "{rows}");
}

#[test]
fn models_of_the_main_providers_have_the_prices_of_their_pages() {
    let prices = Prices::carried();
    for (provider, model, wanted) in [
        (None, "gpt-4o", "2.5/10"),
        (Some("openai"), "gpt-4o-mini-2024-07-18", "0.15/0.6"),
        (Some("azure"), "gpt-4.1", "2/8"),
        (None, "openai/gpt-5-mini-2025-08-07", "0.25/2"),
        (Some("openai"), "o4-mini", "1.1/4.4"),
        (Some("anthropic"), "claude-sonnet-4-20250514", "3/15"),
        (None, "claude-opus-4-1-20250805", "15/75"),
        (None, "anthropic/claude-haiku-4.5", "1/5"),
        (Some("openrouter"), "anthropic/claude-haiku-4.5", "1/5"),
        (Some("gcp.gemini"), "models/gemini-2.5-flash", "0.3/2.5"),
        (None, "gemini-2.5-pro", "1.25/10"),
        (Some("mistral"), "mistral-nemo", "0.15/0.15"),
        (None, "deepseek-chat", "0.28/0.42"),
        (Some("xai"), "grok-4-0709", "3/15"),
        (Some("aws.bedrock"), "us.amazon.nova-lite-v1:0", "0.06/0.24"),
        (Some("bedrock"), "anthropic.claude-3-haiku-20240307-v1:0", "0.25/1.25"),
        (Some("groq"), "llama-3.3-70b-versatile", "0.59/0.79"),
        (Some("cohere"), "command-r-08-2024", "0.15/0.6"),
    ] {
        assert_eq!(rates(&prices, provider, model, "2026-08-21").as_deref(), Some(wanted), "{provider:?} {model}");
    }
}

#[test]
fn what_is_not_known_has_no_price() {
    let prices = Prices::carried();
    for (provider, model) in [
        (None, "llama3"),
        (Some("ollama"), "gpt-4o"),
        (None, "llama-3.3-70b-versatile"),
        (None, "gpt-4o-audio-preview"),
        (Some("google"), "gemini-2.5-flash-preview-tts"),
        (None, ""),
        (None, "*"),
    ] {
        assert_eq!(rates(&prices, provider, model, "2026-08-21"), None, "{provider:?} {model}");
    }
}

#[test]
fn prices_hold_from_their_day_on_and_long_contexts_have_their_own() {
    let prices = Prices::carried();
    for (date, wanted) in [
        ("2025-09-04", "0.27/1.1"),
        ("2025-09-05", "0.56/1.68"),
        ("2025-09-28", "0.56/1.68"),
        ("2025-09-29", "0.28/0.42"),
    ] {
        assert_eq!(rates(&prices, None, "deepseek-chat", date).as_deref(), Some(wanted), "{date}");
    }
    let cost = |input: u64, cached: u64| {
        let usage = Usage { input_tokens: input, cached_input_tokens: cached, ..Usage::new(0, 10) }.totalled();
        prices.price(&BilledCall::new("gemini-2.5-pro", usage, at("2026-08-21"))).unwrap().to_string()
    };
    // 200,000 × 1.25 + 10 × 10, then 200,001 × 2.5 + 10 × 15, in millionths; cached tokens count for the length.
    assert_eq!(cost(200_000, 0), "0.2501");
    assert_eq!(cost(200_001, 0), "0.5001525");
    assert_eq!(cost(100_000, 100_001), "0.27515025");
}

#[test]
fn costs_are_exact_rounded_once_and_stop_at_the_end_of_the_range() {
    let rates = Rates {
        cached_input: Some("0.000001".parse().unwrap()),
        cache_write: Some("0.0000005".parse().unwrap()),
        ..Rates::new(Money::ZERO, "0.0000004".parse().unwrap())
    };
    let usage = |cached, written, output| Usage {
        cached_input_tokens: cached,
        cache_write_tokens: written,
        output_tokens: output,
        ..Usage::default()
    };
    // 1 + 0.5 + 0.4 picodollars are 1.9, rounded once.
    assert_eq!(rates.cost(&usage(1, 1, 1)).picodollars(), 2);
    assert_eq!(rates.cost(&usage(0, 1, 0)).picodollars(), 1);
    assert_eq!(rates.cost(&usage(0, 0, 1)).picodollars(), 0);
    let dearest = Rates::new(Money::from_picodollars(i64::MAX), Money::from_picodollars(i64::MAX));
    let all = Usage {
        input_tokens: u64::MAX,
        cached_input_tokens: u64::MAX,
        cache_write_tokens: u64::MAX,
        output_tokens: u64::MAX,
        reasoning_tokens: u64::MAX,
        total_tokens: 0,
    };
    assert_eq!(dearest.cost(&all).picodollars(), i64::MAX);
    let negative = Rates::new(Money::from_picodollars(-5), Money::ZERO);
    assert_eq!(negative.cost(&all), Money::ZERO);
}

/// Whatever the tokens and prices, the cost of a call is that of its buckets alone, but for the one rounding.
#[test]
fn the_cost_of_a_call_is_the_sum_of_its_buckets() {
    let rates = carried().rows().iter().map(|row| row.rates);
    for (n, rates) in rates.enumerate() {
        let n = u64::try_from(n).unwrap();
        let parts = [17 * n + 1, 1_003 * n, 7 * n * n, 999 - n, n / 3];
        let usage = |which: Option<usize>| {
            let part = |index: usize| if which.is_none_or(|which| which == index) { parts[index] } else { 0 };
            Usage {
                input_tokens: part(0),
                cached_input_tokens: part(1),
                cache_write_tokens: part(2),
                output_tokens: part(3),
                reasoning_tokens: part(4),
                total_tokens: 0,
            }
        };
        let whole = rates.cost(&usage(None)).picodollars();
        let sum: i64 = (0..5).map(|index| rates.cost(&usage(Some(index))).picodollars()).sum();
        assert!((whole - sum).abs() <= 3, "{rates:?}: {whole} {sum}");
    }
}

#[test]
fn a_file_stands_above_the_database_and_that_above_what_is_carried() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("prices.toml");
    std::fs::write(
        &path,
        "[[price]]\nmodel = \"gpt-4o\"\ninput = 1.0\noutput = \"1_000.25\"\n\n\
        [[price]]\nprovider = \"home\"\nmodel = \"llama3*\"\ninput = 0\noutput = 0\n\n\
        [[price]]\nprovider = \"gemini\"\nmodel = \"gemini-2.5-flash\"\ninput = 0.075\noutput = 0.30\n",
    )
    .unwrap();
    let prices = Prices::with_file(&path).unwrap();
    let mut database = PriceTable::default();
    for (model, input) in [("gpt-4o", "7"), ("gpt-4o-mini", "8")] {
        database.add(PriceRow::new("openai", model, Rates::new(input.parse().unwrap(), Money::ZERO))).unwrap();
    }
    prices.set_database(database);
    let date = "2026-08-21";
    assert_eq!(rates(&prices, None, "gpt-4o", date).as_deref(), Some("1/1000.25"));
    assert_eq!(rates(&prices, Some("openai"), "gpt-4o-mini", date).as_deref(), Some("8/0"));
    assert_eq!(rates(&prices, Some("openai"), "gpt-4.1", date).as_deref(), Some("2/8"));
    assert_eq!(rates(&prices, Some("home"), "llama3:8b", date).as_deref(), Some("0/0"));
    assert_eq!(rates(&prices, Some("google"), "gemini-2.5-flash", date).as_deref(), Some("0.3/2.5"));
    assert_eq!(rates(&prices, Some("gemini"), "gemini-2.5-flash", date).as_deref(), Some("0.075/0.3"));
}

#[test]
fn what_is_no_price_is_refused_with_its_line() {
    let refused = |text: &str| PriceTable::default().add_text("p.toml", text).unwrap_err().to_string();
    let price = |line: &str| format!("[[price]]\nmodel = \"m\"\ninput = 1\noutput = 2\n{line}\n");
    for (text, wanted) in [
        (price("inputs = 3"), "p.toml, line 5: unknown key `inputs`; the keys are provider, model"),
        (price("reasoning = -1"), "line 5: `reasoning`: expected dollars"),
        (price("reasoning = nan"), "line 5: `reasoning`: expected dollars"),
        (price("reasoning = 2000000"), "line 5: `reasoning`: expected dollars"),
        (price("above_input_tokens = 1.5"), "line 5: `above_input_tokens`: expected a whole number"),
        (price("from = \"soon\""), "line 5: `from`: expected a date"),
        (price("from"), "line 5"),
        (format!("{}\n{}", price(""), price("")), "`m` has a price for this day and number of input tokens already"),
        ("[[price]]\nmodel = \"m\"\ninput = 1\n".to_owned(), "the price of m needs `output`"),
        ("[[price]]\ninput = 1\n".to_owned(), "a price needs a `model`"),
        ("price = 1".to_owned(), "write `[[price]]`"),
        ("prices = 1".to_owned(), "unknown key `prices`"),
    ] {
        let error = refused(&text);
        assert!(error.contains(wanted), "{error} instead of {wanted}");
    }
    let missing = PriceTable::read(std::path::Path::new("/nowhere/prices.toml")).unwrap_err().to_string();
    assert!(missing.starts_with("the file of prices /nowhere/prices.toml: cannot be read: "), "{missing}");
}
