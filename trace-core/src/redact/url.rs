//! Passwords in URLs: `postgres://user:password@host/db` keeps everything but the password.

use super::span::{Span, run_end};

/// The longest name of a user that is looked at, in bytes.
const USER_MAX: usize = 256;

/// The place of the password in the URL whose `://` is `start..end`, or up to where there can be none.
///
/// A user without a password that looks like a token (`https://<token>@host`) counts as one.
pub(super) fn password(bytes: &[u8], start: usize, end: usize) -> Result<Span, usize> {
    if start == 0 || !bytes[start - 1].is_ascii_alphanumeric() {
        return Err(end);
    }
    let of_user = |byte: u8| !is_boundary(byte) && !b":/?#@".contains(&byte);
    let user = run_end(bytes, end, of_user);
    // `[` begins an address of IP version 6, whose colons are no passwords'.
    match bytes.get(user) {
        Some(b'@') if user - end >= 20 && bytes[end..user].iter().any(u8::is_ascii_digit) => Ok(end..user),
        Some(b':') if user - end <= USER_MAX && bytes[end] != b'[' => after_colon(bytes, user + 1),
        _ => Err(user),
    }
}

/// `first` is where a password begins, or a port.
fn after_colon(bytes: &[u8], first: usize) -> Result<Span, usize> {
    let authority = run_end(bytes, first, |byte| !is_boundary(byte) && !b"/?#".contains(&byte));
    if let Some(at) = memchr::memrchr(b'@', &bytes[first..authority]) {
        return found(bytes, first, first + at);
    }
    if bytes[first..authority].iter().all(u8::is_ascii_digit) {
        return Err(authority);
    }
    // A password with `/`, `?` or `#` in it, not encoded as it should be.
    let stop = run_end(bytes, first, |byte| !is_boundary(byte));
    match memchr::memrchr(b'@', &bytes[first..stop]) {
        Some(at) => found(bytes, first, first + at),
        None => Err(stop),
    }
}

fn found(bytes: &[u8], first: usize, stop: usize) -> Result<Span, usize> {
    let is_done = first == stop || &bytes[first..stop] == super::REDACTED.as_bytes();
    if is_done { Err(stop) } else { Ok(first..stop) }
}

/// What ends a URL in text.
fn is_boundary(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte.is_ascii_control() || b"\"'`<>".contains(&byte)
}
