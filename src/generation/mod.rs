//! Helpers that make a layer of a generation pipeline one line: each does the work and records what there is to know of it.
//!
//! Comes in: a template, a file's content, generated code, a validator, a way to mend. Goes out: what the same code without these
//! helpers would give, and in the trace: variables and text before and after, checks before and after writing, findings with
//! line, column and context, every healing attempt and why healing ended. Where nothing is recorded they do the same work with the
//! same results.
//!
//! [`Diagnosis`] reads it back: it answers, from one trace, what was asked, what was answered, and why it failed.
//!
//! | layer | helper |
//! |---|---|
//! | model calls | [`#[observable(kind = llm)]`](macro@crate::observable), [`llm`](crate::llm) |
//! | templates | [`render`], [`render_text`] |
//! | code generation | [`codegen`] |
//! | validation and healing | [`Validator`], [`validate`], [`heal`], [`heal_async`] |
//! | files | [`write_file`], [`FileWriter`] |

mod codegen;
mod diagnosis;
mod file;
mod file_facts;
mod finding;
mod heal;
mod memory;
mod template;
mod validate;

pub use codegen::{Codegen, codegen};
pub use diagnosis::{Answer, Diagnosis, Failure, HealingRecord, ModelCall, Place, QUESTIONS, Transformation};
pub use file::{FileWriter, Unverified, Written, write_file};
pub use finding::{Artifact, Finding, Report, source_context};
pub use heal::{Broken, Fix, Healing, HealingEnd, heal, heal_async};
pub use memory::resident_memory;
pub use minijinja;
pub use template::{indentation_levels, render, render_text};
pub use validate::{Chain, Check, Validator, chain, check, validate};
