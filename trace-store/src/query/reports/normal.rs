//! What the messages of one error have in common.

/// How much of a message is kept, in characters.
const LONGEST: usize = 200;

/// The message with `#` for each number and id, `"…"` for each quoted text, on one line.
pub(super) fn normal(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphanumeric() {
            let end = rest.find(|char: char| !char.is_alphanumeric()).unwrap_or(rest.len());
            let end = if first.is_ascii_digit() { number(rest, end) } else { end };
            push_word(&mut out, &rest[..end]);
            end
        } else if let Some(end) = quoted(rest, first) {
            out.push_str("\"…\"");
            end
        } else {
            out.push(if first.is_whitespace() { ' ' } else { first });
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    crate::files::one_line(&out, LONGEST)
}

/// The end of a number that begins here: its fraction and what is grouped with it (`1.5`, `1,000`, `12:30`) belong to it.
fn number(text: &str, mut end: usize) -> usize {
    while let Some(more) = text[end..].strip_prefix(['.', ',', ':'])
        && more.starts_with(|char: char| char.is_ascii_digit())
        && text[..end].ends_with(|char: char| char.is_ascii_digit())
    {
        end += 1 + more.find(|char: char| !char.is_alphanumeric()).unwrap_or(more.len());
    }
    end
}

fn push_word(out: &mut String, word: &str) {
    let is_id = word.len() >= 8
        && word.bytes().all(|byte| byte.is_ascii_hexdigit())
        && word.bytes().any(|b| b.is_ascii_digit());
    if is_id {
        out.push('#');
    } else if word.starts_with(|char: char| char.is_ascii_digit()) {
        // A unit stays: `30s` and `500ms` are different things.
        out.push('#');
        out.push_str(word.trim_start_matches(|char: char| char.is_ascii_digit() || matches!(char, '.' | ',' | ':')));
    } else {
        out.push_str(word);
    }
}

/// The end of a quoted text that begins here; an apostrophe inside a word begins none, for words are read whole.
fn quoted(text: &str, quote: char) -> Option<usize> {
    if !matches!(quote, '"' | '\'' | '`') {
        return None;
    }
    let close = text[1..].find(quote)?;
    Some(close + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ids_and_quoted_texts_go() {
        for (message, expected) in [
            ("connection refused (os error 111)", "connection refused (os error #)"),
            ("no answer within 30s", "no answer within #s"),
            ("rate limit: 1,000 of 1.5 used at 12:30:01", "rate limit: # of # used at #"),
            ("trace trc_20260213_143022_a1b2c3d4e5f60718 is gone", "trace trc_#_#_# is gone"),
            ("cannot read \"a b.json\": `x` is 'y'", "cannot read \"…\": \"…\" is \"…\""),
            ("can't open utf8 file\n\tat line 7", "can't open utf8 file at line #"),
            ("127.0.0.1:8080 deadbeef decade 0xdeadbeef12", "# deadbeef decade #xdeadbeef12"),
            ("\"open", "\"open"),
            ("", ""),
        ] {
            assert_eq!(normal(message), expected, "{message}");
        }
        assert!(normal(&"é\"".repeat(1_000)).chars().count() <= LONGEST + 1);
    }
}
