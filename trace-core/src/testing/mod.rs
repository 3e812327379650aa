//! What tests need: the tree of a trace as text, and whether the code conforms to what it declares.

mod tree;

pub use crate::registry::assert_conformance;
pub use tree::tree;
