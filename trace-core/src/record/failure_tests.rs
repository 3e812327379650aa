//! An error is described as far as its type allows, and cannot do harm.

use super::Failure;
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
