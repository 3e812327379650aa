//! Specifications: JSON files in, what a component should be out.

use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// What a component should be.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Its name, in snake case; the file is called after it.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// What it holds.
    pub fields: Vec<Field>,
    /// What it can do.
    pub methods: Vec<Method>,
}

/// One thing that a component holds.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type in Rust.
    #[serde(rename = "type")]
    pub kind: String,
}

/// One thing that a component can do.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// The signature in Rust.
    pub signature: String,
    /// What it does.
    pub purpose: String,
    /// One way to write it. Templates copy it; a model may know a better one.
    #[serde(default)]
    pub hint: String,
}

impl Spec {
    /// The name of the Rust type: `todo_store` gives `TodoStore`.
    pub fn type_name(&self) -> String {
        let capital = |word: &str| {
            let mut chars = word.chars();
            chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
        };
        self.name.split('_').map(capital).collect()
    }
}

impl Method {
    /// The name in the signature.
    pub fn name(&self) -> &str {
        let after = self.signature.split("fn ").nth(1).unwrap_or_default();
        after.split(['(', '<']).next().unwrap_or_default().trim()
    }
}

/// Reads the specifications of a folder, in the order of their file names.
///
/// # Errors
/// The folder cannot be read, or a file in it is no specification.
pub fn read_all(folder: &Path) -> Result<Vec<Spec>, Error> {
    let unreadable = |source| Error::Specifications { path: folder.to_owned(), source };
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let mut paths: Vec<_> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().map_err(unreadable)?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Result<Spec, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::Specifications { path: path.to_owned(), source })?;
    let spec: Spec = serde_json::from_str(&text)
        .map_err(|error| Error::Specification { path: path.to_owned(), reason: error.to_string() })?;
    // The name becomes a file's name.
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    if is_name(&spec.name) {
        Ok(spec)
    } else {
        let reason = format!("the name {:?} is not in snake case", spec.name);
        Err(Error::Specification { path: path.to_owned(), reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_rust() {
        let own = read_all(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/codegen/specs"))).unwrap();
        let names: Vec<_> = own.iter().map(|spec| (spec.type_name(), spec.methods[0].name().to_owned())).collect();
        assert_eq!(names[0], ("EventLog".to_owned(), "record".to_owned()));
        assert_eq!(names.len(), 5);
    }

    #[test]
    fn a_name_that_could_leave_the_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let text = r#"{"name":"../x","purpose":"p","fields":[],"methods":[]}"#;
        std::fs::write(dir.path().join("a.json"), text).unwrap();
        assert!(read_all(dir.path()).unwrap_err().to_string().contains("a.json"));
    }
}
