//! Postgres: a server that several machines may write to.
//!
//! New rows are copied in binary ([`copy`]). Others are inserted column by column, `UNNEST($1::text[], …)`: one statement for any
//! number of rows, and it keeps `ON CONFLICT`. Moments,
//! objects and lists travel as text and are cast there; money travels as picodollars and becomes NUMERIC(20,12).

mod at_once;
mod copy;

pub(super) use copy::CopyRows;

use super::{Failure, cells, on_conflict};
use crate::sql::error::SqlError;
use crate::sql::time;
use crate::sql::url::{DatabaseKind, DatabaseUrl};
use crate::sql::value::{Column, Kind, Table, Value};
use at_once::Sockets;
use copy::Room;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, PgConnection, Row as _, SqlSafeStr, SqlStr};
use std::borrow::Cow;
use std::collections::HashMap;
use std::future::Future;
use std::str::FromStr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

/// Who changes the schema holds this lock ("whytrace" in ASCII).
const SCHEMA_LOCK: i64 = 0x7768_7974_7261_6365;

/// How many rows one insert carries: measured, more are hardly faster.
const ROWS: usize = 512;

/// How many bytes of rows one message carries, more or less: it ends at 1 GiB.
const BYTES: usize = 16 << 20;

/// Held while a connection is opened, so that its socket is the only new one.
static OPENING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// How long another opening is waited for: a server that does not answer must not keep others waiting.
const ALONE: Duration = Duration::from_millis(50);

/// How long a change of the schema may take.
const SCRIPT: Duration = Duration::from_secs(6 * 3600);

/// How much longer than the server itself the client waits, before it takes the connection for dead.
const GRACE: Duration = Duration::from_secs(5);

const CHANGE_STATISTICS: &str = "
    UPDATE prompt_templates AS t SET
        total_executions     = t.total_executions + c.executions,
        success_count        = t.success_count + c.successes,
        failure_count        = t.failure_count + c.executions - c.successes,
        timed_executions     = t.timed_executions + c.timed,
        response_time_us_sum = t.response_time_us_sum + c.micros,
        counted_executions   = t.counted_executions + c.counted,
        token_count_sum      = t.token_count_sum + c.tokens,
        priced_executions    = t.priced_executions + c.priced,
        cost_usd_sum         = t.cost_usd_sum + c.usd,
        avg_response_time_ms = (t.response_time_us_sum + c.micros)::float8 / NULLIF(t.timed_executions + c.timed, 0) / 1000,
        avg_token_count      = (t.token_count_sum + c.tokens)::float8 / NULLIF(t.counted_executions + c.counted, 0),
        avg_cost_usd         = ROUND((t.cost_usd_sum + c.usd) / NULLIF(t.priced_executions + c.priced, 0), 12)
    FROM (
        SELECT key AS id, executions, successes, timed, micros, counted, tokens, priced, picodollars::numeric / 1000000000000 AS usd
        FROM jsonb_each($1::jsonb), jsonb_to_record(value) AS changes (
            executions bigint, successes bigint, timed bigint, micros bigint, counted bigint, tokens bigint, priced bigint, picodollars bigint)
    ) AS c
    WHERE t.id = c.id";

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Postgres {
    connection: PgConnection,
    patience: Duration,
    room: Room,
}

/// The driver's reading of a URL.
pub(super) fn options(url: &DatabaseUrl) -> Result<PgConnectOptions, sqlx::Error> {
    PgConnectOptions::from_str(url.secret())
}

/// What a SQLSTATE says about the database.
pub(super) fn failure(code: &str) -> Failure {
    match code.get(..2) {
        // Data exception, constraint violated, program limit exceeded: the row is to blame.
        Some("22" | "23" | "54") => Failure::Refused,
        // A statement that took too long.
        Some("57") if code == "57014" => Failure::Away,
        // Connection exception, operator intervention: shut down, failed over, cut off.
        Some("08" | "57") => Failure::Lost,
        _ => Failure::Away,
    }
}

