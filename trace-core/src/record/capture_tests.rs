//! Each value is captured in the best way its type allows, and none can do harm.

use super::{Captured, display};
use crate::record::tape::Tape;
use serde::Serialize;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::fmt::{self, Debug, Display};
use std::rc::Rc;
use std::sync::Arc;

macro_rules! captured {
    ($value:expr) => {{
        let mut tape = Tape::default();
        Captured::new(&$value).write(&mut tape);
        let value = tape.into_value();
        assert_eq!(Captured::new(&$value).to_value(), value);
        value
    }};
}

#[derive(Debug, Clone, PartialEq)]
struct OnlyDebug(u8);

struct Nothing;

#[derive(Serialize)]
struct Both {
    n: u8,
}

impl Debug for Both {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not this way")
    }
}

#[test]
fn serialize_comes_before_debug_before_the_name() {
    assert_eq!(captured!(Both { n: 1 }), json!({"n": 1}));
    assert_eq!(captured!(OnlyDebug(1)), json!("OnlyDebug(1)"));
    assert!(captured!(Nothing).as_str().unwrap().ends_with("::Nothing>"));
    assert_eq!(captured!(Some(OnlyDebug(1))), json!("Some(OnlyDebug(1))"));
    assert_eq!(captured!([Both { n: 1 }]), json!([{"n": 1}]));
}

#[test]
fn plain_values_are_written_as_their_serialize_would() {
    macro_rules! same {
        ($($value:expr),*) => {$({
            let (mut plain, mut serialized) = (Tape::default(), Tape::default());
            Captured::new(&$value).write(&mut plain);
            serialized.serialize(&$value).unwrap();
            assert_eq!(plain, serialized);
        })*};
    }
    same!(true, false, -1_i8, -2_i16, -3, -4_i64, -5_isize, 1_u8, 2_u16, 3_u32, u64::MAX, 5_usize, 0.1_f32, f64::NAN);
    same!("text", &"text", String::from("text"), &&String::new(), "long ".repeat(100));
}

#[test]
fn texts_slices_references_and_literals() {
    let text = "näive \"text\"\n";
    assert_eq!(captured!(text), json!(text));
    assert_eq!(captured!(*text), json!(text));
    assert_eq!(captured!(text.to_owned()), json!(text));
    assert_eq!(captured!([1, 2][..]), json!([1, 2]));
    assert_eq!(captured!(&&mut 1), json!(1));
    assert_eq!(captured!(1), json!(1));
    assert_eq!(captured!(1.5), json!(1.5));
    let debug: &dyn Debug = &OnlyDebug(2);
    assert_eq!(captured!(*debug), json!("OnlyDebug(2)"));
}

#[test]
fn shared_values_are_seen_through() {
    let shared: Arc<str> = "shared".into();
    assert_eq!(captured!(shared), json!("shared"));
    assert_eq!(captured!(&shared), json!("shared"));
    assert_eq!(captured!(Rc::new(Both { n: 2 })), json!({"n": 2}));
    assert_eq!(captured!(Arc::new(OnlyDebug(3))), json!("OnlyDebug(3)"));
}

#[test]
fn generic_code_uses_what_its_bounds_show() {
    fn unbounded<T>(value: &T) -> Value {
        captured!(value)
    }
    fn debug<T: Debug>(value: T) -> Value {
        captured!(value)
    }
    fn serialize<T: Serialize>(value: T) -> Value {
        captured!(value)
    }
    assert_eq!(unbounded(&1_u8), json!("<&u8>"));
    assert_eq!(debug("a"), json!("\"a\""));
    assert_eq!(serialize("a"), json!("a"));
}

struct Panics(&'static str);

impl Debug for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half of it ")?;
        panic!("{}", self.0)
    }
}

impl Display for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(self, f)
    }
}

struct PanicsWhenSerialized;

impl Serialize for PanicsWhenSerialized {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("no luck")
    }
}

#[test]
fn a_panic_is_shown_and_what_was_half_written_is_taken_back() {
    let mut tape = Tape::default();
    tape.seq();
    tape.str("before");
    Captured::new(&Panics("broken")).write(&mut tape);
    Captured::new(&("fine", PanicsWhenSerialized)).write(&mut tape);
    Captured::new(&7).write(&mut tape);
    tape.end();
    assert_eq!(tape.into_value(), json!(["before", "<panicked: broken>", "<panicked: no luck>", 7]));
    assert_eq!(display(&Panics("again")), "<panicked: again>");
}

#[test]
fn a_value_that_refuses_says_why() {
    struct Refuses;
    impl Serialize for Refuses {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("not today"))
        }
    }
    assert_eq!(captured!(vec![Refuses]), json!("<not serializable: not today>"));
    let cell = RefCell::new(1);
    let _borrowed = cell.borrow_mut();
    assert!(captured!(cell).as_str().unwrap().starts_with("<not serializable: already mutably borrowed"));
}
