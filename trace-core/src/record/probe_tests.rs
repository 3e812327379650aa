//! A `Result` is seen by its value; texts and numbers of several types are taken.

use super::{Returned, Worded, alternative, confidence};
use crate::model::ErrorInfo;
use crate::record::failure::Failure;

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
    assert_eq!(alternative(("google", 0.5)), ("google".into(), 0.5));
    assert_eq!(alternative(&(String::from("google"), 0.5)), ("google".into(), 0.5));
}
