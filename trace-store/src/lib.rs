//! Where whytrace keeps traces and how they are asked for.

pub mod files;
pub mod prices;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod prompts;
pub mod settings;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod sql;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod statistics;
