//! Planted secrets: they go in by every way there is, and come out by none.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use whytrace::event::{FileWrite, HealingAttempt, TemplateRender, ValidationError};
use whytrace::prelude::*;
use whytrace::{Attempt, Run, TraceContext};

/// The part of each secret that must not be found anywhere, and how it looks where it is planted. None of them is real.
const PLANTED: &[(&str, &str)] = &[
    ("Q7wZk3Xv9LpR2mTd", "sk-proj-Q7wZk3Xv9LpR2mTdAa1Bb2Cc3Dd4Ee5Ff6Gg7Hh8"),
    ("N4yUc8Je1Hs6Vb0K", "sk-ant-api03-N4yUc8Je1Hs6Vb0KAa1Bb2Cc3Dd4Ee5Ff6Gg7-xyzXYZAA"),
    ("G5tRf2Wq8Zx1Mn7P", "ghp_G5tRf2Wq8Zx1Mn7PAa1Bb2Cc3Dd4Ee5Ff6Gg"),
    ("JR5TB7XK2QWLZ9PD", "AKIAJR5TB7XK2QWLZ9PD"),
    ("eHh4c2lnbmF0dXJl", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.eHh4c2lnbmF0dXJlMTIzNDU2Nzg5MGFiY2Q"),
    ("b3p5Tm9uY2VTZWNy", "Bearer b3p5Tm9uY2VTZWNydGhpc2lzbG9uZ2Vub3VnaA"),
    (
        "MIIEowIBAAKCAQEA7",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7bq1\nc2VjcmV0LWtleQ\n-----END RSA PRIVATE KEY-----",
    ),
    ("hV9sLq4nUrlPw", "postgres://admin:hV9sLq4nUrlPw@db.internal:5432/prod"),
    ("pW3xTextPairZz", "password=pW3xTextPairZz"),
    ("kE8yHeaderPairQ", "x-api-key: kE8yHeaderPairQ"),
    ("cK2dCookiePairM", "Cookie: session=cK2dCookiePairM"),
    ("iNt0ernalRule77", "corp-iNt0ernalRule77"), // by the rule in whytrace.toml
];

const RULES: &str = "[redact]\npatterns = ['corp-[A-Za-z0-9]+']\nfield_names = ['badge']\n";

/// What is no secret.
const ORDINARY: &str = "an ordinary text ";

/// A text with all of them.
fn all() -> String {
    let texts: Vec<&str> = PLANTED.iter().map(|(_, text)| *text).collect();
    texts.join(" and then\n")
}

/// Values of fields whose names say what they are.
const FIELDS: &[(&str, &str)] = &[
    ("password", "fLdPassword01"),
    ("api_key", "fLdApiKey02"),
    ("Authorization", "fLdAuthorization03"),
    ("access_token", "fLdAccessToken04"),
    ("client_secret", "fLdClientSecret05"),
    ("set-cookie", "fLdSetCookie06"),
    ("badge", "fLdBadge07"), // by the rule in whytrace.toml
];

fn headers() -> BTreeMap<&'static str, &'static str> {
    FIELDS.iter().copied().chain([("accept", "keep-this-one")]).collect()
}

#[derive(Debug, thiserror::Error)]
#[error("cannot log in with {0}")]
struct LoginError(String, #[source] std::io::Error);

#[derive(Debug)]
#[allow(dead_code, reason = "read by Debug")]
struct Config {
    password: &'static str,
    url: String,
}

#[derive(serde::Serialize)]
struct Request {
    url: String,
    headers: BTreeMap<&'static str, &'static str>,
    body: String,
}

#[traced_stage("arguments", input_all, output)]
fn arguments(password: &str, text: String, config: Config, request: Request) -> String {
    let _ = (password, config, request);
    text
}

#[traced_stage("hidden", input_all, redact(plan))]
fn hidden(plan: &str) {
    let _ = plan;
}

#[observable("login", output)]
fn login(text: String) -> Result<(), LoginError> {
    Err(LoginError(text.clone(), std::io::Error::other(text)))
}

#[observable("crash")]
fn crash(text: String) {
    panic!("{text}");
}

#[observable("ask", kind = "llm", model = all(), input(prompt), response(|answer| answer))]
fn ask(prompt: &str) -> String {
    let call = LlmCall::new()
        .message("system", all())
        .message("user", prompt)
        .parameter("extra_headers", serde_json::json!(headers()))
        .attempt(Attempt::failed(1, 1.0, all()));
    whytrace::llm(call);
    // Above 64 KiB, into a file of its own, with a secret at each end.
    format!("{}\n{}\n{}", all(), ORDINARY.repeat(10_000), all())
}

#[traced_stage("facts")]
fn facts() {
    decision!("chosen", what = all(), why = all(), alternatives = [all() => 0.5], inputs = { password: "fLdPassword01", text: all() });
    whytrace::evidence(Evidence::new().kept(all(), all(), 1.0, all()).dropped("b", "c", 0.0, all()).source(all(), 1));
    whytrace::score(Score::new("META-1", 1.0).name(all()).feedback(all()));
    whytrace::set("tier_config", headers());
    whytrace::set("api_key", "fLdApiKey02");
    whytrace::tag("note", all());
    whytrace::tag("password", "fLdPassword01");
    whytrace::attribute("connection", all());
    whytrace::output("report", all());
    whytrace::stage_output("draft", headers());
    whytrace::warning(all());
    whytrace::cache_hit("pages", all());
    whytrace::template_render(TemplateRender {
        template: "login.j2".into(),
        variables: serde_json::json!(headers()),
        source: Some(all()),
        output: Some(all()),
        ..TemplateRender::default()
    });
    whytrace::validation_error(ValidationError {
        error_type: "SyntaxError".into(),
        error_message: all(),
        code_context: Some(format!("{}\n{}", ORDINARY.repeat(10_000), all())),
        healing_attempts: vec![HealingAttempt { error: Some(all()), ..HealingAttempt::default() }],
        ..ValidationError::default()
    });
    whytrace::file_write(FileWrite { path: "out/.env".into(), content: Some(all()), ..FileWrite::default() });
    drop(whytrace::observe(all(), "tool"));
    drop(whytrace::stage(all()));
}

#[traced_run(project = "vault", query = query, intent = all(), session = "s-1", user = all(), output)]
fn run(query: String) -> Result<String, LoginError> {
    let config = Config { password: "fLdPassword01", url: all() };
    let request = Request { url: all(), headers: headers(), body: all() };
    arguments("fLdPassword01", all(), config, request);
    hidden("a plan that no rule knows");
    let _ = std::panic::catch_unwind(|| crash(all()));
    ask(&all());
    facts();
    login(all())?;
    Ok(all())
}

fn play() {
    std::panic::set_hook(Box::new(|_| {})); // the program's own panic message is the program's own business
    let _guard = whytrace::init();
    let _ = run(all());
    let trace = TraceContext::start(Run::new("vault").query(all()).traceparent(&all()));
    trace.mark_failed(LoginError(all(), std::io::Error::other(all())));
    let _ = trace.finish().wait();
}

/// Every byte that must not have a secret in it, by where it is.
fn everything(dir: &Path, output: &std::process::Output) -> Vec<(String, Vec<u8>)> {
    let files = support::files(dir).into_iter().filter(|path| !path.ends_with("whytrace.toml"));
    let mut all: Vec<_> = files.map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect();
    // Names of files can tell, too.
    all.push(("names of files".to_owned(), format!("{:?}", support::files(dir)).into_bytes()));
    all.push(("stdout".to_owned(), output.stdout.clone()));
    all.push(("stderr".to_owned(), output.stderr.clone()));
    all
}

fn secrets() -> impl Iterator<Item = &'static str> {
    let hidden = ["a plan that no rule knows"];
    PLANTED.iter().map(|(core, _)| *core).chain(FIELDS.iter().map(|(_, value)| *value)).chain(hidden)
}

#[track_caller]
fn assert_clean(dir: &Path, output: &std::process::Output) {
    let mut leaks = Vec::new();
    for (place, bytes) in everything(dir, output) {
        let text = String::from_utf8_lossy(&bytes);
        for secret in secrets() {
            if let Some(at) = text.find(secret) {
                let around: String = text[..at].chars().rev().take(80).collect::<Vec<_>>().into_iter().rev().collect();
                leaks.push(format!("{secret} in {place} after …{around}"));
            }
        }
    }
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
}

#[test]
fn no_planted_secret_comes_out_anywhere() {
    if support::part().is_some() {
        return play();
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("whytrace.toml"), RULES).unwrap();
    let mut program = support::program("no_planted_secret_comes_out_anywhere", "vault", dir.path());
    let output = support::run(program.env("WHYTRACE_SCORECARD", "verbose"));

    assert_clean(dir.path(), &output);
    // It looked at something: both runs, side files, rows, scorecards, and what is no secret.
    let traces = dir.path().join("traces");
    assert_eq!(support::documents(&traces).len(), 2);
    let names = format!("{:?}", support::files(&traces));
    assert!(
        names.contains("/llm_") && names.contains("/validation_error_") && names.contains("_summary.md"),
        "{names}"
    );
    assert_eq!(support::rows(&traces, "select cast(count(*) as text) from traces"), [["2"]]);
    assert!(support::text(&output.stderr).contains("Trace Detail"), "{}", support::text(&output.stderr));
    let streams = support::streams(&traces);
    assert!(streams.iter().any(|path| std::fs::read_to_string(path).unwrap().contains("keep-this-one")));
}

#[test]
fn with_content_off_not_even_ordinary_text_is_kept() {
    if support::part().is_some() {
        return play();
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("whytrace.toml"), RULES).unwrap();
    let mut program = support::program("with_content_off_not_even_ordinary_text_is_kept", "vault", dir.path());
    let output = support::run(program.env("WHYTRACE_CONTENT", "false"));

    assert_clean(dir.path(), &output);
    for (place, bytes) in everything(&dir.path().join("traces"), &output) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("keep-this-one") && !text.contains(ORDINARY), "content in {place}");
    }
    assert_eq!(support::documents(&dir.path().join("traces")).len(), 2);
}

#[test]
fn the_password_of_the_database_is_never_shown() {
    if support::part().is_some() {
        return play();
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("whytrace.toml"), RULES).unwrap();
    let mut program = support::program("the_password_of_the_database_is_never_shown", "vault", dir.path());
    // Nobody listens on the discard port: connecting fails, and says so.
    let output = support::run(program.env("WHYTRACE_DATABASE_URL", "postgres://me:hV9sLq4nUrlPw@127.0.0.1:9/traces"));
    assert_clean(dir.path(), &output);
    assert_eq!(support::documents(dir.path()).len(), 2);
}
