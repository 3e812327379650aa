//! What is written is what is read; what nobody wrote is read without harm.

use super::{MAX_DEPTH, NotWritten, Tape};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn round_trip<T: Serialize + ?Sized>(value: &T) -> Value {
    let mut tape = Tape::default();
    tape.serialize(value).unwrap();
    tape.into_value()
}

/// A small generator of numbers, for the same values at every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

#[derive(Debug, Serialize)]
enum Shape {
    Unit,
    Newtype(Option<u32>),
    Tuple(i8, String),
    Struct { text: String, inside: Vec<Shape> },
    Unnamed(()),
    Float(f64),
    Char(char),
    Map(BTreeMap<u16, Shape>),
    Bytes(Vec<u8>),
    Pair((bool, i64)),
    Big(u128),
}

fn shape(random: &mut Random, depth: u32) -> Shape {
    let text = ["", "plain", "\"quoted\"\n\\", "ünïcödé 🦀", "\0\u{7f}"][random.below(5) as usize].to_owned();
    match random.below(if depth == 0 { 8 } else { 11 }) {
        0 => Shape::Unit,
        1 => Shape::Newtype((random.below(2) == 0).then(|| random.next() as u32)),
        2 => Shape::Tuple(random.next() as i8, text),
        3 => Shape::Unnamed(()),
        4 => Shape::Float(random.next() as f64 / 1e6),
        5 => Shape::Char(char::from_u32(random.below(0xd000) as u32).unwrap()),
        6 => Shape::Pair((random.below(2) == 0, random.next() as i64)),
        7 => Shape::Big(u128::from(random.next())),
        8 => Shape::Struct { text, inside: (0..random.below(4)).map(|_| shape(random, depth - 1)).collect() },
        9 => Shape::Map((0..random.below(4)).map(|_| (random.next() as u16, shape(random, depth - 1))).collect()),
        _ => Shape::Bytes((0..random.below(5)).map(|_| random.next() as u8).collect()),
    }
}

#[test]
fn any_shape_is_read_as_serde_json_writes_it() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..2_000 {
        let shape = shape(&mut random, 4);
        assert_eq!(round_trip(&shape), serde_json::to_value(&shape).unwrap(), "{shape:?}");
    }
}

#[test]
fn what_json_has_no_number_for_becomes_text() {
    let values = round_trip(&(f64::NAN, f64::INFINITY, f32::NEG_INFINITY, i128::MIN, u128::MAX, u64::MAX, i64::MIN));
    let expected = json!([
        "NaN",
        "Infinity",
        "-Infinity",
        "-170141183460469231731687303715884105728",
        "340282366920938463463374607431768211455",
        u64::MAX,
        i64::MIN,
    ]);
    assert_eq!(values, expected);
}

#[test]
fn a_single_precision_float_keeps_its_digits() {
    assert_eq!(round_trip(&(0.1_f32, 1e30_f32, -0.0_f32)).to_string(), "[0.1,1e+30,-0.0]");
}

#[test]
fn keys_of_any_kind_become_text() {
    let map: Vec<((u8, &str), i32)> = vec![((1, "a"), 1)];
    struct Pairs(Vec<((u8, &'static str), i32)>);
    impl Serialize for Pairs {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
        }
    }
    assert_eq!(round_trip(&Pairs(map)), json!({"[1,\"a\"]": 1}));
    assert_eq!(round_trip(&BTreeMap::from([(None, 1), (Some(true), 2)])), json!({"null": 1, "true": 2}));
}

#[test]
fn bytes_are_text_when_they_are_utf8() {
    struct Bytes(&'static [u8]);
    impl Serialize for Bytes {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(self.0)
        }
    }
    assert_eq!(round_trip(&Bytes("né".as_bytes())), json!("né"));
    assert_eq!(round_trip(&Bytes(&[0xff, 1])), json!([255, 1]));
}

#[test]
fn raw_json_is_read_as_what_it_says() {
    let raw = serde_json::value::RawValue::from_string("{\"a\": [1, 2.50]}".to_owned()).unwrap();
    assert_eq!(round_trip(&vec![raw]), json!([{"a": [1, 2.5]}]));
}

#[test]
fn nesting_stops_at_the_limit() {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Nested {
        Seq(Vec<Nested>),
        Leaf(u8),
    }
    #[derive(Serialize)]
    enum Tagged {
        Tuple(Box<Tagged>, u8),
        Struct { inside: Box<Tagged> },
        Leaf,
    }
    fn depth(value: &Value) -> usize {
        match value {
            Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
            Value::Object(entries) => 1 + entries.values().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }
    let nested = (0..1_000).fold(Nested::Leaf(1), |inner, _| Nested::Seq(vec![inner]));
    let tagged = (0..1_000).fold(Tagged::Leaf, |inner, n| match n % 2 {
        0 => Tagged::Tuple(Box::new(inner), 1),
        _ => Tagged::Struct { inside: Box::new(inner) },
    });
    for value in [round_trip(&nested), round_trip(&tagged)] {
        assert_eq!(depth(&value), MAX_DEPTH);
        assert!(value.to_string().contains('…'));
    }
    let text = format!("{}1{}", "[".repeat(120), "]".repeat(120));
    let raw = serde_json::value::RawValue::from_string(text).unwrap();
    assert_eq!(depth(&round_trip(&raw)), MAX_DEPTH);
}

#[test]
fn a_type_that_nests_in_itself_without_sequences_or_maps_is_cut_too() {
    #[derive(serde::Serialize)]
    struct Layer(Option<Box<Layer>>);
    let deep = (0..5_000).fold(Layer(None), |inner, _| Layer(Some(Box::new(inner))));
    assert_eq!(round_trip(&deep), json!("…"));
}

#[test]
fn what_has_no_end_is_stopped() {
    struct Endless;
    impl Serialize for Endless {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(std::iter::repeat("again and again and again and again and again and again"))
        }
    }
    assert_eq!(Tape::default().serialize(&Endless), Err(NotWritten::TooLarge));
}

#[test]
fn entries_without_a_frame_are_an_object() {
    let mut tape = Tape::default();
    tape.key("query");
    tape.str("robots");
    tape.key("depth");
    tape.u64(3);
    assert_eq!(Value::Object(tape.into_object()), json!({"query": "robots", "depth": 3}));
}

#[test]
fn a_display_is_written_without_a_copy_and_can_be_taken_back() {
    let mut tape = Tape::default();
    tape.display(format_args!("{}-{}", 1, "b"));
    let before = tape.len();
    tape.str("more");
    tape.rewind(before);
    assert_eq!(tape.into_value(), json!("1-b"));
}

#[test]
fn bytes_that_nobody_wrote_do_no_harm() {
    let mut random = Random(42);
    let mut whole = Tape::default();
    whole.serialize(&shape(&mut random, 4)).unwrap();
    whole.serialize(&json!({"a": [1, "two", {"three": 3.0}]})).unwrap();
    for _ in 0..20_000 {
        let mut bytes = whole.bytes.clone();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len() as u64) as usize;
            match random.below(3) {
                0 => bytes[at] = random.next() as u8,
                1 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, random.below(16) as u8),
            }
        }
        let tape = Tape { bytes };
        let _ = tape.clone().into_value();
        let _ = tape.into_object();
    }
    for tag in 0..=u8::MAX {
        let _ = Tape { bytes: vec![tag; 100_000] }.into_value();
    }
}
