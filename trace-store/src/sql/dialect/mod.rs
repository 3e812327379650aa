//! What differs between the databases, and nothing else: how a connection is opened, what a cell becomes, how rows are inserted,
//! which errors mean that the database is away.
//!
//! Comes in: statements with `$1` parameters, tables and cells. Goes out: what the database made of them. Everything above this module is
//! the same code for both.

mod new_rows;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
pub(crate) mod words;

pub(crate) use new_rows::NewRows;

use super::error::SqlError;
use super::url::{DatabaseKind, DatabaseUrl};
use super::value::{Column, Kind, Row, Table, Value};
use sqlx::SqlSafeStr;
use std::borrow::Cow;
use std::time::Duration;

/// A statement made of literals and constants only, never of anything from outside.
pub(crate) type Sql = Cow<'static, str>;

/// A connection to either database.
#[derive(Debug)]
pub(crate) enum Connection {
    /// To a file.
    #[cfg(feature = "sqlite")]
    Sqlite(sqlite::Sqlite),
    /// To a server.
    #[cfg(feature = "postgres")]
    Postgres(postgres::Postgres),
}

/// What a failed statement says about the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The connection to it is lost; a new one may work at once.
    Lost,
    /// It cannot be used now: locked, full, gone, or its schema is broken. The same statement may work later.
    Away,
    /// It works, and refuses this row.
    Refused,
}

/// Runs `$body` with `$connection` bound to the connection of whichever database it is.
macro_rules! either {
    ($self:expr, $connection:ident => $body:expr) => {
        match $self {
            #[cfg(feature = "sqlite")]
            Connection::Sqlite($connection) => $body,
            #[cfg(feature = "postgres")]
            Connection::Postgres($connection) => $body,
        }
    };
}

/// Whether the driver understands the URL.
pub(crate) fn check(url: &DatabaseUrl) -> Result<(), sqlx::Error> {
    match url.kind() {
        #[cfg(feature = "sqlite")]
        DatabaseKind::Sqlite => sqlite::options(url).map(|_| ()),
        #[cfg(feature = "postgres")]
        DatabaseKind::Postgres => postgres::options(url).map(|_| ()),
        #[cfg(not(all(feature = "sqlite", feature = "postgres")))]
        _ => Ok(()),
    }
}

impl Connection {
    /// Opens a connection; `patience` is how long to wait for locks, and for a server to answer.
    pub(crate) async fn open(url: &DatabaseUrl, patience: Duration) -> Result<Self, SqlError> {
        match url.kind() {
            #[cfg(feature = "sqlite")]
            DatabaseKind::Sqlite => sqlite::Sqlite::open(url, patience, true).await.map(Self::Sqlite),
            #[cfg(feature = "postgres")]
            DatabaseKind::Postgres => postgres::Postgres::open(url, patience).await.map(Self::Postgres),
            #[cfg(not(all(feature = "sqlite", feature = "postgres")))]
            _ => Err(SqlError::Url { url: url.to_string(), reason: "this program was built without it".to_owned() }),
        }
    }

    /// The same, but a file that is missing is not made.
    pub(crate) async fn open_existing(url: &DatabaseUrl, patience: Duration) -> Result<Self, SqlError> {
        match url.kind() {
            #[cfg(feature = "sqlite")]
            DatabaseKind::Sqlite => sqlite::Sqlite::open(url, patience, false).await.map(Self::Sqlite),
            _ => Self::open(url, patience).await,
        }
    }

    /// Makes it a connection that only reads, and gives up a statement after `patience`.
    pub(crate) async fn only_read(&mut self, patience: Duration) -> Result<(), sqlx::Error> {
        either!(self, connection => connection.only_read(patience).await)
    }

    /// Outside of a transaction: makes indexes that answer alone do so again, after tables were written anew.
    pub(crate) async fn settle(&mut self) -> Result<(), sqlx::Error> {
        match self {
            // There every index is whole from the start.
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => connection.settle().await,
        }
    }

