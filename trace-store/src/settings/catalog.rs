//! The catalog and schema that registry names begin with, where prompts are kept in one.

use super::value::{Expected, Given, Value};
use std::fmt;
use std::str::FromStr;

/// The variable in which MLflow looks for a catalog and schema.
const MLFLOW_VARIABLE: &str = "MLFLOW_PROMPT_REGISTRY_UC_SCHEMA";

/// Set wherever a program runs on Databricks.
const DATABRICKS_VARIABLE: &str = "DATABRICKS_RUNTIME_VERSION";

const ACCEPTED: &str = "expected `catalog.schema`, each of letters, digits, `_` and `-`";

/// A catalog and a schema in it: `main.default`. Registry names then are `main.default.support_bot_prompt`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Catalog(String);

/// A text that is no catalog.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no catalog: expected `catalog.schema`, each of letters, digits, `_` and `-`")]
pub struct CatalogError {
    text: String,
}

impl Catalog {
    /// The catalog of this process: the one configured, else that of `MLFLOW_PROMPT_REGISTRY_UC_SCHEMA`, else `main.default` where
    /// `DATABRICKS_RUNTIME_VERSION` is set, else none.
    ///
    /// # Errors
    /// When what `MLFLOW_PROMPT_REGISTRY_UC_SCHEMA` says is no catalog.
    pub fn of_surroundings(
        configured: Option<Self>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, CatalogError> {
        let given = |name| variable(name).filter(|value| !value.trim().is_empty());
        match (configured, given(MLFLOW_VARIABLE)) {
            (Some(catalog), _) => Ok(Some(catalog)),
            (None, Some(text)) => text.parse().map(Some),
            (None, None) => Ok(given(DATABRICKS_VARIABLE).map(|_| Self("main.default".to_owned()))),
        }
    }

    /// The catalog and the schema, joined by a dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Reads the setting.
pub(crate) fn catalog(given: &Given<'_>) -> Result<Option<Catalog>, Expected> {
    match &given.value {
        Value::Text("") => Ok(None),
        Value::Text(text) => text.parse().map(Some).map_err(|_| ACCEPTED.into()),
        _ => Err(ACCEPTED.into()),
    }
}

impl FromStr for Catalog {
    type Err = CatalogError;

    fn from_str(text: &str) -> Result<Self, CatalogError> {
        let text = text.trim();
        let is_part = |part: &str| {
            !part.is_empty()
                && part.len() <= 64
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        };
        match text.split_once('.') {
            Some((catalog, schema)) if is_part(catalog) && is_part(schema) => Ok(Self(text.to_owned())),
            _ => Err(CatalogError { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_configured_wins_and_databricks_has_a_default() {
        let of = |configured: Option<&str>, variables: &[(&str, &str)]| {
            let variable =
                |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
            let configured = configured.map(|text| text.parse().unwrap());
            Catalog::of_surroundings(configured, variable).map(|catalog| catalog.map(|catalog| catalog.to_string()))
        };
        let (mlflow, databricks) = ((MLFLOW_VARIABLE, "ml.bilal"), (DATABRICKS_VARIABLE, "15.4"));
        assert_eq!(of(None, &[]), Ok(None));
        assert_eq!(of(None, &[databricks]), Ok(Some("main.default".to_owned())));
        assert_eq!(of(None, &[databricks, mlflow]), Ok(Some("ml.bilal".to_owned())));
        assert_eq!(of(Some("a.b"), &[databricks, mlflow]), Ok(Some("a.b".to_owned())));
        assert_eq!(of(None, &[(MLFLOW_VARIABLE, " ")]), Ok(None));
        for bad in ["a", "a.b.c", ".b", "a.", "a.b;drop"] {
            assert!(of(None, &[(MLFLOW_VARIABLE, bad)]).is_err(), "{bad}");
        }
    }
}
