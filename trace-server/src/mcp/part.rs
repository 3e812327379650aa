//! `trace_get`: any part of a document, in pieces of bounded size.
//!
//! A part is named by a JSON pointer (RFC 6901). A text or a list that is larger than an answer comes in pieces, from `offset` on; an
//! object comes whole with its long texts and lists cut and its empty fields left out, and each cut names the pointer to the rest.

use super::bound::{Cut, MAX_ANSWER, fit_free, size};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// What an answer needs besides the part itself.
const FRAME: usize = 4 * 1024;

/// A part of a document.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Part {
    /// The trace.
    pub(crate) trace_id: String,
    /// Which part this is; empty for the whole document.
    pub(crate) pointer: String,
    /// The part.
    pub(crate) value: Value,
    /// What was cut inside of it, at most 50 places.
    pub(crate) cuts: Vec<Cut>,
    /// Where in a text (bytes) or list (items) the piece begins.
    pub(crate) offset: usize,
    /// Where the next piece begins: ask again with this `offset`. Absent with the last piece.
    pub(crate) next_offset: Option<usize>,
}

/// The part at a pointer, from an offset on; the error says what to ask instead.
pub(crate) fn of(trace_id: &str, document: &Value, pointer: &str, offset: usize) -> Result<Part, String> {
    let Some(value) = document.pointer(pointer) else {
        return Err(lost(document, pointer));
    };
    let room = MAX_ANSWER - FRAME - pointer.len().min(FRAME / 2);
    let part = |value, cuts, next_offset| Part {
        trace_id: trace_id.to_owned(),
        pointer: pointer.to_owned(),
        value,
        cuts,
        offset,
        next_offset,
    };
    match value {
        Value::String(text) if offset > 0 || size(value) > room => {
            let Some(rest) = text.get(offset..) else {
                return Err(format!(
                    "offset {offset} is not between two characters of this text of {} bytes; use a `next_offset`",
                    text.len()
                ));
            };
            let piece = piece(rest, room);
            let next = (piece.len() < rest.len()).then_some(offset + piece.len());
            Ok(part(piece.into(), Vec::new(), next))
        }
        Value::Array(list) if offset > 0 || size(value) > room => {
            if offset > list.len() {
                return Err(format!("offset {offset} is beyond this list of {} items", list.len()));
            }
            let (items, cuts) = items(&list[offset..], offset, room / 4 * 3, pointer);
            let next = (offset + items.len() < list.len()).then_some(offset + items.len());
            Ok(part(Value::Array(items), cuts, next))
        }
        _ if offset > 0 => Err("`offset` is for texts and lists; leave it out here".to_owned()),
        _ => match fit_free(value, room / 4 * 3, pointer) {
            Some((value, cuts)) => Ok(part(value, cuts, None)),
            None => Err(too_wide(value, pointer)),
        },
    }
}

/// As much of a text as its JSON has room for.
fn piece(text: &str, room: usize) -> &str {
    let mut most = room;
    loop {
        let head = trace_core::text::head(text, most);
        let taken = size(&head);
        if taken <= room || most < 2 {
            return head;
        }
        // Escapes make JSON longer than the text.
        most = most * room / taken;
    }
}

/// As many items as there is room for, at least one, each cut where it is too large alone.
fn items(list: &[Value], offset: usize, room: usize, pointer: &str) -> (Vec<Value>, Vec<Cut>) {
    let (mut shown, mut cuts, mut left) = (Vec::new(), Vec::new(), room);
    for (index, item) in list.iter().enumerate() {
        let place = format!("{pointer}/{}", offset + index);
        let needed = size(item);
        if needed < left {
            left -= needed + 1;
            shown.push(item.clone());
        } else if shown.is_empty() {
            let (item, inside) = fit_free(item, left, &place)
                .unwrap_or_else(|| (Value::from(format!("too large: ask for {place}")), Vec::new()));
            left = 0;
            shown.push(item);
            cuts = inside;
        } else {
            break;
        }
    }
    (shown, cuts)
}

/// What a pointer that leads nowhere could have meant.
fn lost(document: &Value, pointer: &str) -> String {
    let mut known = pointer;
    while let Some((before, _)) = known.rsplit_once('/') {
        known = before;
        if let Some(value) = document.pointer(known) {
            return format!("there is nothing at `{}`; `{known}` has {}", shown(pointer), keys(value));
        }
    }
    format!(
        "`{}` is not a JSON pointer; expected the empty text or a path such as /stages/synthesis/decisions/0",
        shown(pointer)
    )
}