    /// Which database it is.
    pub(crate) fn kind(&self) -> DatabaseKind {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => DatabaseKind::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => DatabaseKind::Postgres,
        }
    }

    /// Whether what it is connected to is still what the URL names.
    pub(crate) fn is_current(&self) -> bool {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(connection) => connection.is_current(),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => true,
        }
    }

    /// Runs one statement; returns how many rows it changed.
    pub(crate) async fn run(&mut self, sql: impl Into<Sql>, arguments: Vec<Value>) -> Result<u64, sqlx::Error> {
        let sql = sqlx::AssertSqlSafe(sql.into()).into_sql_str();
        either!(self, connection => connection.run(sql, arguments).await)
    }

    /// Runs several statements without parameters.
    pub(crate) async fn script(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        either!(self, connection => connection.script(sql).await)
    }

    /// Reads rows whose columns are `columns`, as [`Connection::selection`] names them.
    pub(crate) async fn fetch(
        &mut self,
        sql: impl Into<Sql>,
        arguments: Vec<Value>,
        columns: &[Column],
    ) -> Result<Vec<Vec<Value>>, sqlx::Error> {
        let sql = sqlx::AssertSqlSafe(sql.into()).into_sql_str();
        either!(self, connection => connection.fetch(sql, arguments, columns).await)
    }

    /// The columns of a table as a list to select, each read as the cell of its kind.
    pub(crate) fn selection(&self, table: &Table) -> String {
        let select = either!(self, connection => connection.select());
        table.columns.iter().map(select).collect::<Vec<_>>().join(", ")
    }

    /// What to call a parameter that is compared with a column of this kind, such as `$2`.
    pub(crate) fn parameter(&self, kind: Kind, number: usize) -> String {
        self.kind().parameter(kind, number).into_owned()
    }

    /// The condition that a column is in the list that is the first parameter: `trace_id` + [`Connection::in_list`].
    pub(crate) fn in_list(&self) -> &'static str {
        either!(self, connection => connection.in_list())
    }

    /// What ends a query whose rows nobody else may change before the transaction ends.
    pub(crate) fn for_update(&self) -> &'static str {
        either!(self, connection => connection.for_update())
    }

    /// The statement that changes the statistics of versions by the JSON object that is its parameter, `{"<id>": {"executions": 1, …}}`.
    pub(crate) fn change_statistics(&self) -> &'static str {
        either!(self, connection => connection.change_statistics())
    }

    /// Inserts rows. A row whose key exists replaces the one that is there, but for what the table keeps.
    pub(crate) async fn insert(&mut self, table: &'static Table, rows: Vec<Vec<Value>>) -> Result<(), sqlx::Error> {
        either!(self, connection => connection.insert(table, rows).await)
    }

    /// The same with rows that are no cells yet.
    pub(crate) async fn insert_rows<R: Row>(&mut self, rows: impl IntoIterator<Item = R>) -> Result<(), sqlx::Error> {
        self.insert(const { &R::TABLE }, rows.into_iter().map(R::into_cells).collect()).await
    }

    /// Begins to collect rows whose keys are not there.
    pub(crate) fn new_rows<R: Row>(&self) -> NewRows<R> {
        match self {
            // There is no faster way than that of all others.
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => NewRows::plain(),
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => NewRows::for_copy(connection.copy_rows()),
        }
    }

    /// Inserts them, and leaves none. A row whose key is there is an error.
    pub(crate) async fn insert_new<R: Row>(&mut self, rows: &mut NewRows<R>) -> Result<(), sqlx::Error> {
        #[cfg(feature = "postgres")]
        if let (Self::Postgres(connection), Some(copied)) = (&mut *self, &mut rows.copied)
            && !copied.is_empty()
        {
            connection.copy(const { &R::TABLE }, copied).await?;
        }
        self.insert_rows(rows.take()).await
    }

    /// Begins a transaction that may write.
    pub(crate) async fn begin(&mut self) -> Result<(), sqlx::Error> {
        let begin = either!(self, connection => connection.begin());
        self.run(begin, Vec::new()).await.map(|_| ())
    }

    /// Keeps what the transaction did.
    pub(crate) async fn commit(&mut self) -> Result<(), sqlx::Error> {
        self.run("COMMIT", Vec::new()).await?;
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(connection) => connection.shorten_log().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => {}
        }
        Ok(())
    }

    /// Undoes what the transaction did; where even that fails, the connection is no longer of use.
    pub(crate) async fn rollback(&mut self) -> Result<(), sqlx::Error> {
        self.run("ROLLBACK", Vec::new()).await.map(|_| ())
    }

    /// Does all of the work in one transaction, or nothing of it.
    pub(crate) async fn in_transaction<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        self.begin().await?;
        self.ended(work).await
    }

    /// The same for work that only reads, all of it from one state of the database.
    pub(crate) async fn in_snapshot<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        self.begin_snapshot().await?;
        self.ended(work).await
    }

    async fn ended<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        match work(self).await {
            Ok(done) => self.commit().await.map(|()| done),
            Err(error) => {
                // The first error is the one that matters; a connection that cannot roll back refuses the next `BEGIN`, and is replaced.
                let _ = self.rollback().await;
                Err(error)
            }
        }
    }

    /// Inside a transaction: waits until no other process changes the schema.
    pub(crate) async fn lock_schema(&mut self) -> Result<(), sqlx::Error> {
        either!(self, connection => connection.lock_schema().await)
    }

    /// Inside a transaction: waits until no other program writes these traces, and keeps others waiting.
    pub(crate) async fn lock_traces(&mut self, ids: Vec<String>) -> Result<(), sqlx::Error> {
        either!(self, connection => connection.lock_traces(ids).await)
    }

    /// Begins a transaction that only reads, and sees the database as it is now however long it takes.
    async fn begin_snapshot(&mut self) -> Result<(), sqlx::Error> {
        let begin = either!(self, connection => connection.begin_snapshot());
        self.run(begin, Vec::new()).await.map(|_| ())
    }

    /// The names of the tables and views that are there.
    pub(crate) async fn relations(&mut self) -> Result<Vec<String>, sqlx::Error> {
        let sql = either!(self, connection => connection.list_relations());
        let column = Column { name: "name", kind: Kind::Text };
        let rows = self.fetch(sql, Vec::new(), &[column]).await?;
        let text = |row: Vec<Value>| match row.into_iter().next() {
            Some(Value::Text(name)) => Some(name),
            _ => None,
        };
        Ok(rows.into_iter().filter_map(text).collect())
    }

    /// A statement for the moment at which it runs, as RFC 3339 in UTC.
    pub(crate) fn select_clock(&self) -> &'static str {
        either!(self, connection => connection.select_clock())
    }

    /// Closes the connection properly.
    pub(crate) async fn close(self) {
        either!(self, connection => connection.close().await);
    }
}

