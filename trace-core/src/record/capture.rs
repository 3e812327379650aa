//! Values of any type onto a tape, with no trait asked of the user.
//!
//! Comes in: a reference, at a call site where its type is known ([`Captured`]). Goes out: exactly one value on the [`Tape`]. What the
//! user's code does wrong on the way (panics, refuses) is caught and shown in place of the value.
//!
//! How one expression finds the best of several ways: `Captured::new(&value).write(tape)` looks for the method along a chain of types
//! that dereference into each other, and takes the first whose bounds hold. The methods are inherent, so nothing has to be in
//! scope at the call site. In generic code the bounds written there decide.

use super::tape::{NotWritten, Tape};
use serde::Serialize;
use serde_json::Value;
use std::any::Any;
use std::fmt::{Debug, Display};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

/// Writes a serializable value.
pub fn serialize<T: Serialize + ?Sized>(value: &T, tape: &mut Tape) {
    write_guarded(tape, &|tape| tape.serialize(value));
}

/// A serializable value as JSON.
#[must_use]
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Value {
    let mut tape = Tape::default();
    serialize(value, &mut tape);
    tape.into_value()
}

/// The text that a value prints.
#[must_use]
pub fn display<T: Display + ?Sized>(value: &T) -> String {
    catch_unwind(AssertUnwindSafe(|| value.to_string())).unwrap_or_else(|payload| panicked(&*payload))
}

/// What a panic's payload says.
#[must_use]
pub fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)").to_owned()
}

fn panicked(payload: &(dyn Any + Send)) -> String {
    format!("<panicked: {}>", panic_message(payload))
}

/// Writes one value by code of the user's. If that panics or refuses, what it had written is taken back and a note stands there.
fn write_guarded(tape: &mut Tape, write: &dyn Fn(&mut Tape) -> Result<(), NotWritten>) {
    let start = tape.len();
    let note = match catch_unwind(AssertUnwindSafe(|| write(tape))) {
        Ok(Ok(())) => return,
        Ok(Err(error)) => format!("<{error}>"),
        Err(payload) => panicked(&*payload),
    };
    tape.rewind(start);
    tape.str(&note);
}

/// A value to be captured in the best way its type allows: a text, number or truth value as it is, else as its `Serialize` says, else
/// (behind an `Arc` or `Rc`) as the inner value's `Serialize` says, else as `Debug` prints it, else by the name of its type.
///
/// ```
/// use trace_core::record::{capture::Captured, tape::Tape};
/// struct Opaque;
/// let mut tape = Tape::default();
/// tape.seq();
/// Captured::new(&[1, 2]).write(&mut tape);
/// Captured::new(&std::time::Instant::now).write(&mut tape);
/// Captured::new(&Opaque).write(&mut tape);
/// tape.end();
/// assert!(tape.into_value()[2].as_str().unwrap().ends_with("Opaque>"));
/// ```
#[derive(Debug)]
pub struct Captured<'a, T: ?Sized>(BySerialize<'a, T>);

impl<'a, T: ?Sized> Captured<'a, T> {
    /// The value, by reference.
    #[inline]
    pub fn new(value: &'a T) -> Self {
        Self(BySerialize(ByInnerSerialize(ByDebug(ByName(value)))))
    }
}

impl<T: Plain + ?Sized> Captured<'_, T> {
    /// Writes the value.
    #[inline]
    pub fn write(&self, tape: &mut Tape) {
        self.get().write_plain(tape);
    }

    /// The value as JSON.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut tape = Tape::default();
        self.write(&mut tape);
        tape.into_value()
    }
}

