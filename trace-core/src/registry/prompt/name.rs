//! The names of prompts in the registry.

/// What a registry name ends with.
const SUFFIX: &str = "_prompt";

/// How long a registry name may be, in bytes.
const MAX_NAME: usize = 64;

/// The name under which a prompt is registered: lower case, `[a-z0-9_]`, ending in `_prompt`.
///
/// ```
/// use trace_core::registry::registry_name;
/// assert_eq!(registry_name("support_bot"), "support_bot_prompt");
/// assert_eq!(registry_name("Support-Bot prompt"), "support_bot_prompt");
/// ```
#[must_use]
pub fn registry_name(name: &str) -> String {
    let clean = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let mut clean: String = name.chars().map(clean).collect();
    if !clean.ends_with(SUFFIX) {
        clean.push_str(SUFFIX);
    }
    clean
}

/// What is wrong with a prompt's name, if anything. A `const fn`, so that `prompt!` can ask while it compiles.
#[must_use]
pub const fn name_fault(name: &str) -> Option<&'static str> {
    let bytes = name.as_bytes();
    if bytes.is_empty() {
        return Some("a prompt's name must not be empty");
    }
    if !bytes[0].is_ascii_alphabetic() {
        return Some("a prompt's name must start with a letter");
    }
    let mut at = 0;
    while at < bytes.len() {
        if !(bytes[at].is_ascii_alphanumeric() || matches!(bytes[at], b'_' | b'-' | b' ' | b'.')) {
            return Some("a prompt's name must consist of the letters a to z, digits and `_`");
        }
        at += 1;
    }
    let suffix = if ends_with_suffix(bytes) { 0 } else { SUFFIX.len() };
    if bytes.len() + suffix > MAX_NAME {
        return Some("a prompt's name must have at most 64 characters, `_prompt` at its end included");
    }
    None
}

const fn ends_with_suffix(name: &[u8]) -> bool {
    let suffix = SUFFIX.as_bytes();
    if name.len() < suffix.len() {
        return false;
    }
    let (_, end) = name.split_at(name.len() - suffix.len());
    let mut at = 0;
    while at < suffix.len() {
        let clean = if end[at].is_ascii_alphanumeric() { end[at].to_ascii_lowercase() } else { b'_' };
        if clean != suffix[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The name, if nothing is wrong with it; `prompt!` calls this while the program is compiled, where the panic is an error.
#[doc(hidden)]
#[must_use]
pub const fn checked_prompt_name(name: &'static str) -> &'static str {
    match name_fault(name) {
        None => name,
        Some(fault) => panic!("{}", fault),
    }
}
