//! The MCP server: what the command line answers, as tools for assistants.
//!
//! Comes in: calls of tools, on stdin. Goes out: answers that fit the tools' output schemas, on stdout, each of at most [`MAX_ANSWER`] bytes;
//! what cannot be answered is a tool error that says what to do instead. Nothing is changed, and every question is answered by
//! [`trace_store::query`]. Messages go to stderr alone.

mod bound;
mod input;
mod part;
mod prompts;
mod source;
mod summary;
mod tools;

pub use bound::MAX_ANSWER;

use rmcp::ServiceExt;
use source::Source;
use tools::Tools;
use trace_store::settings::Settings;

/// Why the server ended before its client did.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum McpError {
    /// The client and the server did not come to terms.
    #[error(
        "the MCP session could not begin: {0}; an assistant starts `whytrace mcp` and speaks to its stdin, a person does not"
    )]
    Begin(String),
    /// The server broke down.
    #[error("the MCP session broke off: {0}")]
    Broke(#[from] tokio::task::JoinError),
}

/// Serves the traces that these settings name on stdin and stdout, until the client closes stdin.
///
/// Nothing is opened before the first question; what cannot be opened then is an answer to that question, and tried again at the next.
///
/// # Errors
/// [`McpError`]; that the client went away is none.
pub async fn serve_stdio(settings: Settings) -> Result<(), McpError> {
    let tools = Tools::new(Source::new(settings));
    let session = match tools.serve(rmcp::transport::stdio()).await {
        Ok(session) => session,
        // A client that goes away before it has said anything has had its answer.
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(McpError::Begin(error.to_string())),
    };
    session.waiting().await?;
    Ok(())
}
