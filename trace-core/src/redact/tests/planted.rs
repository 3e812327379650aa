//! Secrets in text and values: each must be gone, and what stands around it must stay.

use super::super::REDACTED;
use super::{Dice, redacted, redacted_value};
use serde_json::json;

const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const HEX: &str = "0123456789abcdef";

/// One credential of each form, made up.
fn credentials() -> Vec<String> {
    let mut dice = Dice(0x5EED);
    let mut key = |prefix: &str, alphabet: &str, len: usize| format!("{prefix}{}7", dice.word(alphabet, len - 1));
    let mut all = vec![
        key("sk-", ALNUM, 48),
        key("sk-proj-", ALNUM, 40),
        key("sk-ant-api03-", ALNUM, 90),
        key("sk-or-v1-", HEX, 64),
        key("sk-svcacct-", ALNUM, 60),
        key("gsk_", ALNUM, 52),
        key("hf_", ALNUM, 34),
        key("dapi", HEX, 32),
        key("AKIA", "ABCDEFGHIJKLMNOP234567", 16),
        key("ASIA", "ABCDEFGHIJKLMNOP234567", 16),
        key("AIza", ALNUM, 35),
        key("GOCSPX-", ALNUM, 28),
        key("ghp_", ALNUM, 36),
        key("gho_", ALNUM, 36),
        key("ghs_", ALNUM, 36),
        key("github_pat_", ALNUM, 82),
        key("glpat-", ALNUM, 20),
        key("npm_", ALNUM, 36),
        key("pypi-AgEIcHlwaS5vcmc", ALNUM, 100),
        key("xoxb-123456789012-", ALNUM, 24),
        key("xapp-1-", ALNUM, 24),
        key("sk_live_", ALNUM, 24),
        key("rk_live_", ALNUM, 24),
        key("SK", HEX, 32),
        key("hvs.", ALNUM, 24),
        key("abc8Q~", ALNUM, 34),
        key("https://hooks.slack.com/services/T00/B00/", ALNUM, 24),
    ];
    all.push(format!("SG.{}.{}", key("", ALNUM, 22), key("", ALNUM, 43)));
    all.push(format!("{}.{}.{}", key("eyJ", ALNUM, 20), key("eyJ", ALNUM, 60), key("", ALNUM, 43)));
    all.push(format!("{}JQQJ99{}", key("", ALNUM, 40), key("", ALNUM, 30)));
    all
}

/// The part of a credential that must not come through: its middle.
fn core(credential: &str) -> &str {
    &credential[credential.len() - 12..]
}

#[test]
fn credentials_are_recognised_by_their_form_wherever_they_stand() {
    for credential in credentials() {
        for context in [
            "{}",
            "use {} now",
            "({})",
            r"line\n{}\nline",
            r"{\u0022{}\u0022",
            "https://h/?q=a%20{}%20b",
            "\"{}\"",
            "'{}',",
            "key={}&x=1",
            "x: {}\n",
            "`{}`",
            "https://x/?k={}#f",
            "é{}é",
            "<b>{}</b>",
            "a/{}",
            "{}.",
            "{\\\"k\\\":\\\"{}\\\"}",
            "\n{}\r\n",
        ] {
            let text = context.replacen("{}", &credential, 1);
            let clean = redacted(&text);
            assert!(!clean.contains(core(&credential)), "{text} -> {clean}");
            assert!(clean.contains(REDACTED), "{clean}");
            assert_eq!(redacted(&clean), clean, "redacting twice is redacting once");
        }
    }
}