impl Postgres {
    pub(super) async fn open(url: &DatabaseUrl, patience: Duration) -> Result<Self, SqlError> {
        let refuse = |reason: String| SqlError::Open { url: url.clone(), reason };
        let patience_ms = patience.as_millis().to_string();
        let options = options(url)
            .map_err(|error| refuse(error.to_string()))?
            .options([("lock_timeout", patience_ms.as_str()), ("client_min_messages", "warning"), ("TimeZone", "UTC")])
            .disable_statement_logging();
        let is_local = options.get_socket().is_some() || options.get_host().starts_with('/');
        let alone = if is_local { None } else { tokio::time::timeout(ALONE, OPENING.lock()).await.ok() };
        let before = alone.as_ref().and_then(|_| Sockets::open());
        match tokio::time::timeout(patience, options.connect()).await {
            Ok(Ok(connection)) => {
                // Where that cannot be done it is only slower.
                let is_at_once = is_local || before.is_some_and(|before| before.send_at_once());
                Ok(Self { connection, patience, room: Room::new(is_at_once) })
            }
            Ok(Err(error)) => Err(refuse(format!("{error} (check host, port, user, password and database)"))),
            Err(_) => Err(refuse(format!("no answer within {patience:?} (check host and port)"))),
        }
    }

    /// Plans are made for each question anew: what it asks for decides which index serves it. None is worth compiling.
    pub(super) async fn only_read(&mut self, patience: Duration) -> Result<(), sqlx::Error> {
        self.patience = patience;
        // Processes that help take some milliseconds to start, which pays for a scan of a table, not for a page of a list. A page of a table
        // costs about the same wherever it is: runs of a month lie together, and disks have no arm to move.
        self.script(
            "SET default_transaction_read_only = on; SET plan_cache_mode = force_custom_plan; SET jit = off; \
             SET parallel_setup_cost = 10000; SET random_page_cost = 1.1",
        )
        .await?;
        let sql = format!("SET statement_timeout = {}", patience.as_millis());
        self.run(AssertSqlSafe(sql).into_sql_str(), Vec::new()).await.map(|_| ())
    }

    pub(super) async fn run(&mut self, sql: SqlStr, arguments: Vec<Value>) -> Result<u64, sqlx::Error> {
        let query = bind_all(sqlx::query(sql), arguments);
        let done = within(self.patience, query.execute(&mut self.connection)).await?;
        Ok(done.rows_affected())
    }

    /// Runs statements of ours, which take as long as they take: an index of a large table is made in minutes.
    pub(super) async fn script(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        within(SCRIPT, sqlx::raw_sql(sql).execute(&mut self.connection)).await.map(|_| ())
    }

    /// A table that was written anew is read row by row until vacuum has seen it, which comes by itself only after many more rows. Where
    /// somebody else is at it, or the role may not do it, the server leaves it.
    pub(super) async fn settle(&mut self) -> Result<(), sqlx::Error> {
        self.script("VACUUM (ANALYZE, SKIP_LOCKED) traces").await
    }

    pub(super) async fn fetch(
        &mut self,
        sql: SqlStr,
        arguments: Vec<Value>,
        columns: &[Column],
    ) -> Result<Vec<Vec<Value>>, sqlx::Error> {
        let query = bind_all(sqlx::query(sql), arguments);
        let rows = within(self.patience, query.fetch_all(&mut self.connection)).await?;
        rows.iter().map(|row| cells(row, columns, list)).collect()
    }

