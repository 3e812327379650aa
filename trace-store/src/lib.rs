//! Where whytrace keeps traces and how they are asked for.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod calibrate;
pub mod files;
pub mod import;
pub mod prices;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod prompts;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod prune;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod query;
pub mod settings;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod sql;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod statistics;
