//! Where the answers come from, opened when it is needed.

use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use trace_store::prompts::Registry;
use trace_store::query::{QueryError, Store};
use trace_store::settings::{Database, Settings};
use trace_store::sql::{DatabaseUrl, SqlError};

/// A folder of documents is read again after this time: its index is of the moment at which it was made.
const FRESH: Duration = Duration::from_secs(10);

/// The traces of a configuration.
pub(super) struct Source {
    settings: Settings,
    open: Mutex<Option<(Arc<Store>, Instant)>>,
}

impl Source {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, open: Mutex::new(None) }
    }

    /// The traces, as they are now.
    pub(super) async fn store(&self) -> Result<Arc<Store>, QueryError> {
        let mut open = self.open.lock().await;
        if let Some((store, opened)) = &*open
            && (self.has_database() || opened.elapsed() < FRESH)
        {
            return Ok(Arc::clone(store));
        }
        let store = Arc::new(Store::open(&self.settings).await?);
        *open = Some((Arc::clone(&store), Instant::now()));
        Ok(store)
    }

    /// The registry of prompts; the error says why there is none.
    pub(super) async fn registry(&self) -> Result<Registry, String> {
        let url = match (&self.settings.database, self.settings.sqlite_path()) {
            (_, Some(path)) if path.exists() => DatabaseUrl::sqlite_file(&path),
            (Database::Postgres(url), _) => url.expose().parse().map_err(|error: SqlError| error.to_string())?,
            _ => return Err("there is no registry of prompts: it is in the database, and there is none".to_owned()),
        };
        Registry::open(&url, self.settings.prompts.catalog.clone()).await.map_err(|error| error.to_string())
    }

    fn has_database(&self) -> bool {
        match self.settings.sqlite_path() {
            Some(path) => path.exists(),
            None => matches!(self.settings.database, Database::Postgres(_)),
        }
    }
}
