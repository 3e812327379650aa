//! What is no secret must come through unchanged.

use super::{redacted, redacted_value};
use serde_json::json;

#[test]
fn ordinary_texts_stay() {
    for text in [
        "",
        "max_tokens=512, total_tokens: 90, token_count=3, \"input_tokens\": 17",
        "tokens: 512, tokens_per_second=17.5",
        "The first token: Hello. next_page_token=abc123def456",
        "The secretary's author: passing by. Cookies are eaten.",
        "The bearer of this letter; Bearer authentication and Basic authentication are schemes.",
        "Basic training, basic research: both are needed.",
        "let token = lexer.next(); match token { Token::Eof => break }",
        "fn lex() -> Vec<Token> { vec![] } fn f() -> Vec<u8> {}",
        "12:30, 10:45; ratio 3:1 = 3",
        "https://example.com/a/b?page=2&sort=asc#top and http://localhost:8080/x@y",
        "https://medium.com/@user/story, mailto:a@b.c, see https://a.b: c@d",
        "http://[::1]:8080/@scope/pkg",
        "git@github.com:rust-lang/rust.git",
        "docker run -u 1000:1000 image; ls -u x",
        "PWD=/home/bob OLDPWD=/tmp",
        "6ba7b810-9dad-11d1-80b4-00c04fd430c8 trc_20260213_143022_00f067aa0ba902b7",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "blake3 af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        "class=\"sk-fading-circle sk-circle-animation-delay-group\" risk-management-and-control-of-2026-budgets",
        "task-based-scheduling-for-2026-and-beyond-with-asks",
        "AKIAN is a name, AIzawa too, SKELETON, dapi, hf_model, npm_config_registry=https://registry.npmjs.org",
        "eyJhbGciOiJIUzI1NiJ9 alone is no token",
        "password: null, secret=None, api_key: true, \"password\": \"\"",
        "key: value; primary_key=17; cache key: x",
        "日本語: テキスト = größer",
        "a == b, a != b, a <= b, x => y, p->q, std::mem::take",
        "# Title\n- item: one\n- item: two\n\n| a | b |\n|---|---|",
        "-----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----",
        "… [cut: 12 bytes in full, blake3 af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262]",
    ] {
        assert_eq!(redacted(text), text);
    }
}

#[test]
fn ordinary_values_stay() {
    let value = json!({
        "model": "gpt-4o-mini", "max_tokens": 512, "temperature": 0.2, "stop": ["\n"], "logit_bias": { "50256": -100 },
        "usage": { "prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21, "completion_tokens_details": { "reasoning_tokens": 0 } },
        "logprobs": { "content": [{ "token": "Hello", "logprob": -0.1, "bytes": [72], "top_logprobs": [{ "token": "Hi", "logprob": -2.0 }] }] },
        "messages": [{ "role": "user", "content": "hi" }],
        "tokenizer": "cl100k", "key": "k", "primary_key": 1, "author": "x", "session_id": "s", "eos_token": "</s>",
        "pairs": [["host", "x"], ["a", "b"]], "nested": [[[["deep"]]]], "n": null, "b": true, "f": 1.5,
    });
    assert_eq!(redacted_value(value.clone()), value);
}

#[test]
fn long_prose_and_code_stay() {
    for text in [
        include_str!("../../../../docs/architecture.md"),
        include_str!("../../model/llm.rs"),
        include_str!("../span.rs"),
    ] {
        assert_eq!(redacted(text), text);
    }
}
