//! Which names are those of secrets.
//!
//! Comes in: the name of a field, as programs, headers, URLs and environments write it. Goes out: whether what stands under
//! it is a secret.
//!
//! Names are compared by whole words: `dbPassword`, `DB_PASSWORD`, `db-password` and `db password` are the words
//! `db password`. Words that always mean a secret count anywhere in the name (`password_2_for_bob`), unless the name ends in
//! what is only said *about* one (`password_length`). Words that mean one only as the thing itself (`token`, `cookie`)
//! count where they end the name: `auth_token` is a secret; `token_count`, `max_tokens` and `next_page_token` are none.

use super::vocabulary::{
    is_about, is_kind_of_key, is_kind_of_pass, is_kind_of_token, is_qualifier, is_stem, is_strong, is_token_of_text,
};

/// The longest part of a name that is looked at, in bytes; of a longer one the end, where its head stands.
const LONGEST: usize = 96;

/// The names of secrets: the built-in ones, more of the user's, and those the user keeps.
#[derive(Debug, Default)]
pub(super) struct FieldNames {
    /// `_words_of_the_name_`, so that whole words are found by searching for it.
    extra: Vec<String>,
    keep: Vec<String>,
}

impl FieldNames {
    pub(super) fn new(extra: &[String], keep: &[String]) -> Self {
        let framed = |names: &[String]| {
            let names = names.iter().map(|name| Words::of(name).framed());
            names.filter(|name| name.len() > 2).collect()
        };
        Self { extra: framed(extra), keep: framed(keep) }
    }

    /// Whether what stands under `name` is a secret.
    pub(super) fn is_secret(&self, name: &str) -> bool {
        self.may_be_secret(name) && self.decide(&Words::of(name))
    }

    /// A cheap look that settles most names, and texts without any.
    pub(super) fn may_be_secret(&self, name: &str) -> bool {
        !self.extra.is_empty() || has_stem(name.as_bytes())
    }

    /// As [`FieldNames::is_secret`] for a name inside text; `before` is the word before it, which belongs to names written
    /// with spaces (`API key: …`).
    pub(super) fn is_secret_in_text(&self, before: &str, name: &str) -> bool {
        if !self.may_be_secret(name) {
            return false;
        }
        let words = Words::of(name);
        if before.is_empty()
            || !matches!(words.text(), "key" | "keys" | "token" | "tokens" | "pass" | "phrase" | "word" | "code")
        {
            return self.decide(&words);
        }
        let mut both = String::with_capacity(before.len() + 1 + name.len());
        both.extend([before, " ", name]);
        self.decide(&Words::of(&both))
    }

    fn decide(&self, words: &Words) -> bool {
        if self.extra.is_empty() && self.keep.is_empty() {
            return is_builtin(words);
        }
        let framed = words.framed();
        !self.keep.contains(&framed) && (is_builtin(words) || self.extra.iter().any(|extra| framed.contains(extra)))
    }
}

/// Whether `name` is a `token` of an unknown sort, which means a secret as a field and much else in text: there its value must
/// look like a credential too.
pub(super) fn is_weak(before: &str, name: &str) -> bool {
    let words = Words::of(name);
    let Some(kind) = words.text().strip_suffix("token") else { return false };
    let before = before.to_ascii_lowercase();
    let kind = if kind.is_empty() { before.as_str() } else { last_word(kind.trim_end_matches('_')) };
    !is_kind_of_token(kind)
}

/// Every name of a secret contains the beginning of one of its words; most names contain none.
fn has_stem(name: &[u8]) -> bool {
    name.windows(3).any(|window| is_stem([window[0] | 0x20, window[1] | 0x20, window[2] | 0x20]))
}

fn is_builtin(words: &Words) -> bool {
    let mut rest = words.text();
    let mut last = last_word(rest);
    while is_qualifier(last) || (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit())) {
        rest = rest[..rest.len() - last.len()].trim_end_matches('_');
        last = last_word(rest);
    }
    if is_about(last) {
        return false;
    }
    let mut before = "";
    for word in rest.split('_') {
        if is_strong(word) || is_strong_pair(before, word) {
            return true;
        }
        before = word;
    }
    let before = last_word(rest[..rest.len() - last.len()].trim_end_matches('_'));
    match last {
        "token" => !is_token_of_text(before),
        "authorization" | "bearer" | "cookie" | "cookies" | "cvc" | "cvv" | "jwt" | "otp" | "ssn" => true,
        "auth" => matches!(before, "basic" | "http" | "proxy"),
        "code" => matches!(before, "authorization" | "mfa" | "otp" | "pass"),
        "pass" => is_kind_of_pass(before),
        _ => false,
    }
}

fn is_strong_pair(first: &str, second: &str) -> bool {
    match second {
        "key" | "keys" => is_kind_of_key(first),
        "tokens" => is_kind_of_token(first),
        "phrase" | "word" => first == "pass",
        _ => false,
    }
}

fn last_word(words: &str) -> &str {
    words.rsplit('_').next().unwrap_or(words)
}

/// The words of a name, in lower case, joined by `_`; on the stack, since every field of every event passes here.
struct Words {
    buffer: [u8; 2 * LONGEST],
    len: usize,
}

