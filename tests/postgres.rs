//! Postgres as it is in real life: killed in the middle, behind TLS, beside somebody else's tables.

#![cfg(all(feature = "postgres", feature = "tokio"))]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on stops where it stands")]

#[path = "support/server.rs"]
mod server;
mod support;

use server::Server;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use whytrace::prelude::*;
use whytrace::sql::{DatabaseUrl, SqlStore};

#[traced_run(project = "steadfast", query = n.to_string())]
fn answer(n: u32) {
    choose(n);
}

#[traced_stage("choice")]
fn choose(n: u32) {
    decision!("source_selected", what = n.to_string(), why = "numbered", confidence = 0.5);
}

/// Makes traces in three parts, and waits between them until it is told to go on.
fn play_in_parts() {
    let guard = whytrace::init();
    let mut lines = std::io::stdin().lines();
    for part in [0..300, 300..700, 700..1_000] {
        part.for_each(answer);
        println!("\nmade");
        lines.next();
    }
    drop(guard);
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// A whole number that a query answers.
fn number(url: &str, query: &'static str) -> i64 {
    use sqlx::Connection;
    block_on(async {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::query_scalar::<_, i64>(query).fetch_one(&mut connection).await.unwrap()
    })
}

fn execute(url: &str, script: &'static str) {
    use sqlx::Connection;
    block_on(async {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(script).execute(&mut connection).await.unwrap();
    });
}

/// Waits until something holds, for two minutes at most.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(120), "not within two minutes: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_server_killed_in_the_middle_costs_no_document_no_row_and_no_time() {
    if support::part().is_some() {
        return play_in_parts();
    }
    let test = "a_server_killed_in_the_middle_costs_no_document_no_row_and_no_time";
    let Some(server) = Server::start(|_| String::new()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let traces = dir.path().join("traces");
    let mut program = support::program(test, "parts", dir.path());
    let log = std::fs::File::create(dir.path().join("stderr")).unwrap();
    program.env("WHYTRACE_DATABASE_URL", server.url()).stdin(Stdio::piped()).stderr(log);
    let mut child = program.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut made = || assert!(lines.by_ref().map_while(Result::ok).any(|line| line == "made"), "it ended by itself");

    made();
    server.stop_hard();
    input.write_all(b"on\n").unwrap();
    // Nobody starts the server before this part is made: a program that waited for it would never get there.
    made();
    server.start_again();
    input.write_all(b"on\n").unwrap();
    made();
    let rows = "SELECT COUNT(*) FROM traces";
    let migrated = "SELECT COUNT(*) FROM pg_tables WHERE tablename = 'traces'";
    eventually("all rows are written", || number(&server.url(), migrated) == 1 && number(&server.url(), rows) == 1_000);
    drop(input);
    std::thread::spawn(move || lines.count());
    assert!(child.wait().unwrap().success());

    let said = std::fs::read_to_string(dir.path().join("stderr")).unwrap();
    assert_eq!(support::documents(&traces).len(), 1_000, "{said}");
    assert_eq!(number(&server.url(), "SELECT COUNT(DISTINCT query) FROM traces WHERE status = 'complete'"), 1_000);
    assert_eq!(number(&server.url(), "SELECT COUNT(*) FROM decisions"), 1_000);
    assert_eq!(number(&server.url(), "SELECT CAST(SUM(runs) AS BIGINT) FROM daily_rollups"), 1_000);
    assert_eq!(number(&server.url(), "SELECT CAST(SUM(dropped_events) AS BIGINT) FROM traces"), 0);
    let waiting: Vec<_> = support::files(&traces.join(".outbox"));
    assert!(waiting.iter().all(|path| path.ends_with(".lock")), "{waiting:?}");
    assert!(said.lines().count() < 50, "a dead server is no reason for a line for each trace:\n{said}");
}

/// A certificate for 127.0.0.1 that the server signed itself; false where there is no openssl.
fn certify(data: &Path) -> bool {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args([
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            "server.key",
            "-out",
            "server.crt",
        ])
        .current_dir(data)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let _ = Command::new("chmod").arg("600").arg(data.join("server.key")).status();
    made.is_ok_and(|status| status.success())
}

#[test]
fn tls_is_what_the_url_says() {
    let mut certified = false;
    let server = Server::start(|data| {
        certified = certify(data);
        std::fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 trust\n").unwrap();
        if certified { "-c ssl=on".to_owned() } else { String::new() }
    });
    let Some(server) = server else { return };
    if !certified {
        let _ = writeln!(std::io::stderr(), "NOT TESTED: TLS, for there is no openssl to make a certificate with");
        return;
    }
    let mut certificate = String::new();
    std::fs::File::open(server.data().join("server.crt")).unwrap().read_to_string(&mut certificate).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.crt");
    std::fs::write(&root, certificate).unwrap();
    let open = |parameters: &str| {
        let url: DatabaseUrl = format!("{}?{parameters}", server.url()).parse().unwrap();
        block_on(async { SqlStore::open(&url).await?.migration_status().await.map(|_| ()) })
    };
    assert!(open("sslmode=disable").unwrap_err().to_string().contains("no encryption"));
    open("sslmode=require").unwrap();
    open(&format!("sslmode=verify-full&sslrootcert={}", root.display())).unwrap();
    let unknown = open("sslmode=verify-full").unwrap_err().to_string();
    assert!(unknown.contains("cannot open postgres://"), "{unknown}");
}

#[test]
fn a_schema_of_its_own_leaves_everything_else_alone() {
    let Some(server) = Server::start(|_| String::new()) else { return };
    execute(
        &server.url(),
        "CREATE TABLE projects (name TEXT); INSERT INTO projects VALUES ('theirs');
         CREATE TABLE traces (id INT); CREATE SCHEMA whytrace;",
    );
    let url = format!("{}?options[search_path]=whytrace", server.url());
    let dir = tempfile::tempdir().unwrap();
    let tracer = whytrace::Tracer::builder().dir(dir.path()).database_url(&url).init();
    (0..20).for_each(answer);
    drop(tracer);
    assert_eq!(number(&server.url(), "SELECT COUNT(*) FROM whytrace.traces"), 20);
    assert_eq!(number(&server.url(), "SELECT COUNT(*) FROM public.traces"), 0);
    assert_eq!(number(&server.url(), "SELECT COUNT(*) FROM public.projects WHERE name = 'theirs'"), 1);
    // Where it would have to share, it says what to do, and the traces wait.
    let dir = tempfile::tempdir().unwrap();
    let tracer = whytrace::Tracer::builder().dir(dir.path()).database_url(&server.url()).init();
    let trace = whytrace::TraceContext::start(whytrace::Run::new("shared"));
    trace.mark_complete();
    let report = trace.finish().wait();
    drop(tracer);
    assert_eq!(report.database, whytrace::DatabaseStatus::Queued);
    assert!(report.errors.iter().any(|error| error.contains("already has tables")), "{report:?}");
    assert_eq!(number(&server.url(), "SELECT COUNT(*) FROM public.projects"), 1);
}