#[test]
fn named_values_inside_text_are_found_in_every_notation() {
    for (text, clean) in [
        ("password: hunter2", "password: [redacted]"),
        ("password=hunter2 user=bob", "password=[redacted] user=bob"),
        ("user=bob password=hunter2", "user=bob password=[redacted]"),
        ("?user=bob&password=hunter2&next=1", "?user=bob&password=[redacted]&next=1"),
        ("Server=x;Password=hunter2;Database=y", "Server=x;Password=[redacted];Database=y"),
        (r#"{"password":"hunter2","user":"bob"}"#, r#"{"password":"[redacted]","user":"bob"}"#),
        (r#"{"password" : "hun\"ter2", "user": 1}"#, r#"{"password" : "[redacted]", "user": 1}"#),
        (r#"{\"password\":\"hun\\\"ter2\",\"user\":1}"#, r#"{\"password\":\"[redacted]\",\"user\":1}"#),
        (
            r#"{\\\"password\\\":\\\"hunter2\\\",\\\"user\\\":1}"#,
            r#"{\\\"password\\\":\\\"[redacted]\\\",\\\"user\\\":1}"#,
        ),
        (r#"{"password":123456,"user":1}"#, r#"{"password":[redacted],"user":1}"#),
        ("{'password': 'hunter2', 'user': 'bob'}", "{'password': '[redacted]', 'user': 'bob'}"),
        (r#"{"credentials": {"id": "x", "pw": ["y"]}, "user": 1}"#, r#"{"credentials": [redacted], "user": 1}"#),
        ("Login { user: \"bob\", password: \"hunter2\" }", "Login { user: \"bob\", password: \"[redacted]\" }"),
        ("Login { user: \"bob\", password: Some(\"hunter2\") }", "Login { user: \"bob\", password: [redacted] }"),
        ("Login { password: Secret { value: \"hunter2\" }, id: 1 }", "Login { password: [redacted], id: 1 }"),
        (
            "Login {\n    password: Some(\n        \"hunter2\",\n    ),\n    id: 1,\n}",
            "Login {\n    password: [redacted]\n    id: 1,\n}",
        ),
        ("[(\"password\", \"hunter2\"), (\"user\", \"bob\")]", "[(\"password\", \"[redacted]\"), (\"user\", \"bob\")]"),
        ("Authorization: Bearer hunter2\nHost: x", "Authorization: [redacted]\nHost: x"),
        ("authorization: Basic hunter2\r\nhost: x", "authorization: [redacted]\r\nhost: x"),
        ("curl -H 'Authorization: Bearer hunter2' https://x", "curl -H 'Authorization: [redacted]' https://x"),
        ("curl -H \"X-Api-Key: hunter2\" https://x", "curl -H \"X-Api-Key: [redacted]\" https://x"),
        ("curl -u bob:hunter2 https://x", "curl -u bob:[redacted] https://x"),
        ("GET / Cookie: a=hunter2; b=hunter2", "GET / Cookie: [redacted]"),
        ("Set-Cookie: sid=hunter2; Path=/; HttpOnly\nx", "Set-Cookie: [redacted]\nx"),
        ("x-api-key: hunter2", "x-api-key: [redacted]"),
        ("API key: hunter2", "API key: [redacted]"),
        ("Your access token: hunter2", "Your access token: [redacted]"),
        ("token=hunter2", "token=[redacted]"),
        ("**Password:** hunter2", "**Password:** [redacted]"),
        ("export OPENAI_API_KEY=hunter2\nFOO=1", "export OPENAI_API_KEY=[redacted]\nFOO=1"),
        ("PGPASSWORD=\"hunter2 x\" psql", "PGPASSWORD=\"[redacted]\" psql"),
        ("DB_PASSWORD=hun\"ter2", "DB_PASSWORD=[redacted]"),
        ("passphrase: correct horse battery staple\nuser: x", "passphrase: [redacted]\nuser: x"),
        ("db:\n  password: |\n    hunter2\n    hunter2\n  user: x", "db:\n  password: |\n    [redacted]\n  user: x"),
        ("secrets:\n  db: hunter2\nuser: x", "secrets:\n  [redacted]\nuser: x"),
        ("password = \"\"\"\nhunter2\n\"\"\"", "password = \"\"\"[redacted]\"\"\""),
        ("config[\"password\"] = \"hunter2\"", "config[\"password\"] = \"[redacted]\""),
        ("user[password]=hunter2", "user[password]=[redacted]"),
        ("user%5Bpassword%5D=hunter2&x=1", "user%5Bpassword%5D=[redacted]&x=1"),
        ("def login(password: str = \"hunter2\")", "def login(password: [redacted]\")"),
        (":password => 'hunter2'", ":password => '[redacted]'"),
        ("password := \"hunter2\"", "password := \"[redacted]\""),
        ("x\\npassword=hunter2\\ny", "x\\npassword=[redacted]\\ny"),
        ("x\\ntoken=hunter2\\ny", "x\\ntoken=[redacted]\\ny"),
        ("a\\u0026token=hunter2", "a\\u0026token=[redacted]"),
        ("mysql --password hunter2 -h x", "mysql --password [redacted] -h x"),
        ("run --api-key=hunter2 -v", "run --api-key=[redacted] -v"),
        ("<password>hunter2</password>", "<password>[redacted]</password>"),
        ("postgres://bob:hunter2@db:5432/x", "postgres://bob:[redacted]@db:5432/x"),
        ("redis://:hunter2@db", "redis://:[redacted]@db"),
        ("postgres://bob:hun/t#er2@db/x", "postgres://bob:[redacted]@db/x"),
        ("\"postgres:\\/\\/bob:hunter2@db\\/x\"", "\"postgres:\\/\\/bob:[redacted]@db\\/x\""),
        ("https://user:hunter2@a.b/c@d", "https://user:[redacted]@a.b/c@d"),
        ("cannot connect (postgres://u:hunter2@h/d): refused", "cannot connect (postgres://u:[redacted]@h/d): refused"),
        ("sent Bearer HUNTER2SECRET to x", "sent Bearer [redacted] to x"),
        ("sent Basic Ym9iOmh1bnRlcjI= to x", "sent Basic [redacted] to x"),
        ("AccountName=x;AccountKey=hunter2==;Suffix=y", "AccountName=x;AccountKey=[redacted];Suffix=y"),
        ("https://x.blob/y?sv=1&sig=hunter2hunter2&se=2", "https://x.blob/y?sv=1&sig=[redacted]&se=2"),
    ] {
        assert_eq!(redacted(text), clean, "{text}");
        assert_eq!(redacted(clean), clean, "redacting twice is redacting once: {clean}");
    }
}

#[test]
fn private_keys_are_taken_out_whole_or_cut() {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n";
    for kind in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
        let pem = format!("before -----BEGIN {kind}-----\n{body}-----END {kind}----- after");
        assert_eq!(redacted(&pem), "before [redacted] after");
        let escaped = pem.replace('\n', "\\n");
        assert_eq!(redacted(&escaped), "before [redacted] after");
        assert_eq!(redacted(&pem[..80]), "before [redacted]");
        let tail = redacted(&format!("{body}-----END {kind}----- after"));
        assert!(!tail.contains("MIIE") && tail.ends_with("after"), "{tail}");
    }
    let certificate = format!("-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----");
    assert_eq!(redacted(&certificate), certificate);
}

#[test]
fn values_under_the_names_of_secrets_are_replaced() {
    assert_eq!(
        redacted_value(json!({
            "user": "bob", "password": "hunter2", "apiKey": ["a", "b"], "pin": { "session_token": 17 },
            "has_password": true, "secret": null, "token": "", "max_tokens": 100, "credentials": { "x": 1 },
        })),
        json!({
            "user": "bob", "password": REDACTED, "apiKey": REDACTED, "pin": { "session_token": REDACTED },
            "has_password": true, "secret": null, "token": "", "max_tokens": 100, "credentials": REDACTED,
        })
    );
    assert_eq!(
        redacted_value(json!([
            { "name": "Authorization", "value": "hunter2" },
            { "key": "user", "value": "bob" },
            [["cookie", "hunter2"], ["host", "x"]],
        ])),
        json!([
            { "name": "Authorization", "value": REDACTED },
            { "key": "user", "value": "bob" },
            [["cookie", REDACTED], ["host", "x"]],
        ])
    );
}

#[test]
fn keys_are_redacted_and_stay_apart() {
    let key = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";
    let value = redacted_value(json!({ key: 1, format!("{key}a"): 2, "n": { "?password=hunter2": 3 } }));
    assert_eq!(value, json!({ REDACTED: 1, "[redacted]#2": 2, "n": { "?password=[redacted]": REDACTED } }));
}

#[test]
fn no_credential_survives_in_random_text() {
    let mut dice = Dice(2026);
    let credentials = credentials();
    let words = [
        "the",
        "password",
        "is",
        "sk-",
        "{",
        "}",
        "\"",
        "'",
        "\\",
        "=",
        ":",
        "\n",
        "https://",
        "@",
        "é",
        "🦀",
        "Bearer",
        "-----BEGIN ",
        "eyJ",
        "token",
        "[",
        "]",
        "(",
        ")",
        "<",
        ">",
        ",",
        ";",
        "&",
        "--",
        "::",
        "secret",
        "\\n",
        "\\\"",
        " ",
        "|",
        "AKIA",
        "0",
    ];
    for _ in 0..4000 {
        let credential = &credentials[dice.roll(credentials.len())];
        let mut text = String::new();
        for _ in 0..dice.roll(12) {
            text.push_str(dice.pick(&words));
        }
        text.push_str(dice.pick(&[" ", "\"", "=", "/", "(", "\n", "é", ":"]));
        text.push_str(credential);
        text.push_str(dice.pick(&[" ", "\"", "&", "/", ")", "\n", "é", ","]));
        for _ in 0..dice.roll(12) {
            text.push_str(dice.pick(&words));
        }
        let clean = redacted(&text);
        assert!(!clean.contains(core(credential)), "{text}\n{clean}");
    }
}

#[test]
fn no_named_secret_survives_in_random_text() {
    let mut dice = Dice(7);
    let names = ["password", "DB_PASSWORD", "apiKey", "x-api-key", "client_secret", "access_token", "user.passwd"];
    let shapes: [&str; 12] = [
        "{n}={v}",
        "{n}: {v}",
        "\"{n}\": \"{v}\"",
        "'{n}': '{v}'",
        "{n}=\"{v}\"",
        "\\\"{n}\\\":\\\"{v}\\\"",
        "?{n}={v}&a=b",
        "{n} = {v}",
        "{n}: Some(\"{v}\")",
        "--{n} {v}",
        "<{n}>{v}</{n}>",
        "(\"{n}\", \"{v}\")",
    ];
    let around = ["", " ", "\n", "text ", ", ", "{ ", "see: ", "a=b ", "é ", "x\\n"];
    for _ in 0..4000 {
        let secret = dice.word(ALNUM, 14);
        let shape = dice.pick(&shapes).replace("{n}", dice.pick(&names)).replace("{v}", &secret);
        let text =
            format!("{}{}{shape} {}{}", dice.pick(&around), dice.pick(&around), dice.pick(&around), dice.pick(&around));
        let clean = redacted(&text);
        assert!(!clean.contains(&secret), "{text:?}\n{clean:?}");
    }
}
