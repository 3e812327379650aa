use super::*;
use serde_json::json;

/// Input, cached input, cache writes, output, reasoning.
#[track_caller]
fn assert_parts(usage: Option<Usage>, parts: [u64; 5]) {
    assert_eq!(usage, Some(Usage::of_parts(parts)));
}

/// The example of the chat completions API reference, with cached input and reasoning.
fn chat_completion() -> Value {
    json!({
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "object": "chat.completion",
        "created": 1_741_569_952,
        "model": "gpt-5-mini-2025-08-07",
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": "Hello! How can I assist you today?", "refusal": null, "annotations": [] },
            "logprobs": null,
            "finish_reason": "stop"
        }],
        "usage": {
            "prompt_tokens": 2006,
            "completion_tokens": 300,
            "total_tokens": 2306,
            "prompt_tokens_details": { "cached_tokens": 1920, "audio_tokens": 0 },
            "completion_tokens_details": {
                "reasoning_tokens": 256, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0
            }
        },
        "service_tier": "default"
    })
}

/// The example of the responses API reference.
fn openai_response() -> Value {
    json!({
        "id": "resp_67ccd3a9da748190baa7f1570fe91ac604becb25c45c1d41",
        "object": "response",
        "status": "completed",
        "model": "gpt-4o-2024-08-06",
        "output": [{ "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": "The image …" }] }],
        "usage": {
            "input_tokens": 328,
            "input_tokens_details": { "cached_tokens": 128, "cache_write_tokens": 100 },
            "output_tokens": 52,
            "output_tokens_details": { "reasoning_tokens": 12 },
            "total_tokens": 380
        }
    })
}

/// A message of Anthropic's API with prompt caching.
fn anthropic_message() -> Value {
    json!({
        "id": "msg_013Zva2CMHLNnXjNJJKqJ2EF",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [{ "type": "text", "text": "Hi! My name is Claude." }],
        "stop_reason": "end_turn",
        "stop_sequence": null,
        "usage": {
            "input_tokens": 50,
            "cache_creation_input_tokens": 248,
            "cache_read_input_tokens": 1800,
            "cache_creation": { "ephemeral_5m_input_tokens": 148, "ephemeral_1h_input_tokens": 100 },
            "output_tokens": 503,
            "service_tier": "standard"
        }
    })
}

/// A `generateContent` response with a cached context, a tool and thoughts.
fn gemini_response() -> Value {
    json!({
        "candidates": [{ "content": { "role": "model", "parts": [{ "text": "Hello" }] }, "finishReason": "STOP", "index": 0 }],
        "usageMetadata": {
            "promptTokenCount": 1000,
            "cachedContentTokenCount": 700,
            "toolUsePromptTokenCount": 40,
            "candidatesTokenCount": 60,
            "thoughtsTokenCount": 500,
            "totalTokenCount": 1600,
            "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": 1000 }]
        },
        "modelVersion": "gemini-2.5-flash",
        "responseId": "x1"
    })
}

#[test]
fn every_shape_is_read_by_its_reader_and_found_without_being_named() {
    assert_parts(Usage::from_openai(&chat_completion()), [86, 1920, 0, 44, 256]);
    assert_parts(Usage::from_openai(&openai_response()), [100, 128, 100, 40, 12]);
    assert_parts(Usage::from_anthropic(&anthropic_message()), [50, 1800, 248, 503, 0]);
    assert_parts(Usage::from_gemini(&gemini_response()), [340, 700, 0, 60, 500]);
    assert_parts(Usage::from_response(&chat_completion()), [86, 1920, 0, 44, 256]);
    assert_parts(Usage::from_response(&openai_response()), [100, 128, 100, 40, 12]);
    assert_parts(Usage::from_response(&anthropic_message()), [50, 1800, 248, 503, 0]);
    assert_parts(Usage::from_response(&gemini_response()), [340, 700, 0, 60, 500]);
}

#[test]
fn the_total_is_that_of_the_provider() {
    let totals =
        [(chat_completion(), 2306), (openai_response(), 380), (anthropic_message(), 2601), (gemini_response(), 1600)];
    for (response, total) in totals {
        assert_eq!(Usage::from_response(&response).unwrap().total_tokens, total);
    }
}

#[test]
fn model_and_finish_reason_are_found_in_every_shape() {
    for (response, model, reason) in [
        (chat_completion(), "gpt-5-mini-2025-08-07", "stop"),
        (openai_response(), "gpt-4o-2024-08-06", "completed"),
        (anthropic_message(), "claude-sonnet-4-5-20250929", "end_turn"),
        (gemini_response(), "gemini-2.5-flash", "STOP"),
    ] {
        let response = ModelResponse::read(&response);
        assert_eq!((response.model, response.finish_reason), (Some(model), Some(reason)));
    }
    assert_eq!(ModelResponse::read(&json!("Hello")), ModelResponse::default());
}