/// What an error says about the database.
pub(crate) fn failure(error: &sqlx::Error) -> Failure {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code();
            let code = code.as_deref().unwrap_or_default();
            #[cfg(feature = "sqlite")]
            if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
                return sqlite::failure(code);
            }
            #[cfg(feature = "postgres")]
            if error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
                return postgres::failure(code);
            }
            let _ = code;
            Failure::Away
        }
        sqlx::Error::Encode(_) => Failure::Refused,
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed => {
            Failure::Lost
        }
        _ => Failure::Away,
    }
}

/// Whether a statement failed because it took too long: `SQLITE_INTERRUPT`, or the SQLSTATE of a cancelled query.
pub(crate) fn was_given_up(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("9" | "57014"))
}

/// The part of an insert that makes it idempotent: ` ON CONFLICT (key) DO UPDATE SET …`, or `DO NOTHING` where everything is kept.
fn on_conflict(table: &Table, column_name: impl Fn(&Column) -> Cow<'static, str>) -> String {
    let replaced = |column: &&Column| !table.key.contains(&column.name) && !table.keep.contains(&column.name);
    let updates: Vec<String> = table
        .columns
        .iter()
        .filter(replaced)
        .map(|column| match (column_name(column), table.adds) {
            (name, false) => format!("{name} = excluded.{name}"),
            (name, true) => format!("{name} = {}.{name} + excluded.{name}", table.name),
        })
        .collect();
    let action = if updates.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", updates.join(", ")) };
    format!(" ON CONFLICT ({}) DO {action}", table.key.join(", "))
}

/// The cells of a row that was read; `list` reads a list, which only one of the databases knows.
fn cells<'r, R: sqlx::Row>(
    row: &'r R,
    columns: &[Column],
    list: impl Fn(&'r R, usize) -> Result<Option<Vec<String>>, sqlx::Error>,
) -> Result<Vec<Value>, sqlx::Error>
where
    usize: sqlx::ColumnIndex<R>,
    String: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    i64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    f64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    bool: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    Vec<u8>: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    let cell = |(index, column): (usize, &Column)| {
        Ok(match column.kind {
            Kind::Text | Kind::Time | Kind::Day | Kind::Json => {
                row.try_get::<Option<String>, _>(index)?.map(Value::Text)
            }
            Kind::Int | Kind::Money => row.try_get::<Option<i64>, _>(index)?.map(Value::Int),
            Kind::Float => row.try_get::<Option<f64>, _>(index)?.map(Value::Float),
            Kind::Bool => row.try_get::<Option<bool>, _>(index)?.map(Value::Bool),
            Kind::List => list(row, index)?.map(Value::List),
            Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(index)?.map(Value::Bytes),
        }
        .unwrap_or(Value::Null))
    };
    columns.iter().enumerate().map(cell).collect()
}
