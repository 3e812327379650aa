/// stub
#[derive(Debug)]
pub struct Prompt {}
impl Prompt { 
/// stub
pub fn link(&self) -> crate::model::PromptLink { Default::default() } }
