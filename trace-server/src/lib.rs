//! Traces for coding assistants, over the Model Context Protocol. The `whytrace` program serves it: `whytrace mcp`.

pub mod mcp;
