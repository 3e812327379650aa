//! The rows of a database, to be written into another one: as they are by binary `COPY`, and value by value in inserts of many rows.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection, QueryBuilder, Row};

/// The tables that traces are written to; the sums of days are a few rows.
const TABLES: [&str; 10] = [
    "stages",
    "decisions",
    "observations",
    "scores",
    "prompt_executions",
    "trace_documents",
    "traces",
    "projects",
    "calibration_flags",
    "principle_gaps",
];

/// The most parameters that a statement carries.
const PARAMETERS: usize = 32_000;

/// The rows of all tables, in as many shares as there are connections.
pub(crate) struct Rows(Vec<Vec<Table>>);

struct Table {
    name: &'static str,
    columns: Vec<Column>,
    /// As `COPY` wrote them.
    binary: Vec<u8>,
    /// As texts.
    rows: Vec<Vec<Option<String>>>,
}

struct Column {
    name: String,
    /// The type that a text is cast to.
    of: String,
}

/// Runs what asks a server, on this thread.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(work).map_err(|error| error.to_string())
}

/// Runs a statement.
pub(crate) fn execute(url: &str, sql: &str) -> Result<(), String> {
    block_on(async {
        let mut connection = PgConnection::connect(url).await?;
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
        connection.close().await
    })
}

impl Rows {
    /// Reads everything.
    pub(crate) fn read(url: &str, shares: usize) -> Result<Self, String> {
        block_on(async {
            let mut connection = PgConnection::connect(url).await?;
            let mut all = Vec::new();
            for share in 0..shares {
                let mut tables = Vec::new();
                for name in TABLES {
                    tables.push(Table::read(&mut connection, name, share, shares).await?);
                }
                all.push(tables);
            }
            Ok(Self(all))
        })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().flatten().map(|table| table.rows.len()).sum()
    }

    /// Writes them by binary `COPY`.
    pub(crate) fn copy(&self, url: &str) -> Result<(), String> {
        self.on_each_connection(url, async |connection, table| table.copy(connection).await)
    }

    /// Writes them by inserts of many rows, as one writes them with a query builder.
    pub(crate) fn insert(&self, url: &str) -> Result<(), String> {
        self.on_each_connection(url, async |connection, table| table.insert(connection).await)
    }

    fn on_each_connection(
        &self,
        url: &str,
        write: impl AsyncFn(&mut PgConnection, &Table) -> Result<(), sqlx::Error> + Sync,
    ) -> Result<(), String> {
        let work = |tables: &[Table]| {
            block_on(async {
                let mut connection = PgConnection::connect(url).await?;
                for table in tables {
                    write(&mut connection, table).await?;
                }
                connection.close().await
            })
        };
        std::thread::scope(|scope| {
            let work = &work;
            let threads: Vec<_> = self.0.iter().map(|tables| scope.spawn(move || work(tables))).collect();
            threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a connection panicked".to_owned())?)
        })
    }
}

impl Table {
    async fn read(
        connection: &mut PgConnection,
        name: &'static str,
        share: usize,
        shares: usize,
    ) -> Result<Self, sqlx::Error> {
        let sql = "SELECT column_name::text, udt_name::text FROM information_schema.columns
            WHERE table_schema = current_schema() AND table_name = $1 AND is_generated = 'NEVER' ORDER BY ordinal_position";
        let columns = sqlx::query(sql).bind(name).fetch_all(&mut *connection).await?;
        let columns: Vec<Column> = columns.iter().map(|row| Column { name: row.get(0), of: row.get(1) }).collect();
        let names = columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
        let key = if name == "projects" { "project_id" } else { "trace_id" };
        let chosen = format!("FROM {name} WHERE abs(hashtext({key}) % {shares}) = {share}");
        let mut binary = Vec::new();
        {
            use futures_util::TryStreamExt;
            let copy = format!("COPY (SELECT {names} {chosen}) TO STDOUT (FORMAT binary)");
            let mut stream = connection.copy_out_raw(&copy).await?;
            while let Some(bytes) = stream.try_next().await? {
                binary.extend_from_slice(&bytes);
            }
        }
        // In the simple protocol every value comes as its text.
        let rows = sqlx::raw_sql(AssertSqlSafe(format!("SELECT {names} {chosen}"))).fetch_all(&mut *connection).await?;
        let texts = |row: &PgRow| (0..row.len()).map(|at| row.get_unchecked(at)).collect();
        let rows = rows.iter().map(texts).collect();
        Ok(Self { name, columns, binary, rows })
    }

    fn names(&self) -> String {
        self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    async fn copy(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let copy = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", self.name, self.names());
        let mut copy = connection.copy_in_raw(&copy).await?;
        for piece in self.binary.chunks(1 << 20) {
            copy.send(piece).await?;
        }
        copy.finish().await.map(|_| ())
    }

    async fn insert(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        for rows in self.rows.chunks((PARAMETERS / self.columns.len()).min(512)) {
            let mut insert = QueryBuilder::new(format!("INSERT INTO {} ({}) ", self.name, self.names()));
            insert.push_values(rows, |mut values, row| {
                for (value, column) in row.iter().zip(&self.columns) {
                    values.push_bind(value.as_deref()).push_unseparated("::").push_unseparated(&column.of);
                }
            });
            insert.push(" ON CONFLICT DO NOTHING");
            insert.build().execute(&mut *connection).await?;
        }
        Ok(())
    }
}
