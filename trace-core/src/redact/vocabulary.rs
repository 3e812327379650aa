//! The words that names of secrets are made of, in lower case. How they combine is in [`super::field_name`].

#![allow(clippy::match_like_matches_macro)] // in arms, words stay together; in the macro, each would take a line

/// Words that mean a secret wherever they stand; also written as one with a word before: `PGPASSWORD`, `clientsecret`.
pub(super) fn is_strong(word: &str) -> bool {
    const ENDINGS: [&str; 7] = ["password", "passwd", "passphrase", "secret", "apikey", "secretkey", "accesskey"];
    match word {
        "accesskey" | "accesstoken" | "apikey" | "apikeys" | "apisecret" | "apitoken" | "authtoken" | "bottoken"
        | "clientsecret" | "cred" | "credential" | "credentials" | "creds" | "idtoken" | "passcode" | "passphrase"
        | "passwd" | "password" | "passwords" | "passwort" | "privatekey" | "privkey" | "pwd" | "refreshtoken"
        | "secret" | "secretkey" | "secrets" | "sessiontoken" | "sshkey" | "usertoken" => true,
        _ => ENDINGS.iter().any(|ending| word.ends_with(ending)),
    }
}

/// What makes a `key` a secret, standing before it.
pub(super) fn is_kind_of_key(word: &str) -> bool {
    match word {
        "access" | "account" | "admin" | "api" | "auth" | "authentication" | "authorization" | "client"
        | "encryption" | "license" | "master" | "private" | "secret" | "server" | "service" | "shared" | "signing"
        | "ssh" | "storage" | "subscription" | "webhook" => true,
        _ => false,
    }
}

/// What makes a `token` a secret beyond doubt, and several `tokens` at all, standing before it.
pub(super) fn is_kind_of_token(word: &str) -> bool {
    match word {
        "access" | "admin" | "api" | "auth" | "authentication" | "bearer" | "bot" | "csrf" | "github" | "gitlab"
        | "hf" | "id" | "oauth" | "personal" | "push" | "refresh" | "secret" | "security" | "session" | "slack"
        | "user" | "vault" | "xsrf" => true,
        _ => false,
    }
}

/// What makes a `token` none, standing before it: a token of a text, a model, a list or a grammar.
pub(super) fn is_token_of_text(word: &str) -> bool {
    match word {
        "a" | "bos" | "cached" | "class" | "cls" | "completion" | "continuation" | "current" | "cursor" | "each"
        | "end" | "eos" | "every" | "final" | "first" | "generated" | "image" | "in" | "input" | "last" | "mask"
        | "max" | "min" | "new" | "next" | "of" | "one" | "out" | "output" | "pad" | "page" | "pagination" | "per"
        | "pr" | "predicted" | "prev" | "previous" | "prompt" | "reasoning" | "sep" | "separator" | "single"
        | "special" | "start" | "stop" | "sync" | "that" | "this" | "total" | "unk" | "unknown" | "which" => true,
        _ => false,
    }
}

/// What makes a `pass` a secret, standing before it.
pub(super) fn is_kind_of_pass(word: &str) -> bool {
    match word {
        "admin" | "auth" | "basic" | "db" | "email" | "ftp" | "http" | "ldap" | "login" | "mail" | "mysql" | "my"
        | "pg" | "proxy" | "redis" | "root" | "smtp" | "ssh" | "user" => true,
        _ => false,
    }
}

/// Endings that only say something about a secret.
pub(super) fn is_about(word: &str) -> bool {
    match word {
        "age" | "bytes" | "changed" | "chars" | "count" | "counts" | "digits" | "enabled" | "exists" | "expired"
        | "expires" | "expiration" | "expiry" | "file" | "filename" | "kind" | "len" | "length" | "limit" | "max"
        | "min" | "name" | "names" | "path" | "policy" | "present" | "provider" | "required" | "rotation" | "size"
        | "store" | "strength" | "ttl" | "type" | "types" | "url" | "uri" | "valid" | "version" => true,
        _ => false,
    }
}

/// Endings that change nothing: `API_KEY_PROD`, `password_hash`, `token_value`.
pub(super) fn is_qualifier(word: &str) -> bool {
    match word {
        "b" | "base" | "current" | "dev" | "encoded" | "encrypted" | "env" | "hash" | "header" | "live" | "local"
        | "main" | "new" | "old" | "plain" | "plaintext" | "prod" | "production" | "raw" | "staging" | "string"
        | "test" | "text" | "value" => true,
        _ => false,
    }
}

/// Three letters that are in every name of a secret: a cheap look settles most names.
pub(super) fn is_stem(letters: [u8; 3]) -> bool {
    match &letters {
        b"pas" | b"pwd" | b"sec" | b"tok" | b"key" | b"cre" | b"aut" | b"bea" | b"coo" | b"cod" | b"cvc" | b"cvv"
        | b"jwt" | b"otp" | b"ssn" => true,
        _ => false,
    }
}
