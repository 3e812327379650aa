//! What settings are read from, so that tests need not change the process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// What settings are read from: the `WHYTRACE_…` variables, and where the search for `whytrace.toml` begins and ends.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Surroundings {
    /// The variables by name.
    pub variables: BTreeMap<String, OsString>,
    /// Where the search begins; without it, no file is looked for.
    pub current_dir: Option<PathBuf>,
    /// Where the search ends; without it, at the root.
    pub home: Option<PathBuf>,
}

/// Without the values: one of them may hold a password.
impl std::fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings")
            .field("variables", &self.variables.keys())
            .field("current_dir", &self.current_dir)
            .field("home", &self.home)
            .finish()
    }
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let ours = |(name, value): (OsString, OsString)| {
            let name = name.into_string().ok().filter(|name| name.starts_with("WHYTRACE_"))?;
            Some((name, value))
        };
        Self {
            variables: std::env::vars_os().filter_map(ours).collect(),
            current_dir: std::env::current_dir().ok(),
            home: std::env::home_dir(),
        }
    }
}