    #[allow(clippy::unused_self)] // the same shape as the other dialect
    pub(super) fn select(&self) -> fn(&Column) -> Cow<'static, str> {
        selected
    }

    #[allow(clippy::unused_self)]
    pub(super) fn in_list(&self) -> &'static str {
        " = ANY($1::text[])"
    }

    #[allow(clippy::unused_self)]
    pub(super) fn select_clock(&self) -> &'static str {
        "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    }

    #[allow(clippy::unused_self)]
    pub(super) fn begin(&self) -> &'static str {
        "BEGIN"
    }

    #[allow(clippy::unused_self)]
    pub(super) fn begin_snapshot(&self) -> &'static str {
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    }

    #[allow(clippy::unused_self)]
    pub(super) fn for_update(&self) -> &'static str {
        " FOR UPDATE"
    }

    #[allow(clippy::unused_self)]
    pub(super) fn change_statistics(&self) -> &'static str {
        CHANGE_STATISTICS
    }

    pub(super) async fn lock_schema(&mut self) -> Result<(), sqlx::Error> {
        self.run("SELECT pg_advisory_xact_lock($1)".into_sql_str(), vec![Value::Int(SCHEMA_LOCK)]).await.map(|_| ())
    }

    /// Rows that do not exist yet cannot be locked, so the ids are; sorted, so that two programs wait for each other in one order. Each takes a
    /// place in a table that the whole server shares.
    pub(super) async fn lock_traces(&mut self, mut ids: Vec<String>) -> Result<(), sqlx::Error> {
        if ids.is_empty() {
            return Ok(());
        }
        ids.sort_unstable();
        let sql = "SELECT COUNT(pg_advisory_xact_lock(hashtextextended(id, 7))) FROM UNNEST($1::text[]) AS id";
        self.run(sql.into_sql_str(), vec![Value::List(ids)]).await.map(|_| ())
    }

    /// Only where unqualified names are made: other schemas may have tables of the same names.
    #[allow(clippy::unused_self)]
    pub(super) fn list_relations(&self) -> &'static str {
        "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')"
    }

    pub(super) async fn insert(&mut self, table: &'static Table, rows: Vec<Vec<Value>>) -> Result<(), sqlx::Error> {
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            let mut columns: Vec<ColumnOfCells> = table.columns.iter().map(|column| column.kind.into()).collect();
            let (mut count, mut bytes) = (0, 0);
            while count < ROWS && bytes < BYTES {
                let Some(row) = rows.next() else { break };
                count += 1;
                bytes += row.iter().map(Value::size).sum::<usize>();
                columns.iter_mut().zip(row).for_each(|(column, cell)| column.push(cell));
            }
            let query = columns.into_iter().fold(sqlx::query(insert_statement(table)), |query, c| c.bind(query));
            within(self.patience, query.execute(&mut self.connection)).await?;
        }
        Ok(())
    }

    /// Room for rows that are copied.
    pub(super) fn copy_rows(&self) -> CopyRows {
        self.room.take()
    }

    /// Inserts rows by binary `COPY`, which knows no `ON CONFLICT`, and leaves none.
    pub(super) async fn copy(&mut self, table: &'static Table, rows: &mut CopyRows) -> Result<(), sqlx::Error> {
        let Self { connection, patience, .. } = self;
        within(*patience, async {
            let mut copy = connection.copy_in_raw(copy_statement(table)).await?;
            // Where one message ends and the next begins means nothing.
            for message in rows.end().chunks(BYTES) {
                copy.send(message).await?;
            }
            copy.finish().await
        })
        .await?;
        rows.clear();
        Ok(())
    }

    pub(super) async fn close(self) {
        // A server that is gone needs no farewell.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.connection.close()).await;
    }
}

/// A server that vanished without a word (a cable, a firewall) would otherwise be waited for as long as TCP does.
async fn within<T>(patience: Duration, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    match tokio::time::timeout(patience + GRACE, work).await {
        Ok(done) => done,
        Err(_) => Err(sqlx::Error::Io(std::io::Error::new(
            std::io::ErrorKind::TimedOut,
            format!("no answer within {:?}", patience + GRACE),
        ))),
    }
}

/// How a column is read as the cell of its kind.
fn selected(column: &Column) -> Cow<'static, str> {
    DatabaseKind::Postgres.read(column.name, column)
}

/// The type of the array that a column's cells travel in, and the expression that makes the column of one of them.
fn travels_as(column: &Column) -> (&'static str, String) {
    let cell = format!("cells.{}", column.name);
    match column.kind {
        Kind::Text => ("text", cell),
        Kind::Int => ("bigint", cell),
        Kind::Float => ("float8", cell),
        Kind::Bool => ("bool", cell),
        Kind::Bytes => ("bytea", cell),
        Kind::Time => ("text", format!("{cell}::timestamptz")),
        Kind::Day => ("text", format!("{cell}::date")),
        Kind::Json => ("text", format!("{cell}::jsonb")),
        Kind::List => ("text", format!("{cell}::text[]")),
        Kind::Money => ("bigint", format!("({cell}::numeric / 1000000000000)::numeric(20,12)")),
    }
}

