//! Traces over the Model Context Protocol.