#[test]
fn relatives_of_the_shapes_are_read() {
    let deepseek = json!({ "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120,
        "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36 });
    assert_parts(Usage::from_response(&deepseek), [36, 64, 0, 20, 0]);
    let xai = json!({ "usage": { "prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135,
        "completion_tokens_details": { "reasoning_tokens": 94 } } });
    assert_parts(Usage::from_response(&xai), [32, 0, 0, 9, 94]);
    let embedding = json!({ "object": "list", "usage": { "prompt_tokens": 8, "total_tokens": 8 } });
    assert_parts(Usage::from_response(&embedding), [8, 0, 0, 0, 0]);
    let message_start =
        json!({ "type": "message_start", "message": { "usage": { "input_tokens": 25, "output_tokens": 1 } } });
    assert_parts(Usage::from_response(&message_start), [25, 0, 0, 1, 0]);
    let snake = json!({ "usage_metadata": { "prompt_token_count": 5, "candidates_token_count": 6, "thoughts_token_count": null } });
    assert_parts(Usage::from_response(&snake), [5, 0, 0, 6, 0]);
    let by_lifetime =
        json!({ "input_tokens": 1, "output_tokens": 2, "cache_creation": { "ephemeral_1h_input_tokens": 7 } });
    assert_parts(Usage::from_response(&by_lifetime), [1, 0, 7, 2, 0]);
}

#[test]
fn odd_counts_are_absent_and_nothing_is_no_usage() {
    for nothing in [
        json!(null),
        json!({}),
        json!([1]),
        json!({ "usage": null }),
        json!({ "usage": { "input_tokens": "12" } }),
        json!({ "usage": { "prompt_tokens": -3 } }),
        json!({ "usage": { "prompt_tokens": 1.5 } }),
    ] {
        assert_eq!(Usage::from_response(&nothing), None, "{nothing}");
        assert_eq!(Usage::from_openai(&nothing), None, "{nothing}");
        assert_eq!(Usage::from_anthropic(&nothing), None, "{nothing}");
        assert_eq!(Usage::from_gemini(&nothing), None, "{nothing}");
    }
    assert_parts(Usage::from_response(&json!({ "prompt_tokens": 12.0 })), [12, 0, 0, 0, 0]);
    let more_cached_than_read = json!({ "prompt_tokens": 10, "prompt_tokens_details": { "cached_tokens": 50 } });
    assert_parts(Usage::from_response(&more_cached_than_read), [0, 10, 0, 0, 0]);
}

/// Every combination of counts, odd ones among them, in every field of every shape: the parts sum to the total, and no shape panics.
#[test]
fn parts_sum_to_the_total_whatever_a_provider_says() {
    const FIELDS: [&str; 14] = [
        "prompt_tokens",
        "completion_tokens",
        "input_tokens",
        "output_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "promptTokenCount",
        "candidatesTokenCount",
        "thoughtsTokenCount",
        "cachedContentTokenCount",
        "toolUsePromptTokenCount",
        "prompt_cache_hit_tokens",
        "total_tokens",
        "nothing",
    ];
    let values =
        [json!(0), json!(7), json!(1_000_000), json!(u64::MAX), json!(-1), json!(2.5), json!("9"), json!(null)];
    // A fixed generator: the same cases in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut pick = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % below
    };
    let mut read = 0;
    for _ in 0..20_000 {
        let mut usage = serde_json::Map::new();
        for _ in 0..pick(6) {
            usage.insert(FIELDS[pick(FIELDS.len())].to_owned(), values[pick(values.len())].clone());
        }
        for (details, field) in [
            ("prompt_tokens_details", "cached_tokens"),
            ("output_tokens_details", "reasoning_tokens"),
            ("input_tokens_details", "cache_write_tokens"),
            ("output_tokens_details", "thinking_tokens"),
        ] {
            if pick(3) == 0 {
                usage.insert(details.to_owned(), json!({ field: values[pick(values.len())] }));
            }
        }
        let usage = Value::Object(usage);
        for reader in [Usage::from_openai, Usage::from_anthropic, Usage::from_gemini, Usage::from_response] {
            let Some(found) = reader(&usage) else { continue };
            read += 1;
            let parts = [
                found.input_tokens,
                found.cached_input_tokens,
                found.cache_write_tokens,
                found.output_tokens,
                found.reasoning_tokens,
            ];
            let sum = parts.into_iter().fold(0_u64, u64::saturating_add);
            assert_eq!(found.total_tokens, sum, "{usage}");
        }
        let given = |names: &[&str]| count(&usage, names);
        let parts = (given(&["prompt_tokens", "input_tokens"]), given(&["completion_tokens", "output_tokens"]));
        if let ((Some(input), Some(output)), Some(total)) = (parts, given(&["total_tokens"]))
            && input.checked_add(output) == Some(total)
        {
            assert_eq!(Usage::from_openai(&usage).unwrap().total_tokens, total, "{usage}");
        }
    }
    assert!(read > 10_000, "{read}");
}
