#![doc = "[all keys]: macro@crate::decision"]
#![doc = "[recording]: crate::guide::recording"]
#![doc = "[configuration]: crate::guide::configuration"]
#![doc = ""]
#![doc = include_str!("../docs/guide.md")]
// The links above stand before those of the page, which lead to files, and so win here.

#[doc = "[configuration]: crate::guide::configuration\n[generation]: crate::guide::generation\n"]
#[doc = include_str!("../docs/recording.md")]
pub mod recording {}

#[doc = "[redaction]: crate::redact\n"]
#[doc = include_str!("../docs/generation.md")]
pub mod generation {}

#[doc = include_str!("../docs/configuration.md")]
pub mod configuration {}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
#[doc = "[performance]: https://github.com/whytrace/whytrace/blob/main/docs/performance.md\n"]
#[doc = include_str!("../docs/queries.md")]
pub mod queries {}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
#[doc = include_str!("../docs/prompts.md")]
pub mod prompts {}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
#[doc = "[prompts]: crate::guide::prompts\n[cost]: crate::guide::cost\n"]
#[doc = include_str!("../docs/experiments.md")]
pub mod experiments {}

#[doc = include_str!("../docs/cost.md")]
pub mod cost {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
