//! Server-sent events: a stream of bytes in, the `data` of each event out.

use std::io::{self, BufRead};

/// The data of each event, in order; an event ends with a blank line, several `data:` lines of one are joined.
pub fn events(reader: impl BufRead) -> impl Iterator<Item = io::Result<String>> {
    let mut lines = reader.lines();
    std::iter::from_fn(move || {
        let mut data: Option<String> = None;
        loop {
            match lines.next() {
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(line)) if line.is_empty() && data.is_some() => return data.map(Ok),
                Some(Ok(line)) => {
                    if let Some(value) = line.strip_prefix("data:") {
                        let value = value.strip_prefix(' ').unwrap_or(value);
                        data = Some(data.map_or_else(|| value.to_owned(), |before| before + "\n" + value));
                    }
                }
                None => return data.map(Ok),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_separated_by_blank_lines_and_other_fields_ignored() {
        let stream = ": hello\nevent: x\ndata: {\"a\":1}\r\n\r\n\ndata:two\ndata: lines\n\ndata: [DONE]";
        let data: Vec<_> = events(stream.as_bytes()).map(Result::unwrap).collect();
        assert_eq!(data, ["{\"a\":1}", "two\nlines", "[DONE]"]);
    }
}
