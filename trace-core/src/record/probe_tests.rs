//! A `Result` is seen by its value, an error is described as far as its type allows.

use super::{Failure, Returned, Worded, alternative, confidence};
use crate::model::ErrorInfo;
use std::error::Error;
use std::fmt::{self, Debug, Display};

macro_rules! described {
    ($error:expr) => {{
        let error = $error;
        let info: ErrorInfo = Failure::new(&error).info();
        info
    }};
}

#[derive(Debug)]
struct Layer(&'static str, Option<Box<Layer>>);

impl Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Layer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|layer| layer as _)
    }
}

fn layers() -> Layer {
    Layer("cannot answer", Some(Box::new(Layer("no network", Some(Box::new(Layer("unplugged", None)))))))
}

#[test]
fn only_a_result_can_be_an_error_whatever_its_alias() {
    type Answer = Result<u8, String>;
    let (good, bad): (Answer, Answer) = (Ok(1), Err("broken".to_owned()));
    assert!(Returned::new(&good).error().is_none());
    assert_eq!(Returned::new(&good).value(), Some(&1));
    assert_eq!(Returned::new(&bad).error().unwrap(), "broken");
    assert!(Returned::new(&bad).value().is_none());
    assert!(Returned::new(&Some(1)).error().is_none());
    assert_eq!(Returned::new(&"text").value(), Some(&"text"));
}

#[test]
fn what_returns_no_result_still_compiles_to_a_description() {
    if let Some(error) = Returned::new(&5).error() {
        let _: ErrorInfo = Failure::new(error).info();
    }
}

#[test]
fn an_error_comes_with_its_sources() {
    let info = described!(layers());
    assert!(info.kind.unwrap().ends_with("::Layer"));
    assert_eq!(info.message, "cannot answer");
    assert_eq!(info.chain, ["no network", "unplugged"]);
}

#[test]
fn boxed_errors_are_seen_through() {
    let plain: Box<dyn Error> = Box::new(layers());
    let send: Box<dyn Error + Send> = Box::new(layers());
    let sync: Box<dyn Error + Send + Sync> = Box::new(layers());
    for info in [described!(plain), described!(send), described!(sync), described!(Box::new(layers()))] {
        assert_eq!((info.message.as_str(), info.chain.len()), ("cannot answer", 2));
    }
}

#[test]
fn an_error_type_that_only_gives_an_error_is_seen_through() {
    /// As `anyhow::Error` is.
    #[derive(Debug)]
    struct Anyhow(Layer);
    impl AsRef<dyn Error + Send + Sync> for Anyhow {
        fn as_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
            &self.0
        }
    }
    let info = described!(Anyhow(layers()));
    assert_eq!((info.message.as_str(), info.chain.len()), ("cannot answer", 2));
}

#[test]
fn other_errors_say_what_they_can() {
    #[derive(Debug)]
    struct Code(#[allow(dead_code)] u8);
    struct Mute;
    assert_eq!(described!("text").message, "text");
    assert_eq!(described!(String::from("text")).kind.unwrap(), "alloc::string::String");
    assert_eq!(described!(Code(7)).message, "Code(7)");
    assert_eq!(described!(()).message, "()");
    assert!(described!(Mute).message.ends_with("::Mute>"));
}

#[test]
fn an_error_that_is_its_own_source_has_an_end() {
    #[derive(Debug)]
    struct Circle;
    impl Display for Circle {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("round")
        }
    }
    impl Error for Circle {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self)
        }
    }
    assert_eq!(described!(Circle).chain.len(), super::MAX_CHAIN);
}

#[test]
fn an_error_that_panics_when_it_is_asked_is_caught() {
    #[derive(Debug)]
    struct Rude;
    impl Display for Rude {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("go away")
        }
    }
    impl Error for Rude {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            panic!("and take this")
        }
    }
    let info = described!(Rude);
    assert_eq!(info.message, "<panicked: go away>");
    assert!(info.chain.is_empty());
}

#[test]
fn text_is_copied_and_anything_else_printed() {
    assert_eq!(Worded::new("literal").text(), "literal");
    assert_eq!(Worded::new(&String::from("owned")).text(), "owned");
    assert_eq!(Worded::new(&std::borrow::Cow::Borrowed("cow")).text(), "cow");
    assert_eq!(Worded::new(&12).text(), "12");
}

#[test]
fn confidences_and_alternatives_of_several_types() {
    assert!((confidence(0.9_f32) - 0.9).abs() < f64::EPSILON);
    assert!((confidence(1) - 1.0).abs() < f64::EPSILON);
    assert_eq!(alternative(("google", 0.5)), ("google".to_owned(), 0.5));
    assert_eq!(alternative(&(String::from("google"), 0.5)), ("google".to_owned(), 0.5));
}