fn too_wide(value: &Value, pointer: &str) -> String {
    format!("`{}` is too large for one answer; ask for a part of it: {}", shown(pointer), keys(value))
}

/// What can be asked for inside a value.
fn keys(value: &Value) -> String {
    const SHOWN: usize = 40;
    match value {
        Value::Object(fields) => {
            let mut names: Vec<String> =
                fields.keys().take(SHOWN).map(|key| shown(&key.replace('~', "~0").replace('/', "~1"))).collect();
            if fields.len() > SHOWN {
                names.push(format!("and {} more", fields.len() - SHOWN));
            }
            format!("the fields {}", names.join(", "))
        }
        Value::Array(list) => format!("{} items, from 0", list.len()),
        _ => "no parts".to_owned(),
    }
}

fn shown(text: &str) -> String {
    trace_store::files::one_line(text, 128)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_long_text_comes_back_from_its_pieces() {
        let text = "\u{1}é日".repeat(40_000);
        let document = json!({"response": text});
        let (mut read, mut offset) = (String::new(), 0);
        loop {
            let part = of("trc_a", &document, "/response", offset).unwrap();
            assert!(size(&part) <= MAX_ANSWER);
            read += part.value.as_str().unwrap();
            match part.next_offset {
                Some(next) => offset = next,
                None => break,
            }
        }
        assert_eq!(read, text);
    }

    #[test]
    fn a_long_list_comes_in_pieces_and_a_huge_item_is_cut() {
        let mut list = vec![json!({"why": "x".repeat(500)}); 300];
        list[100] = json!({"why": "x".repeat(1_000_000)});
        let document = json!({"decisions": list});
        let (mut count, mut offset, mut cuts) = (0, 0, Vec::new());
        loop {
            let part = of("trc_a", &document, "/decisions", offset).unwrap();
            assert!(size(&part) <= MAX_ANSWER);
            count += part.value.as_array().unwrap().len();
            cuts.extend(part.cuts);
            match part.next_offset {
                Some(next) => offset = next,
                None => break,
            }
        }
        assert_eq!(count, 300);
        assert_eq!(cuts.iter().map(|cut| cut.pointer.as_str()).collect::<Vec<_>>(), ["/decisions/100/why"]);
    }

    #[test]
    fn a_pointer_that_leads_nowhere_is_told_where_to_go() {
        let document = json!({"stages": {"a/b": {}, "intake": {}}, "query": "q"});
        let said = |pointer| of("trc_a", &document, pointer, 0).unwrap_err();
        assert_eq!(said("/stages/intak"), "there is nothing at `/stages/intak`; `/stages` has the fields a~1b, intake");
        assert!(said("stages").contains("is not a JSON pointer"));
        assert!(of("trc_a", &document, "/query", 9).unwrap_err().contains("offset 9"));
        assert!(of("trc_a", &document, "/stages", 1).unwrap_err().contains("leave it out"));
    }

    #[test]
    fn a_large_document_becomes_an_outline() {
        let decision = json!({"what": "w".repeat(300), "why": "y".repeat(300), "alternatives": vec![json!({"option": "o"}); 20], "component": null});
        let stage = json!({"decisions": vec![decision; 30], "error": null, "prompts": [], "duration_seconds": 1.5});
        let stages: serde_json::Map<String, Value> = (0..40).map(|n| (format!("stage {n}"), stage.clone())).collect();
        let part = of("trc_a", &json!({"trace_id": "trc_a", "stages": stages}), "", 0).unwrap();
        assert!(size(&part) <= MAX_ANSWER);
        assert_eq!(part.value["stages"]["stage 39"]["duration_seconds"], 1.5);
        assert!(part.value["stages"]["stage 39"].get("error").is_none());
        assert!(part.cuts.iter().any(|cut| cut.pointer == "/stages/stage 0/decisions"));
    }

    #[test]
    fn no_document_makes_an_answer_too_large() {
        let wide: serde_json::Map<String, Value> =
            (0..20_000).map(|n| (format!("stage {n}"), json!({"n": n}))).collect();
        let error = of("trc_a", &json!({"stages": wide}), "", 0).unwrap_err();
        assert!(error.contains("the fields stages"), "{error}");
    }
}
