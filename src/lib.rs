//! Instrumentation for AI pipelines that records why.
