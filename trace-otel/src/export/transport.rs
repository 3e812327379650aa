//! The way to a backend.

use super::answer::Answer;
use super::http::Http;
use super::options::{ExportOptions, OptionsError, Protocol};
use crate::convert::OtlpRequest;

/// Sends requests and says what came back. It blocks.
pub(crate) trait Transport: Send {
    fn send(&mut self, request: &OtlpRequest) -> Answer;
}

impl Transport for Http {
    fn send(&mut self, request: &OtlpRequest) -> Answer {
        Self::send(self, request)
    }
}

/// The way that the options ask for.
pub(crate) fn connect(options: &ExportOptions) -> Result<Box<dyn Transport>, OptionsError> {
    match options.protocol {
        Protocol::HttpProtobuf | Protocol::HttpJson => Ok(Box::new(Http::new(options)?)),
        #[cfg(feature = "grpc")]
        Protocol::Grpc => Ok(Box::new(super::grpc::Grpc::new(options)?)),
        #[cfg(not(feature = "grpc"))]
        Protocol::Grpc => Err(OptionsError::NoGrpc),
    }
}
