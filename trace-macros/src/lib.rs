//! The attribute and function macros of whytrace.
