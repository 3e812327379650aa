//! Credentials that are recognised by their own form, whatever they are called.
//!
//! Comes in: text. Goes out: the places of provider keys, tokens, private keys and passwords in URLs.
//!
//! One automaton looks for the fixed part that each form has (its *gate*, such as `ghp_` or `://`); text without any costs
//! about a nanosecond a byte. Only at a gate is the rest of the form checked, by a scan over the bytes that follow. A scan that
//! failed is not repeated within the bytes it saw, so the whole is linear in the text, whatever the text.

use super::span::{Span, looks_like_credential, run_end, run_start};
use super::url;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::sync::LazyLock;

/// What may follow a gate.
#[derive(Clone, Copy)]
enum Form {
    /// At least `min` characters of a class; `alone`: only where no letter or digit stands before the gate.
    Key { class: Class, min: usize, alone: bool },
    /// Exactly so many characters of a class, with no letter or digit around.
    Exact { class: Class, len: usize },
    /// As `Key`, and with a digit among them: for gates that are also parts of words.
    Numbered { class: Class, min: usize },
    /// The gate is amid at least `min` characters of a class.
    Amid { class: Class, min: usize },
    /// Two or more parts of base64 with dots between.
    Jwt,
    /// The scheme and its credentials, as in the `Authorization` header.
    Bearer,
    /// The same, where the credentials are `user:password` in base64.
    Basic,
    /// From here to the end of the key, or of the text.
    PemBegin,
    /// Where the beginning was cut off: from the first line of base64 to here.
    PemEnd,
    /// `user:password@` after it.
    Url,
    /// The value of a parameter of a URL.
    Parameter,
    /// `user:password` as an argument on a command line.
    UserOption,
}

#[derive(Clone, Copy)]
enum Class {
    Alnum,
    /// Letters, digits, `_`, `-`.
    Word,
    /// Letters, digits, `_`, `-`, `.`, `~`.
    Dotted,
    /// Letters, digits, `/`, `_`, `-`.
    Path,
    Hex,
    Upper,
}

impl Class {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || b"_-".contains(&byte),
            Self::Dotted => byte.is_ascii_alphanumeric() || b"_-.~".contains(&byte),
            Self::Path => byte.is_ascii_alphanumeric() || b"/_-".contains(&byte),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        }
    }
}

const fn key(class: Class, min: usize) -> Form {
    Form::Key { class, min, alone: false }
}

const fn lone(class: Class, min: usize) -> Form {
    Form::Key { class, min, alone: true }
}

