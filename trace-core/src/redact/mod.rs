//! stub
use crate::event::Body;
/// stub
#[derive(Clone, Debug, Default)]
pub struct RedactConfig {}
/// stub
#[derive(Debug)]
pub struct Redactor;
/// stub
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct RuleError;
impl Redactor {
    /// stub
    pub fn new(_: &RedactConfig) -> Result<Self, RuleError> {
        Ok(Self)
    }
    /// stub
    pub fn body(&self, _: &mut Body) {}
    /// stub
    pub fn text(&self, _: &mut String) {}
    /// stub
    pub fn name(&self, _: &mut String) {}
}
