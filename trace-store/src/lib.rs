//! Where whytrace keeps traces and how they are asked for.

pub mod files;
pub mod settings;