/// Gates and what follows. Lengths are somewhat below what providers issue today.
const FORMS: &[(&str, Form)] = &[
    // OpenAI, Anthropic, OpenRouter and whoever imitates them
    ("sk-", Form::Numbered { class: Class::Word, min: 16 }),
    ("sk-proj-", key(Class::Word, 8)),
    ("sk-ant-", key(Class::Word, 8)),
    ("sk-or-", key(Class::Word, 16)),
    ("sk-svcacct-", key(Class::Word, 8)),
    ("sk-admin-", key(Class::Word, 16)),
    // other model providers
    ("gsk_", lone(Class::Alnum, 20)),
    ("hf_", lone(Class::Alnum, 20)),
    ("api_org_", lone(Class::Alnum, 20)),
    ("xai-", lone(Class::Alnum, 20)),
    ("pplx-", lone(Class::Alnum, 20)),
    ("r8_", lone(Class::Alnum, 20)),
    ("nvapi-", key(Class::Word, 20)),
    ("tvly-", key(Class::Word, 16)),
    ("lsv2_", key(Class::Word, 20)),
    ("dapi", Form::Exact { class: Class::Hex, len: 32 }),
    // clouds
    ("AKIA", Form::Exact { class: Class::Upper, len: 16 }),
    ("ASIA", Form::Exact { class: Class::Upper, len: 16 }),
    ("AIza", lone(Class::Word, 30)),
    ("ya29.", lone(Class::Dotted, 20)),
    ("GOCSPX-", key(Class::Word, 20)),
    ("8Q~", Form::Amid { class: Class::Dotted, min: 32 }), // Azure client secrets
    ("JQQJ99", Form::Amid { class: Class::Alnum, min: 60 }), // Azure OpenAI and other Azure services
    ("sig=", Form::Parameter),                             // Azure shared access signatures
    ("ignature=", Form::Parameter),                        // signed URLs of AWS and Google
    ("dop_v1_", key(Class::Hex, 32)),
    // forges and package registries
    ("ghp_", key(Class::Alnum, 20)),
    ("gho_", key(Class::Alnum, 20)),
    ("ghu_", key(Class::Alnum, 20)),
    ("ghs_", key(Class::Alnum, 20)),
    ("ghr_", key(Class::Alnum, 20)),
    ("github_pat_", key(Class::Word, 20)),
    ("glpat-", key(Class::Dotted, 16)),
    ("glptt-", key(Class::Word, 16)),
    ("gldt-", key(Class::Word, 16)),
    ("glrt-", key(Class::Word, 16)),
    ("npm_", lone(Class::Alnum, 30)),
    ("pypi-", lone(Class::Word, 32)),
    ("dckr_pat_", key(Class::Word, 20)),
    // services
    ("xoxa-", key(Class::Word, 10)),
    ("xoxb-", key(Class::Word, 10)),
    ("xoxe-", key(Class::Word, 10)),
    ("xoxe.", key(Class::Dotted, 10)),
    ("xoxo-", key(Class::Word, 10)),
    ("xoxp-", key(Class::Word, 10)),
    ("xoxr-", key(Class::Word, 10)),
    ("xoxs-", key(Class::Word, 10)),
    ("xapp-", key(Class::Word, 10)),
    ("hooks.slack.com/services/", key(Class::Path, 10)),
    ("/api/webhooks/", key(Class::Path, 20)), // Discord
    ("sk_live_", key(Class::Alnum, 10)),
    ("sk_test_", key(Class::Alnum, 10)),
    ("rk_live_", key(Class::Alnum, 10)),
    ("rk_test_", key(Class::Alnum, 10)),
    ("whsec_", key(Class::Alnum, 16)),
    ("SG.", lone(Class::Dotted, 30)),
    ("SK", Form::Exact { class: Class::Hex, len: 32 }), // Twilio
    ("shpat_", key(Class::Hex, 20)),
    ("lin_api_", key(Class::Alnum, 20)),
    ("figd_", key(Class::Word, 20)),
    ("sntrys_", key(Class::Word, 20)),
    ("ATATT3", key(Class::Word, 20)),
    ("PMAK-", key(Class::Word, 20)),
    ("hvs.", lone(Class::Word, 20)),
    ("AGE-SECRET-KEY-1", key(Class::Upper, 20)),
    // forms without a provider
    ("eyJ", Form::Jwt),
    ("earer ", Form::Bearer),
    ("EARER ", Form::Bearer),
    ("asic ", Form::Basic),
    ("ASIC ", Form::Basic),
    ("-----BEGIN ", Form::PemBegin),
    ("-----END ", Form::PemEnd),
    ("://", Form::Url),
    (":\\/\\/", Form::Url), // as some programs write it in JSON
    (" -u ", Form::UserOption),
    ("--user ", Form::UserOption),
    ("--proxy-user ", Form::UserOption),
];

static GATES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let gates = FORMS.iter().map(|(gate, _)| gate);
    // The automaton is small and built from the table above, which a test does; without it nothing would be recognised.
    AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).kind(Some(AhoCorasickKind::DFA)).build(gates).ok()
});

/// The shortest text that can hold a credential: `a://:b@c`.
const SHORTEST: usize = 8;

