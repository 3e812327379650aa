//! Where whytrace keeps traces and how they are asked for.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod sql;