/// The statement that inserts any number of rows; made once.
fn insert_statement(table: &'static Table) -> SqlStr {
    static MADE: LazyLock<Mutex<HashMap<&'static str, SqlStr>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let statement = made.entry(table.name).or_insert_with(|| {
        let names: Vec<_> = table.columns.iter().map(|column| column.name).collect();
        let (types, cells): (Vec<_>, Vec<_>) = table.columns.iter().map(travels_as).unzip();
        let arrays: Vec<_> = types.iter().enumerate().map(|(index, of)| format!("${}::{of}[]", index + 1)).collect();
        let sql = format!(
            "INSERT INTO {} ({names}) SELECT {} FROM UNNEST({}) AS cells ({names}){}",
            table.name,
            cells.join(", "),
            arrays.join(", "),
            on_conflict(table, |column| column.name.into()),
            names = names.join(", "),
        );
        AssertSqlSafe(Arc::<str>::from(sql)).into_sql_str()
    });
    statement.clone()
}

/// The statement that copies rows; made once.
fn copy_statement(table: &'static Table) -> &'static str {
    static MADE: LazyLock<Mutex<HashMap<&'static str, &'static str>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.entry(table.name).or_insert_with(|| {
        let names = table.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
        // There is one for each of a dozen tables.
        Box::leak(format!("COPY {} ({names}) FROM STDIN (FORMAT binary)", table.name).into_boxed_str())
    })
}

type PgQuery = Query<'static, sqlx::Postgres, PgArguments>;

fn bind_all(query: PgQuery, arguments: Vec<Value>) -> PgQuery {
    arguments.into_iter().fold(query, |query, argument| match argument {
        Value::Null => query.bind(None::<String>),
        Value::Text(text) => query.bind(text),
        Value::Time(moment) => query.bind(time::fixed(moment)),
        Value::Day(day) => query.bind(day.to_string()),
        Value::Int(number) => query.bind(number),
        Value::Float(number) => query.bind(number),
        Value::Bool(truth) => query.bind(truth),
        Value::List(list) => query.bind(list),
        Value::Bytes(bytes) => query.bind(bytes),
    })
}

/// The cells of one column, of all rows.
enum ColumnOfCells {
    Text(Vec<Option<String>>),
    Int(Vec<Option<i64>>),
    Float(Vec<Option<f64>>),
    Bool(Vec<Option<bool>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl From<Kind> for ColumnOfCells {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text | Kind::Time | Kind::Day | Kind::Json | Kind::List => Self::Text(Vec::new()),
            Kind::Int | Kind::Money => Self::Int(Vec::new()),
            Kind::Float => Self::Float(Vec::new()),
            Kind::Bool => Self::Bool(Vec::new()),
            Kind::Bytes => Self::Bytes(Vec::new()),
        }
    }
}

impl ColumnOfCells {
    /// A cell of a kind that is not the column's cannot be: both come from the type of one field.
    fn push(&mut self, cell: Value) {
        match (self, cell) {
            (Self::Text(cells), Value::Text(text)) => cells.push(Some(text)),
            (Self::Text(cells), Value::Time(moment)) => cells.push(Some(time::fixed(moment))),
            (Self::Text(cells), Value::Day(day)) => cells.push(Some(day.to_string())),
            (Self::Text(cells), Value::List(list)) => cells.push(Some(array_literal(&list))),
            (Self::Text(cells), _) => cells.push(None),
            (Self::Int(cells), Value::Int(number)) => cells.push(Some(number)),
            (Self::Int(cells), _) => cells.push(None),
            (Self::Float(cells), Value::Float(number)) => cells.push(Some(number)),
            (Self::Float(cells), _) => cells.push(None),
            (Self::Bool(cells), Value::Bool(truth)) => cells.push(Some(truth)),
            (Self::Bool(cells), _) => cells.push(None),
            (Self::Bytes(cells), Value::Bytes(bytes)) => cells.push(Some(bytes)),
            (Self::Bytes(cells), _) => cells.push(None),
        }
    }

    fn bind(self, query: PgQuery) -> PgQuery {
        match self {
            Self::Text(cells) => query.bind(cells),
            Self::Int(cells) => query.bind(cells),
            Self::Float(cells) => query.bind(cells),
            Self::Bool(cells) => query.bind(cells),
            Self::Bytes(cells) => query.bind(cells),
        }
    }
}

/// A list as the text of an array, `{"a","b"}`: arrays of lists of different lengths do not exist there.
fn array_literal(list: &[String]) -> String {
    let quoted = |text: &String| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    format!("{{{}}}", list.iter().map(quoted).collect::<Vec<_>>().join(","))
}

fn list(row: &PgRow, index: usize) -> Result<Option<Vec<String>>, sqlx::Error> {
    row.try_get(index)
}
