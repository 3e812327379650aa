//! Tokens as models count them (`o200k_base`, the encoding of current OpenAI models). The vocabulary is in the program.

use whytrace::prelude::*;

/// Loads the vocabulary of 200,000 tokens. Counting does so by itself, but then the first count takes as long.
#[observable("load_tokenizer")]
pub fn load() {
    tiktoken_rs::o200k_base_singleton();
}

/// How many tokens a text is.
pub fn count(text: &str) -> usize {
    tiktoken_rs::o200k_base_singleton().encode_ordinary(text).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_tokens_of_any_text() {
        assert_eq!(count("hello world"), 2);
        assert_eq!(count(""), 0);
        assert!(count("<|endoftext|>") > 1, "special tokens are ordinary text here");
    }
}