impl Words {
    fn of(name: &str) -> Self {
        let bytes = &name.as_bytes()[name.ceil_char_boundary(name.len().saturating_sub(LONGEST))..];
        let mut words = Self { buffer: [0; 2 * LONGEST], len: 0 };
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let escaped =
                byte == b'%' && bytes.len() > at + 2 && bytes[at + 1..at + 3].iter().all(u8::is_ascii_hexdigit);
            if escaped {
                words.push(b'_');
                at += 3;
                continue;
            }
            if at > 0 && is_hump(bytes[at - 1], byte, bytes.get(at + 1).copied()) {
                words.push(b'_');
            }
            words.push(if byte.is_ascii_alphanumeric() || !byte.is_ascii() { byte.to_ascii_lowercase() } else { b'_' });
            at += 1;
        }
        while words.len > 0 && words.buffer[words.len - 1] == b'_' {
            words.len -= 1;
        }
        words
    }

    /// Appends a byte; of several `_` only the first, and none at the beginning.
    fn push(&mut self, byte: u8) {
        if byte == b'_' && (self.len == 0 || self.buffer[self.len - 1] == b'_') {
            return;
        }
        self.buffer[self.len] = byte; // twice the bytes of the name fit: at most one `_` is added before each
        self.len += 1;
    }

    fn text(&self) -> &str {
        // Whole characters went in and only ASCII was changed, so this is text.
        std::str::from_utf8(&self.buffer[..self.len]).unwrap_or_default()
    }

    fn framed(&self) -> String {
        format!("_{}_", self.text())
    }
}

/// Whether a word begins at `byte`: `userPassword`, `APIKey`, `password2`, `s3Secret`.
fn is_hump(before: u8, byte: u8, after: Option<u8>) -> bool {
    let lower_next = after.is_some_and(|after| after.is_ascii_lowercase());
    (byte.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()))
        || (byte.is_ascii_uppercase() && before.is_ascii_uppercase() && lower_next)
        || (byte.is_ascii_digit() && before.is_ascii_alphabetic())
        || (byte.is_ascii_lowercase() && before.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_recognised() {
        const NAMES: &str = "
            password db_password userPassword PASSWORD PGPASSWORD password2 password_hash passwd pwd MYSQL_PWD
            passphrase passPhrase secret client_secret clientSecret clientsecret AWS_SECRET_ACCESS_KEY
            secret_key_base token access_token accessToken refresh_token auth_token authToken session_token
            x-csrf-token id_token access_tokens api_key apikey apiKey APIKey x-api-key OPENAI_API_KEY
            OPENAI_API_KEY_PROD API_KEY_2 openai.api.key authorization Proxy-Authorization cookie Set-Cookie
            cookies private_key privateKey ssh_key credential credentials gcp_credentials_json bearer
            bearer_token ssn cvv smtp_pass user[password] user%5Bpassword%5D AccountKey jwt basic_auth
            X-Goog-Api-Key password_for_bob hf_token github_token tokenValue otp";
        let names = FieldNames::default();
        for name in NAMES.split_whitespace() {
            assert!(names.is_secret(name), "{name}");
        }
    }

    #[test]
    fn names_of_other_things_are_not() {
        const NAMES: &str = "
            _ max_tokens maxTokens input_tokens total_tokens tokens tokens_in token_count tokenCount tokenizer
            token_type token_usage tokens_per_second next_page_token nextPageToken eos_token time_to_first_token
            cost_per_token secretary passing passed pass passport author authors authority authored_by
            cookies_eaten cookie_policy password_length password_policy has_password_expired secret_name key
            keys primary_key foreign_key cache_key sort_key keyboard monkey session_id user_id compass bypass
            credit bearing model prompt_name private publicKey api_keys_count private_key_path mot-de-passé
            größe";
        let names = FieldNames::default();
        for name in NAMES.split_whitespace() {
            assert!(!names.is_secret(name), "{name}");
        }
    }

    #[test]
    fn words_before_a_name_in_text_belong_to_it() {
        let names = FieldNames::default();
        assert!(names.is_secret("api key"));
        assert!(names.is_secret_in_text("API", "key"));
        assert!(!names.is_secret_in_text("primary", "key"));
        assert!(!names.is_secret_in_text("first", "token"));
        assert!(!names.is_secret_in_text("secret", "agent"));
    }

    #[test]
    fn users_add_and_keep_names() {
        let names = FieldNames::new(&["customerNo".into(), String::new()], &["csrf_token".into()]);
        for name in ["customer_no", "CUSTOMER-NO", "old.customer.no"] {
            assert!(names.is_secret(name), "{name}");
        }
        assert!(!names.is_secret("customer_note"));
        assert!(!names.is_secret("csrfToken"));
        assert!(names.is_secret("csrf_token_secret"));
    }

    #[test]
    fn any_name_is_read_without_trouble() {
        let names = FieldNames::default();
        assert!(names.is_secret(&format!("{}_password", "x".repeat(1000))));
        assert!(names.is_secret(&format!("{}_password", "é".repeat(47))));
        assert!(!names.is_secret(&"aB1".repeat(1000)));
        assert!(!names.is_secret("%"));
    }
}