impl<'a, T: ?Sized> Deref for Captured<'a, T> {
    type Target = BySerialize<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// A value of the language itself, of which nothing can go wrong: it is written without the care that code of the user's needs.
pub trait Plain {
    /// Writes the value, to the byte as its `Serialize` would.
    fn write_plain(&self, tape: &mut Tape);
}

macro_rules! plain {
    ($($type:ty => $write:ident($into:ty)),* $(,)?) => {$(
        impl Plain for $type {
            #[inline]
            fn write_plain(&self, tape: &mut Tape) {
                tape.$write(<$into>::from(*self));
            }
        }
    )*};
}

plain! {
    bool => bool(bool),
    i8 => i64(i64), i16 => i64(i64), i32 => i64(i64), i64 => i64(i64),
    u8 => u64(u64), u16 => u64(u64), u32 => u64(u64), u64 => u64(u64),
    f32 => f32(f32), f64 => f64(f64),
}

impl Plain for usize {
    #[inline]
    fn write_plain(&self, tape: &mut Tape) {
        tape.u64(*self as u64);
    }
}

impl Plain for isize {
    #[inline]
    fn write_plain(&self, tape: &mut Tape) {
        tape.i64(*self as i64);
    }
}

impl Plain for str {
    #[inline]
    fn write_plain(&self, tape: &mut Tape) {
        tape.str(self);
    }
}

impl Plain for String {
    #[inline]
    fn write_plain(&self, tape: &mut Tape) {
        tape.str(self);
    }
}

impl<P: Plain + ?Sized> Plain for &P {
    #[inline]
    fn write_plain(&self, tape: &mut Tape) {
        (**self).write_plain(tape);
    }
}

/// The second way of [`Captured`].
#[derive(Debug)]
pub struct BySerialize<'a, T: ?Sized>(ByInnerSerialize<'a, T>);

impl<T: Serialize + ?Sized> BySerialize<'_, T> {
    /// Writes the value.
    pub fn write(&self, tape: &mut Tape) {
        serialize(self.get(), tape);
    }

    /// The value as JSON.
    #[must_use]
    pub fn to_value(&self) -> Value {
        to_value(self.get())
    }
}

impl<'a, T: ?Sized> Deref for BySerialize<'a, T> {
    type Target = ByInnerSerialize<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// A shared value whose inside can be serialized, though `serde` serializes no `Arc` or `Rc` unless asked to.
pub trait SharedSerialize {
    /// What is inside.
    type Inner: Serialize + ?Sized;
    /// What is inside.
    fn inner(&self) -> &Self::Inner;
}

impl<T: Serialize + ?Sized> SharedSerialize for Arc<T> {
    type Inner = T;

    fn inner(&self) -> &T {
        self
    }
}

impl<T: Serialize + ?Sized> SharedSerialize for Rc<T> {
    type Inner = T;

    fn inner(&self) -> &T {
        self
    }
}

impl<S: SharedSerialize + ?Sized> SharedSerialize for &S {
    type Inner = S::Inner;

    fn inner(&self) -> &S::Inner {
        (**self).inner()
    }
}

/// The third way of [`Captured`].
#[derive(Debug)]
pub struct ByInnerSerialize<'a, T: ?Sized>(ByDebug<'a, T>);

impl<T: SharedSerialize + ?Sized> ByInnerSerialize<'_, T> {
    /// Writes the value.
    pub fn write(&self, tape: &mut Tape) {
        serialize(self.get().inner(), tape);
    }

    /// The value as JSON.
    #[must_use]
    pub fn to_value(&self) -> Value {
        to_value(self.get().inner())
    }
}

impl<'a, T: ?Sized> Deref for ByInnerSerialize<'a, T> {
    type Target = ByDebug<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// The fourth way of [`Captured`].
#[derive(Debug)]
pub struct ByDebug<'a, T: ?Sized>(ByName<'a, T>);

impl<T: Debug + ?Sized> ByDebug<'_, T> {
    /// Writes the value.
    pub fn write(&self, tape: &mut Tape) {
        write_debug(&self.get(), tape);
    }

    /// The value as JSON.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut tape = Tape::default();
        self.write(&mut tape);
        tape.into_value()
    }
}

impl<'a, T: ?Sized> Deref for ByDebug<'a, T> {
    type Target = ByName<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

fn write_debug(value: &dyn Debug, tape: &mut Tape) {
    write_guarded(tape, &|tape| {
        tape.display(format_args!("{value:?}"));
        Ok(())
    });
}

/// The last way of [`Captured`].
pub struct ByName<'a, T: ?Sized>(&'a T);

impl<'a, T: ?Sized> ByName<'a, T> {
    /// The value, from wherever along the chain.
    fn get(&self) -> &'a T {
        self.0
    }

    /// Writes the name of the value's type.
    pub fn write(&self, tape: &mut Tape) {
        tape.str(&Self::type_name());
    }

    /// The name of the value's type.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::String(Self::type_name())
    }

    fn type_name() -> String {
        format!("<{}>", std::any::type_name::<T>())
    }
}

impl<T: ?Sized> Debug for ByName<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::any::type_name::<T>())
    }
}

#[cfg(test)]
#[path = "capture_tests.rs"]
mod tests;
