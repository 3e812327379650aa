//! Which database to use.
//!
//! Comes in: a URL from the user's configuration. Goes out: a [`DatabaseUrl`], which shows itself without its password.

use super::error::SqlError;
use crate::settings::{Database, Settings};
use std::fmt;
use std::str::FromStr;

/// A database URL.
///
/// `sqlite:traces/whytrace.db`, `sqlite://relative.db` and `sqlite:///absolute.db` name a file, which is created (with its folders)
/// when it is missing, unless `?mode=rw` or `?mode=ro` says otherwise. `postgres://user:password@host/database` names a Postgres database.
///
/// ```
/// # #[cfg(feature = "postgres")] {
/// use trace_store::sql::DatabaseUrl;
/// let url: DatabaseUrl = "postgres://ann:secret@db/traces".parse().unwrap();
/// assert_eq!(url.to_string(), "postgres://ann:***@db/traces");
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

/// Which database a URL names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DatabaseKind {
    /// SQLite, embedded in this process.
    Sqlite,
    /// A Postgres server.
    Postgres,
}

impl DatabaseUrl {
    /// Which database it names.
    #[must_use]
    pub fn kind(&self) -> DatabaseKind {
        if self.0.starts_with("sqlite:") { DatabaseKind::Sqlite } else { DatabaseKind::Postgres }
    }

    /// The URL of a SQLite file that is created when it is missing.
    ///
    /// ```
    /// use trace_store::sql::DatabaseUrl;
    /// assert_eq!(DatabaseUrl::sqlite_file("traces/50 %.db".as_ref()).to_string(), "sqlite:traces/50 %25.db");
    /// ```
    #[must_use]
    pub fn sqlite_file(path: &std::path::Path) -> Self {
        let path = path.to_string_lossy();
        Self(format!("sqlite:{}", path.replace('%', "%25").replace('?', "%3F").replace('#', "%23")))
    }

    /// A SQLite database without a name: a temporary file of its one connection, gone with it.
    pub(crate) fn temporary() -> Self {
        Self("sqlite:".to_owned())
    }

    /// The database that settings ask for; `None` when they ask for none.
    ///
    /// # Errors
    /// [`SqlError::Url`] when it cannot be taken, or this program was built without that database.
    pub fn of_settings(settings: &Settings) -> Result<Option<Self>, SqlError> {
        let url = match (&settings.database, settings.sqlite_path()) {
            (_, Some(path)) => Self::sqlite_file(&path),
            (Database::Postgres(url), None) => url.expose().parse()?,
            (_, None) => return Ok(None),
        };
        url.compiled_in()?;
        Ok(Some(url))
    }

    /// Fails when this program was built without that database.
    pub(crate) fn compiled_in(&self) -> Result<(), SqlError> {
        let built = match self.kind() {
            DatabaseKind::Sqlite => cfg!(feature = "sqlite"),
            DatabaseKind::Postgres => cfg!(feature = "postgres"),
        };
        let reason = "this program was built without that database (a cargo feature of whytrace)".to_owned();
        if built { Ok(()) } else { Err(SqlError::Url { url: self.to_string(), reason }) }
    }

    /// The URL as it was given, with its password.
    pub(crate) fn secret(&self) -> &str {
        &self.0
    }
}

impl FromStr for DatabaseUrl {
    type Err = SqlError;

    fn from_str(text: &str) -> Result<Self, SqlError> {
        let text = text.trim();
        let refuse = |reason: &str| SqlError::Url { url: without_password(text), reason: reason.to_owned() };
        match text.split_once(':').map_or("", |(scheme, _)| scheme) {
            "sqlite" | "postgres" | "postgresql" => {}
            "" => return Err(refuse("it has no scheme")),
            _ => return Err(refuse("its scheme is neither sqlite nor postgres")),
        }
        let url = Self(text.to_owned());
        url.compiled_in()?;
        super::dialect::check(&url).map_err(|error| refuse(&error.to_string()))?;
        Ok(url)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(&self.0))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a query parameter may be shown of; the value of any other could be a secret.
const SHOWN: [&str; 12] = [
    "application_name",
    "cache",
    "dbname",
    "host",
    "hostaddr",
    "immutable",
    "mode",
    "options",
    "port",
    "sslmode",
    "user",
    "vfs",
];

/// The URL with `***` for everything that could be a password. An unescaped `@`, `/` or `?` in a password would end it early, so
/// everything up to the last `@` counts as user and password: rather too much hidden than too little.
fn without_password(url: &str) -> String {
    let mut shown = String::new();
    let mut rest = url;
    if let (Some((scheme, place)), false) = (url.split_once("://"), url.starts_with("sqlite:")) {
        shown = format!("{scheme}://");
        rest = place;
        if let Some((user_info, place)) = place.rsplit_once('@') {
            match user_info.split_once(':') {
                Some((user, _)) => shown += &format!("{user}:***@"),
                None => shown += &format!("{user_info}@"),
            }
            rest = place;
        }
    }
    let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
    shown.push_str(place);
    for (index, parameter) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let known = SHOWN.iter().any(|shown| key == *shown || key.starts_with("options["));
        shown += &format!("{}{key}={}", if index == 0 { '?' } else { '&' }, if known { value } else { "***" });
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_ever_shown() {
        for (url, shown) in [
            ("postgres://ann:s3cret@db:5432/t?sslmode=require", "postgres://ann:***@db:5432/t?sslmode=require"),
            ("postgres://ann:s3@cret@db/t", "postgres://ann:***@db/t"),
            ("postgres://ann:s3?cr/et@db/t", "postgres://ann:***@db/t"),
            ("postgresql://db/t?user=ann&password=s3cret", "postgresql://db/t?user=ann&password=***"),
            ("postgres://ann@db/t", "postgres://ann@db/t"),
            ("mysql://ann:s3cret@db/t", "mysql://ann:***@db/t"),
            ("sqlite:a@b.db?mode=rwc", "sqlite:a@b.db?mode=rwc"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }

    #[test]
    fn what_is_no_database_url_says_why() {
        for bad in ["", "whytrace.db", "mysql://ann:s3cret@db/t", "sqlite:x.db?mode=upside-down"] {
            let message = bad.parse::<DatabaseUrl>().unwrap_err().to_string();
            assert!(message.contains("expected sqlite:") && !message.contains("s3cret"), "{message}");
        }
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn files_are_named_in_three_ways() {
        for url in ["sqlite:///tmp/x.db", "sqlite://x.db", "sqlite:x.db?mode=ro"] {
            assert_eq!(url.parse::<DatabaseUrl>().unwrap().kind(), DatabaseKind::Sqlite);
        }
    }
}
