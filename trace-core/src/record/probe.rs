//! What an expansion wants to know of a value without asking the user for a trait: whether it is an `Err`, and which text or number it is.
//!
//! Comes in: references to what a function returned or what stands in a `decision!`. Goes out: references, [`Text`]. The way is chosen as in
//! [`capture`]: the first type of a chain whose bounds hold.

use super::{Text, capture};
use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt::{Debug, Display};
use std::ops::Deref;

/// What a function returned. The value decides whether it is a `Result`, so aliases such as `anyhow::Result` are seen through.
#[derive(Debug)]
pub struct Returned<'a, T>(Plain<'a, T>);

impl<'a, T> Returned<'a, T> {
    /// The value, by reference.
    #[inline]
    pub fn new(value: &'a T) -> Self {
        Self(Plain(value))
    }
}

impl<'a, T, E> Returned<'a, Result<T, E>> {
    /// The error, if it is one.
    #[inline]
    #[must_use]
    pub fn error(&self) -> Option<&'a E> {
        self.0.0.as_ref().err()
    }

    /// The value, unless it is an error.
    #[inline]
    #[must_use]
    pub fn value(&self) -> Option<&'a T> {
        self.0.0.as_ref().ok()
    }
}

impl<'a, T> Deref for Returned<'a, T> {
    type Target = Plain<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// What was returned is no `Result`.
#[derive(Debug)]
pub struct Plain<'a, T>(&'a T);

impl<'a, T> Plain<'a, T> {
    /// There is no error.
    #[inline]
    #[must_use]
    pub fn error(&self) -> Option<&'a Infallible> {
        None
    }

    /// The value.
    #[inline]
    #[must_use]
    pub fn value(&self) -> Option<&'a T> {
        Some(self.0)
    }
}

/// A text in a `decision!` that is neither a literal nor freshly formatted.
#[derive(Debug)]
pub struct Worded<'a, T: ?Sized>(Printed<'a, T>);

impl<'a, T: ?Sized> Worded<'a, T> {
    /// The expression's value, by reference.
    #[inline]
    pub fn new(value: &'a T) -> Self {
        Self(Printed(value))
    }
}

impl<'a, T: AsRef<str> + ?Sized> Worded<'a, T> {
    /// The text.
    #[must_use]
    pub fn text(&self) -> Cow<'a, str> {
        Cow::Borrowed(self.0.0.as_ref())
    }
}

impl<'a, T: ?Sized> Deref for Worded<'a, T> {
    type Target = Printed<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// What has no text but prints one.
pub struct Printed<'a, T: ?Sized>(&'a T);

impl<T: ?Sized> Printed<'_, T> {
    /// The text it prints.
    #[must_use]
    pub fn text(&self) -> Text
    where
        T: PrintsText,
    {
        Text::Owned(self.0.print())
    }
}

impl<T: ?Sized> Debug for Printed<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::any::type_name::<T>())
    }
}

/// A type that says in words what it is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no text to be shown",
    label = "neither `AsRef<str>` nor `Display`",
    note = "implement `std::fmt::Display` for it, or write the text with `format!(\"…\")`"
)]
pub trait PrintsText {
    /// The text.
    fn print(&self) -> String;
}

#[diagnostic::do_not_recommend]
impl<T: Display + ?Sized> PrintsText for T {
    fn print(&self) -> String {
        capture::display(self)
    }
}

/// What is said of a run: a text as [`Worded`] takes it, or an `Option` of one.
#[derive(Debug)]
pub struct Given<'a, T: ?Sized>(Always<'a, T>);

impl<'a, T: ?Sized> Given<'a, T> {
    /// The expression's value, by reference.
    #[inline]
    pub fn new(value: &'a T) -> Self {
        Self(Always(Worded::new(value)))
    }
}

impl<T: PrintsText> Given<'_, Option<T>> {
    /// The text, if there is one.
    #[must_use]
    pub fn text(&self) -> Option<Text> {
        self.0.0.0.0.as_ref().map(|value| Text::Owned(value.print()))
    }
}

impl<'a, T: ?Sized> Deref for Given<'a, T> {
    type Target = Always<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// What is no `Option`.
#[derive(Debug)]
pub struct Always<'a, T: ?Sized>(Worded<'a, T>);

impl<T: ?Sized> Always<'_, T> {
    /// The text.
    #[must_use]
    pub fn text(&self) -> Option<Text>
    where
        T: PrintsText,
    {
        Some(Text::Owned(self.0.0.0.print()))
    }
}

/// A number between 0 and 1.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no confidence",
    label = "expected a number between 0 and 1",
    note = "give an `f64`, or leave `confidence` out when there is none"
)]
pub trait Confidence {
    /// The number; NaN where there is none.
    fn into_f64(self) -> f64;
}

macro_rules! confidences {
    ($($type:ty),*) => {$(
        impl Confidence for $type {
            #[inline]
            fn into_f64(self) -> f64 {
                f64::from(self)
            }
        }
    )*};
}

confidences!(f64, i32);

impl Confidence for f32 {
    /// Seven digits are all that it has: 0.9, not 0.8999999761581421.
    #[inline]
    fn into_f64(self) -> f64 {
        (f64::from(self) * 1e7).round() / 1e7
    }
}

impl<C: Confidence + Copy> Confidence for &C {
    #[inline]
    fn into_f64(self) -> f64 {
        (*self).into_f64()
    }
}

/// The confidence as a number.
#[inline]
pub fn confidence(value: impl Confidence) -> f64 {
    value.into_f64()
}

/// One of the options that were considered, as an iterator given to `alternatives` yields it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no alternative",
    label = "expected `(option, confidence)`",
    note = "give `[\"google\" => 0.6, …]`, or an iterator over pairs of a text and an `f64`"
)]
pub trait Alternative {
    /// The option and its confidence.
    fn into_pair(self) -> (Text, f64);
}

impl<S: Into<String>, C: Confidence> Alternative for (S, C) {
    fn into_pair(self) -> (Text, f64) {
        (Text::Owned(self.0.into()), self.1.into_f64())
    }
}

impl<S: AsRef<str>, C: Confidence + Copy> Alternative for &(S, C) {
    fn into_pair(self) -> (Text, f64) {
        (Text::Owned(self.0.as_ref().to_owned()), self.1.into_f64())
    }
}

/// The option and its confidence.
#[inline]
pub fn alternative(value: impl Alternative) -> (Text, f64) {
    value.into_pair()
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
