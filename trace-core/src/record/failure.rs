//! What an error says, without asking the user for a trait.
//!
//! Comes in: a reference to an error, at a call site where its type is known. Goes out: [`ErrorInfo`]. The way is chosen as in
//! [`capture`]: the first type of a chain whose bounds hold.

use super::capture;
use crate::model::ErrorInfo;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::ops::Deref;

/// How many sources of an error are followed. An error that is its own source ends there.
const MAX_CHAIN: usize = 32;

/// An error to be described as far as its type allows: with its sources if it is (or gives, as `anyhow::Error` does) an [`Error`], else
/// as `Display` prints it, else as `Debug` does, else by the name of its type.
#[derive(Debug)]
pub struct Failure<'a, E: ?Sized>(AsError<'a, E>);

impl<'a, E: ?Sized> Failure<'a, E> {
    /// The error, by reference.
    #[inline]
    pub fn new(error: &'a E) -> Self {
        Self(AsError(Boxed(Displayed(Debugged(Unknown(error))))))
    }
}

macro_rules! falls_back_to {
    ($($from:ident => $to:ident),* $(,)?) => {$(
        impl<'a, E: ?Sized> Deref for $from<'a, E> {
            type Target = $to<'a, E>;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    )*};
}

falls_back_to! {
    Failure => AsError,
    AsError => Boxed,
    Boxed => Displayed,
    Displayed => Debugged,
    Debugged => Unknown,
}

impl<E: Error> Failure<'_, E> {
    /// What there is to say of the error.
    #[must_use]
    pub fn info(&self) -> ErrorInfo {
        describe(std::any::type_name::<E>(), self.get())
    }
}

/// The second way of [`Failure`]: `anyhow::Error`, `eyre::Report` and `Box<dyn Error + Send + Sync>` hold an error without being one.
#[derive(Debug)]
pub struct AsError<'a, E: ?Sized>(Boxed<'a, E>);

impl<E: AsRef<dyn Error + Send + Sync> + Debug> AsError<'_, E> {
    /// What there is to say of the error.
    #[must_use]
    pub fn info(&self) -> ErrorInfo {
        let error = self.get();
        let mut info = describe(std::any::type_name::<E>(), error.as_ref());
        info.backtrace = printed_backtrace(error);
        info
    }
}

/// The third way of [`Failure`]: other boxes around an error.
#[derive(Debug)]
pub struct Boxed<'a, E: ?Sized>(Displayed<'a, E>);

/// A box around an error whose type is not known.
pub trait ErrorBox {
    /// What is inside.
    fn inner(&self) -> &(dyn Error + '_);
}

impl ErrorBox for Box<dyn Error + '_> {
    fn inner(&self) -> &(dyn Error + '_) {
        &**self
    }
}

impl ErrorBox for Box<dyn Error + Send + '_> {
    fn inner(&self) -> &(dyn Error + '_) {
        &**self
    }
}

impl ErrorBox for Box<dyn Error + Send + Sync + '_> {
    fn inner(&self) -> &(dyn Error + '_) {
        &**self
    }
}

impl<E: ErrorBox> Boxed<'_, E> {
    /// What there is to say of the error.
    #[must_use]
    pub fn info(&self) -> ErrorInfo {
        describe(std::any::type_name::<E>(), self.get().inner())
    }
}

/// The fourth way of [`Failure`].
#[derive(Debug)]
pub struct Displayed<'a, E: ?Sized>(Debugged<'a, E>);

impl<E: Display + ?Sized> Displayed<'_, E> {
    /// What there is to say of the error.
    #[must_use]
    pub fn info(&self) -> ErrorInfo {
        named(std::any::type_name::<E>(), capture::display(self.get()))
    }
}

/// The fifth way of [`Failure`].
#[derive(Debug)]
pub struct Debugged<'a, E: ?Sized>(Unknown<'a, E>);

impl<E: Debug + ?Sized> Debugged<'_, E> {
    /// What there is to say of the error.
    #[must_use]
    pub fn info(&self) -> ErrorInfo {
        let error = self.get();
        named(std::any::type_name::<E>(), capture::display(&format_args!("{error:?}")))
    }
}

/// The last way of [`Failure`].
pub struct Unknown<'a, E: ?Sized>(&'a E);

impl<'a, E: ?Sized> Unknown<'a, E> {
    /// The error, from wherever along the chain.
    fn get(&self) -> &'a E {
        self.0
    }

    /// What there is to say of the error: only its type.
    #[must_use]
    pub fn info(&self) -> ErrorInfo {
        let name = std::any::type_name::<E>();
        named(name, format!("<{name}>"))
    }
}

impl<E: ?Sized> Debug for Unknown<'_, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::any::type_name::<E>())
    }
}

fn named(kind: &str, message: String) -> ErrorInfo {
    ErrorInfo { kind: Some(kind.to_owned()), message, ..ErrorInfo::default() }
}

impl<E: Error> From<E> for ErrorInfo {
    /// The error with its sources.
    fn from(error: E) -> Self {
        describe(std::any::type_name::<E>().trim_start_matches('&'), &error)
    }
}

/// An error with its sources. Code of the user's that panics on the way is shown in place of the message.
fn describe(kind: &str, error: &dyn Error) -> ErrorInfo {
    let mut info = named(kind, capture::display(error));
    let mut source = source_of(error);
    while let Some(error) = source.filter(|_| info.chain.len() < MAX_CHAIN) {
        info.chain.push(capture::display(error));
        source = source_of(error);
    }
    info
}

fn source_of<'a>(error: &'a (dyn Error + 'a)) -> Option<&'a (dyn Error + 'static)> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| error.source())).unwrap_or(None)
}

/// The backtrace that `anyhow` and `eyre` print behind an error when one was captured; there is no other way to it on a stable compiler.
fn printed_backtrace(error: &dyn Debug) -> Option<String> {
    let asked_for = ["RUST_BACKTRACE", "RUST_LIB_BACKTRACE"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| value != "0"));
    if !asked_for {
        return None;
    }
    let printed = capture::display(&format_args!("{error:?}"));
    let (_, backtrace) = printed.split_once("Stack backtrace:\n")?;
    Some(backtrace.trim_end().to_owned())
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