/// Adds the places of all credentials in `text` to `spans`.
pub(super) fn find(text: &str, spans: &mut Vec<Span>) {
    let Some(gates) = GATES.as_ref().filter(|_| text.len() >= SHORTEST) else { return };
    let mut at = 0;
    let mut dead = [0; FORMS.len()];
    while let Some(hit) = gates.find(&text[at..]) {
        let (start, end, form) = (at + hit.start(), at + hit.end(), hit.pattern().as_usize());
        at = text.ceil_char_boundary(start + 1);
        if start < dead[form] {
            continue;
        }
        match check(text.as_bytes(), start, end, FORMS[form].1) {
            Ok(span) => {
                at = at.max(span.end);
                spans.push(span);
            }
            Err(seen) => dead[form] = seen,
        }
    }
}

/// Whether no letter or digit stands before. The end of an escape is none: `{:?}` and JSON write a line break as `\n`, URLs a space as `%20`.
fn stands_alone(before: &[u8]) -> bool {
    match before {
        [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f' | b'0'] | [.., b'\\', b'u', _, _, _, _] => true,
        [.., b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => true,
        [.., last] => !last.is_ascii_alphanumeric(),
        [] => true,
    }
}

/// The place of the credential whose gate is `start..end`, or up to where no gate of the same form can begin one.
fn check(bytes: &[u8], start: usize, end: usize, form: Form) -> Result<Span, usize> {
    let stands_alone = stands_alone(&bytes[..start]);
    match form {
        // What must stand alone and does not is refused before anything is scanned: scans must not overlap.
        Form::Key { alone: true, .. } | Form::Exact { .. } | Form::Numbered { .. } | Form::Jwt if !stands_alone => {
            Err(end)
        }
        Form::Key { class, min, alone: _ } => {
            let stop = run_end(bytes, end, class.matcher());
            if stop - end >= min { Ok(start..stop) } else { Err(stop) }
        }
        Form::Exact { class, len } => {
            let stop = run_end(bytes, end, Class::Alnum.matcher());
            let fits = stop - end == len && bytes[end..stop].iter().all(|&byte| class.has(byte));
            if fits { Ok(start..stop) } else { Err(stop) }
        }
        Form::Numbered { class, min } => {
            let stop = run_end(bytes, end, class.matcher());
            let fits = stop - end >= min && bytes[end..stop].iter().any(u8::is_ascii_digit);
            if fits { Ok(start..stop) } else { Err(stop) }
        }
        Form::Amid { class, min } => {
            let first = run_start(bytes, start, 256, class.matcher());
            let stop = run_end(bytes, end, class.matcher());
            if stop - first >= min { Ok(first..stop) } else { Err(stop) }
        }
        Form::Jwt => jwt(bytes, start),
        Form::Bearer => scheme(bytes, end, |word| looks_like_credential(word) || looks_random(word)),
        Form::Basic => {
            scheme(bytes, end, |word| is_user_and_password(word) || (looks_random(word) && looks_like_credential(word)))
        }
        Form::PemBegin => pem_begin(bytes, start, end),
        Form::PemEnd => pem_end(bytes, start, end),
        Form::Url => url::password(bytes, start, end),
        Form::Parameter => {
            let name = run_start(bytes, start, 32, Class::Word.matcher());
            if name == 0 || !b"?&;".contains(&bytes[name - 1]) {
                return Err(end);
            }
            let stop = run_end(bytes, end, |byte| !byte.is_ascii_whitespace() && !b"&#\"'<>\\)".contains(&byte));
            if stop - end >= 8 { Ok(end..stop) } else { Err(stop) }
        }
        Form::UserOption => user_option(bytes, end),
    }
}

impl Class {
    fn matcher(self) -> impl Fn(u8) -> bool {
        move |byte| self.has(byte)
    }
}

/// Header, payload and, where it was not cut off, signature; an encrypted token has five parts.
fn jwt(bytes: &[u8], start: usize) -> Result<Span, usize> {
    let part = |at| run_end(bytes, at, Class::Word.matcher());
    let header = part(start);
    if header - start < 10 || bytes.get(header) != Some(&b'.') {
        return Err(header);
    }
    let payload = part(header + 1);
    if payload - header <= 8 {
        return Err(header);
    }
    let mut stop = payload;
    while bytes.get(stop) == Some(&b'.') && stop + 1 < bytes.len() {
        let next = part(stop + 1);
        if next == stop + 1 {
            break;
        }
        stop = next;
    }
    Ok(start..stop)
}

/// The credentials after the name of a scheme and a space.
fn scheme(bytes: &[u8], end: usize, is_credential: impl Fn(&[u8]) -> bool) -> Result<Span, usize> {
    let first = run_end(bytes, end, |byte| byte == b' ');
    let of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.~+/=:%".contains(&byte);
    let stop = run_end(bytes, first, of_token);
    let mut word = &bytes[first..stop];
    while let [rest @ .., b'.' | b':'] = word {
        word = rest; // the end of a sentence
    }
    if is_credential(word) { Ok(first..first + word.len()) } else { Err(stop) }
}

/// Whether a word is base64 of readable text with a colon in it.
fn is_user_and_password(word: &[u8]) -> bool {
    let (mut buffer, mut bits, mut has_colon, mut decoded) = (0_u32, 0, false, 0);
    for &byte in word {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => return false,
        };
        (buffer, bits) = (buffer << 6 | u32::from(digit), bits + 6);
        if bits >= 8 {
            bits -= 8;
            let [.., byte] = (buffer >> bits).to_be_bytes();
            buffer &= (1 << bits) - 1;
            if byte < b' ' || byte == 0x7F {
                return false;
            }
            has_colon |= byte == b':';
            decoded += 1;
        }
    }
    has_colon && decoded >= 3
}

/// Whether a word cannot be one of a sentence.
fn looks_random(word: &[u8]) -> bool {
    word.len() >= 16 && word.iter().any(u8::is_ascii_digit)
}

/// A private key with its frame; without an end, to the end of the text.
fn pem_begin(bytes: &[u8], start: usize, end: usize) -> Result<Span, usize> {
    if !is_private_key_label(bytes, end) {
        return Err(end);
    }
    let stop = memchr::memmem::find(&bytes[end..], b"-----END ").map_or(bytes.len(), |at| {
        let label = end + at + b"-----END ".len();
        memchr::memmem::find(&bytes[label..], b"-----").map_or(bytes.len(), |close| label + close + b"-----".len())
    });
    Ok(start..stop)
}

/// The rest of a private key whose beginning was cut off.
fn pem_end(bytes: &[u8], start: usize, end: usize) -> Result<Span, usize> {
    if !is_private_key_label(bytes, end) {
        return Err(end);
    }
    let of_body = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=\\\r\n\"".contains(&byte);
    Ok(run_start(bytes, start, usize::MAX, of_body)..end)
}

/// Whether `… PRIVATE KEY…-----` follows, as in `RSA PRIVATE KEY-----` and `PGP PRIVATE KEY BLOCK-----`.
fn is_private_key_label(bytes: &[u8], at: usize) -> bool {
    let label = &bytes[at..run_end(bytes, at, |byte| byte.is_ascii_uppercase() || byte == b' ').min(at + 64)];
    memchr::memmem::find(label, b"PRIVATE KEY").is_some()
}

/// The password of `user:password`, perhaps quoted; two numbers are the ids of a user and a group.
fn user_option(bytes: &[u8], end: usize) -> Result<Span, usize> {
    let quote = bytes.get(end).copied().filter(|byte| b"\"'".contains(byte));
    let first = end + usize::from(quote.is_some());
    let stop = run_end(bytes, first, |byte| match quote {
        Some(quote) => byte != quote && byte != b'\n',
        None => !byte.is_ascii_whitespace() && !b"\"'".contains(&byte),
    });
    let Some(colon) = memchr::memchr(b':', &bytes[first..stop]).map(|at| first + at) else { return Err(end) };
    let are_numbers = bytes[first..stop].iter().all(|byte| byte.is_ascii_digit() || *byte == b':');
    if colon == first || colon + 1 == stop || are_numbers || bytes[colon..stop].starts_with(b"://") {
        return Err(end);
    }
    Ok(colon + 1..stop)
}
