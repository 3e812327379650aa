//! Where the rows go, read from a URL whose password is never shown.

use super::value::{Expected, Given, Value};
use std::fmt;
use std::path::{Path, PathBuf};

/// Where the rows go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Database {
    /// Into SQLite, in the file `whytrace.db` in the folder of all traces.
    #[default]
    Embedded,
    /// Into SQLite, in this file.
    Sqlite(PathBuf),
    /// Into Postgres.
    Postgres(PostgresUrl),
    /// Nowhere: documents only.
    Off,
}

/// The URL of a Postgres database. It is shown without password; [`PostgresUrl::expose`] has it.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

/// What the value of a query parameter may be shown of; that of any other could be a secret.
const SHOWN_PARAMETERS: [&str; 7] = ["application_name", "dbname", "host", "hostaddr", "port", "sslmode", "user"];

impl PostgresUrl {
    /// The whole URL, with its password: for connecting, never for showing.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("postgres", ""));
        write!(f, "{scheme}://")?;
        // An unescaped `@`, `/` or `?` in a password would end it early, so everything up to the last `@` counts as user and
        // password: rather too much hidden than too little.
        let rest = match rest.rsplit_once('@') {
            Some((user_info, rest)) => {
                match user_info.split_once(':') {
                    Some((user, _)) => write!(f, "{user}:***@")?,
                    None => write!(f, "{user_info}@")?,
                }
                rest
            }
            None => rest,
        };
        let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
        f.write_str(place)?;
        for (index, parameter) in query.iter().flat_map(|query| query.split('&')).enumerate() {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = if SHOWN_PARAMETERS.contains(&key) { value } else { "***" };
            write!(f, "{}{key}={value}", if index == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::str::FromStr for Database {
    type Err = super::SettingsError;

    /// Reads `sqlite://PATH`, `postgres://USER:PASSWORD@HOST/DATABASE` or `off`. The error does not repeat the URL.
    fn from_str(url: &str) -> Result<Self, Self::Err> {
        database(&Given { value: Value::Text(url), base: None })
            .map_err(|expected| vec![super::Problem::general(format!("database URL: {expected}"))].into())
    }
}

/// Reads a database URL; what was expected never repeats the value.
pub(crate) fn database(given: &Given<'_>) -> Result<Database, Expected> {
    const ACCEPTED: &str = "expected sqlite://PATH, postgres://USER:PASSWORD@HOST/DATABASE or off";
    let text = match &given.value {
        Value::Bool(false) => return Ok(Database::Off),
        Value::Text(text) => *text,
        Value::Bool(true) | Value::Bytes(_) | Value::Number(_) | Value::List(_) | Value::Other(_) => {
            return Err(ACCEPTED.into());
        }
    };
    if text.eq_ignore_ascii_case("off") {
        return Ok(Database::Off);
    }
    let Some((scheme, rest)) = text.split_once("://") else { return Err(ACCEPTED.into()) };
    let scheme = scheme.to_ascii_lowercase();
    match scheme.as_str() {
        "sqlite" => sqlite(rest, given.base),
        "postgres" | "postgresql" if rest.trim_matches('/').is_empty() => {
            Err("the URL names no database: expected postgres://USER:PASSWORD@HOST/DATABASE".into())
        }
        "postgres" | "postgresql" => Ok(Database::Postgres(PostgresUrl(format!("{scheme}://{rest}")))),
        // What stands before `://` is a scheme only if it looks like one; else it could be anything.
        other if other.len() <= 16 && other.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+') => {
            Err(format!("the scheme `{other}` is not supported; {ACCEPTED}").into())
        }
        _ => Err(ACCEPTED.into()),
    }
}

fn sqlite(path: &str, base: Option<&Path>) -> Result<Database, Expected> {
    if path.is_empty() || path.contains('\0') {
        return Err("expected a path after sqlite://".into());
    }
    if path.contains('?') {
        return Err("sqlite:// takes a path only, without `?` and options".into());
    }
    if path.contains(":memory:") {
        return Err("a database in memory would be gone with the process; expected a path, or off".into());
    }
    Ok(Database::Sqlite(base.map_or_else(|| PathBuf::from(path), |base| base.join(path))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Database, Expected> {
        database(&Given { value: Value::Text(text), base: None })
    }

    #[test]
    fn urls_and_off_are_recognised() {
        assert_eq!(read("off"), Ok(Database::Off));
        assert_eq!(read("OFF"), Ok(Database::Off));
        assert_eq!(read("sqlite:///var/t.db"), Ok(Database::Sqlite("/var/t.db".into())));
        assert_eq!(read("sqlite://t.db"), Ok(Database::Sqlite("t.db".into())));
        let Ok(Database::Postgres(url)) = read("PostgreSQL://u:p@h/d") else { panic!() };
        assert_eq!(url.expose(), "postgresql://u:p@h/d");
        let relative = Given { value: Value::Text("sqlite://t.db"), base: Some(Path::new("/etc")) };
        assert_eq!(database(&relative), Ok(Database::Sqlite("/etc/t.db".into())));
    }

    #[test]
    fn what_is_no_database_is_refused_without_repeating_it() {
        for text in [
            "mysql://root:hunter2@h/d",
            "host=h password=hunter2",
            "hunter2://x",
            "postgres://",
            "postgres:///",
            "sqlite://",
            "sqlite://a?mode=hunter2",
            "sqlite://:memory:",
            "p:hunter2 secret://x",
        ] {
            let expected = read(text).unwrap_err();
            assert!(expected.contains("expected") || expected.contains("takes a path"), "{text}: {expected}");
            assert!(!expected.contains("hunter2") || text.starts_with("hunter2://"), "{text}: {expected}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://me:hunter2@h:5432/d?sslmode=require",
            "postgres://me:a/hunter2?@b@h/d",
            "postgres://me@h/d?password=hunter2&sslmode=require",
            "postgres://h/d?user=me&p%61ssword=hunter2",
            "postgres://me:hunter2@h/d?x=a@b",
        ] {
            let Ok(Database::Postgres(read)) = read(url) else { panic!("{url}") };
            for shown in [read.to_string(), format!("{read:?}"), format!("{:?}", Database::Postgres(read.clone()))] {
                assert!(!shown.contains("hunter2"), "{shown}");
            }
        }
        let Ok(Database::Postgres(url)) = read("postgres://me:x@h:5432/d?sslmode=require&k=v") else { panic!() };
        assert_eq!(url.to_string(), "postgres://me:***@h:5432/d?sslmode=require&k=***");
    }
}
