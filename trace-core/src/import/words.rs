use std::borrow::Cow;

/// What Python's `json` writes for the floats that JSON does not have.
const WORDS: [&str; 3] = ["NaN", "-Infinity", "Infinity"];

/// Puts bare `NaN`, `Infinity` and `-Infinity` in quotes, so that the rest of the text can be read as JSON.
pub(super) fn quote(text: &str) -> Cow<'_, str> {
    if !["NaN", "Infinity"].iter().any(|word| text.contains(word)) {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut quoted = String::with_capacity(text.len() + 16);
    let (mut kept, mut at, mut in_string) = (0, 0, false);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            b'N' | b'I' | b'-' if !in_string => {
                if let Some(word) = WORDS.iter().find(|word| bytes[at..].starts_with(word.as_bytes())) {
                    quoted.push_str(&text[kept..at]);
                    quoted.extend(["\"", word, "\""]);
                    at += word.len();
                    kept = at;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    quoted.push_str(&text[kept..]);
    Cow::Owned(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_words_are_quoted_and_text_is_left_alone() {
        let text = r#"{"a":NaN,"b":[-Infinity,Infinity,-1],"c":"NaN \" Infinity","é":NaN}"#;
        let quoted = quote(text);
        assert_eq!(quoted, r#"{"a":"NaN","b":["-Infinity","Infinity",-1],"c":"NaN \" Infinity","é":"NaN"}"#);
        assert!(matches!(quote(&quoted), Cow::Owned(again) if again == quoted));
        assert!(matches!(quote(r#""\"#), Cow::Borrowed(_)));
        assert_eq!(quote(r#"NaN"\"#), r#""NaN""\"#);
    }
}
