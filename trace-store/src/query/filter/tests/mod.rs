//! The language: what reads, what does not, and what is said then.

pub(crate) mod naive;
pub(crate) mod random;

use super::syntax::{MAX_DEPTH, MAX_TEXT};
use super::{Filter, FilterError};
use random::Random;

fn read(text: &str) -> Filter {
    text.parse().unwrap_or_else(|error: FilterError| panic!("{error}"))
}

fn refused(text: &str) -> FilterError {
    match text.parse::<Filter>() {
        Ok(filter) => panic!("`{text}` reads as {filter}"),
        Err(error) => error,
    }
}

#[test]
fn filters_read_as_they_are_meant() {
    for (text, meaning) in [
        ("", ""),
        ("status = failed", r#"status = "failed""#),
        ("quality>=2.5", "overall_quality_score >= 2.5"),
        ("STATUS=failed", ""),
        ("status = 'fai\"led' AND NOT intent ~ 'x'", r#"status = "fai\"led" and not intent ~ "x""#),
        ("a = 1", ""),
        ("cost > $0.25 and cost < 1e-3", "total_cost_usd > 0.25 and total_cost_usd < 0.001"),
        ("duration > 2m or duration < 250ms", "duration_seconds > 120.0 or duration_seconds < 0.25"),
        ("observation.search.duration_ms > 2s", "observation.search.duration_ms > 2000.0"),
        ("started_at > -7d and started_at<=now", "started_at > -7d and started_at <= now"),
        ("started_at = 2026-02-13", "started_at = 2026-02-13"),
        ("started_at != '2026-02-13 14:30:22.5'", "started_at != 2026-02-13T14:30:22.5Z"),
        ("status in (failed, 'incomplete')", r#"status in ("failed", "incomplete")"#),
        ("gap_principles has META-12", r#"gap_principles has "META-12""#),
        ("tags has team", r#"tags has "team""#),
        ("tag.team = a and tag.\"two words\".x is null", r#"tag.team = "a" and tag."two words.x" is null"#),
        ("score.META-12 < 2", "score.META-12 < 2.0"),
        ("gate = false", "quality_gate_passed = false"),
        ("prompt = support_bot@2", r#"prompt = "support_bot@2""#),
        ("prompt in (a, b@3)", r#"prompt in ("a", "b@3")"#),
        ("decision.source_selected.what = exa", r#"decision.source_selected.what = "exa""#),
        ("decision.x.alternatives has google", r#"decision.x.alternatives has "google""#),
        ("stage.synthesis#2.outcome = err", r#"stage.synthesis#2.outcome = "err""#),
        ("a.b", ""),
        (
            "(status = a or status = b) and not (intent = c and domain = d)",
            r#"(status = "a" or status = "b") and not (intent = "c" and domain = "d")"#,
        ),
        ("status = a and intent = b or domain = c", r#"(status = "a" and intent = "b") or domain = "c""#),
        ("not not status = a", r#"not not status = "a""#),
        ("intent is  NOT   null", "intent is not null"),
        ("session_id = 42", r#"session_id = "42""#),
        ("intent = 'é\\\\\\''", r#"intent = "é\\'""#),
    ] {
        if meaning.is_empty() && !text.is_empty() {
            refused(text);
            continue;
        }
        let filter = read(text);
        assert_eq!(filter.to_string(), meaning, "{text}");
        assert_eq!(read(&filter.to_string()), filter, "{text}");
    }
}

#[test]
fn what_is_wrong_is_said_and_pointed_at() {
    for (text, column, says) in [
        ("intnet = x", 1, "there is no field `intnet`; did you mean `intent`? known: trace_id, project_id"),
        ("status = a and qualty > 2", 16, "did you mean `quality`?"),
        ("stage.x.duration > 2", 9, "there is no column of `stage` `duration`; did you mean `duration_seconds`?"),
        ("stage.synthesis > 2", 1, "`stage.synthesis` needs a column: `stage.synthesis.duration_seconds`"),
        ("tag = x", 1, "`tag` needs a name"),
        ("started_at > yesterday", 14, "`started_at` is a moment: `yesterday` is none, expected 2026-02-13"),
        ("started_at > 7d", 14, "is none, expected"),
        ("overall_quality_score > high", 25, "is a number: `high` is none"),
        ("llm_calls = 2.5", 13, "is a whole number: `2.5` is none"),
        ("cost > lots", 8, "is an amount of dollars: `lots` is none"),
        ("quality > NaN", 11, "is a number: `NaN` is none"),
        ("quality > inf", 11, "is a number: `inf` is none"),
        ("gate > true", 1, "is true or false: `>` does not apply, `=`, `!=` and `is null` do"),
        ("gate = maybe", 8, "expected true or false"),
        ("gap_principles = x", 1, "is a list: `=` does not apply, `has`, `~` and `is null` do"),
        ("tags ~ x", 1, "is an object: `~` does not apply"),
        ("llm_calls ~ 3", 1, "is a whole number: `~` does not apply"),
        ("prompt > a", 1, "is a prompt: `>` does not apply"),
        ("intent = null", 10, "nothing compares with null: write `intent is null` or `intent is not null`"),
        ("intent", 7, "expected one of `=`, `!=`"),
        ("intent ==", 9, "expected a value"),
        ("intent = ", 10, "expected a value"),
        ("intent = a b", 12, "expected `and`, `or` or the end"),
        ("intent = a and", 15, "expected a field, `not` or `(`"),
        ("(intent = a", 12, "expected `and`, `or` or `)`"),
        ("intent = a)", 11, "expected `and`, `or` or the end"),
        ("intent in a", 11, "expected `(` and values"),
        ("intent in (a b)", 14, "expected `,` or `)`"),
        ("intent in ()", 12, "expected a value"),
        ("intent is a", 11, "expected `null` or `not null`"),
        ("intent = 'a", 10, "is not ended by '"),
        ("intent = 'a\\n'", 13, "after a backslash expected"),
        ("tag. = a", 5, "expected a name after the dot"),
        ("= a", 1, "expected a field"),
        ("é = a", 1, "there is no field `é`"),
    ] {
        let error = refused(text);
        assert!(error.message().contains(says), "{text}: {error}");
        assert_eq!(error.column(), column, "{error}");
    }
}

#[test]
fn the_mark_stands_below_what_is_wrong() {
    let error = refused("intent = 'é🤖' and stats = \u{1b}x");
    assert_eq!(
        error.to_string().lines().skip(1).collect::<Vec<_>>(),
        ["  intent = 'é🤖' and stats = \u{fffd}x", "                    ^^^^^ column 19"]
    );
    let far = refused(&format!("{}stats = x", "status = a and ".repeat(50)));
    let shown = far.to_string();
    let lines: Vec<&str> = shown.lines().collect();
    let at = lines[2].chars().position(|char| char == '^').unwrap();
    assert!(lines[1].chars().skip(at).collect::<String>().starts_with("stats"), "{shown}");
    assert!(lines[1].chars().count() < 250, "{shown}");
}

#[test]
fn long_and_deep_filters_are_refused_before_they_do_harm() {
    assert!(refused(&"(".repeat(100_000)).message().contains("bytes"));
    for deep in ["(".repeat(MAX_TEXT), "not ".repeat(MAX_TEXT / 4), "(not ".repeat(MAX_TEXT / 5)] {
        assert!(refused(&deep).message().contains("nests deeper than 64 levels"));
    }
    let fits = format!("{}status = a{}", "(".repeat(MAX_DEPTH - 1), ")".repeat(MAX_DEPTH - 1));
    assert_eq!(read(&fits), read("status = a"));
    let wide = vec!["llm_calls=1"; 500].join(" or ");
    assert_eq!(read(&wide), read(&read(&wide).to_string()));
}

#[test]
fn what_is_printed_reads_back_as_the_same() {
    let mut random = Random::new(1);
    for _ in 0..5_000 {
        let filter = Filter(random.filter(3, &[]));
        let text = filter.to_string();
        if text.len() <= MAX_TEXT {
            assert_eq!(read(&text), filter, "{text}");
        }
    }
}

#[test]
fn no_text_makes_it_panic() {
    let mut random = Random::new(2);
    let pieces = [
        "status",
        "tag.",
        "stage.x.",
        "decision",
        ".",
        "=",
        "!=",
        "<",
        "<=",
        "~",
        "in",
        "has",
        "is",
        "not",
        "null",
        "and",
        "or",
        "(",
        ")",
        ",",
        "\"",
        "'",
        "\\",
        "é",
        "🤖",
        "\0",
        "\u{202e}",
        " ",
        "\n",
        "-7d",
        "2026-02-13",
        "1e9",
        "1",
        "true",
        "prompt",
        "@",
        "started_at",
        "cost",
    ];
    let mut read = 0;
    for _ in 0..50_000 {
        let text: String = (0..random.below(12))
            .map(|_| pieces[random.below(pieces.len())])
            .collect::<Vec<_>>()
            .join(if random.below(2) == 0 { " " } else { "" });
        match text.parse::<Filter>() {
            Ok(_) => read += 1,
            Err(error) => {
                assert!(!error.to_string().contains('\0') && error.column() <= text.chars().count() + 1, "{error}");
            }
        }
    }
    assert!(read > 100, "some of it must be a filter: {read}");
}

#[test]
fn filters_are_joined() {
    let both =
        Filter::all().and(Filter::equals("intent", "a \"b\" \\").unwrap()).and(read("gate = true or gate = false"));
    assert_eq!(
        both.to_string(),
        r#"intent = "a \"b\" \\" and (quality_gate_passed = true or quality_gate_passed = false)"#
    );
    assert_eq!(Filter::all().and(Filter::all()), Filter::all());
    assert!(Filter::equals("llm_calls", "many").is_err());
    assert!(Filter::equals("nothing", "x").is_err());
}
