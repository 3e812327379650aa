//! `serde` onto a tape.

use super::{ELLIPSIS, MAX_DEPTH, MAX_VALUE, Tape};
use serde::ser::{self, Serialize};
use std::fmt::Display;

/// The names under which `serde_json` hides JSON text in an ordinary struct.
const JSON_INSIDE: [&str; 2] = ["$serde_json::private::RawValue", "$serde_json::private::Number"];

/// Why a value could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotWritten {
    /// The value's own `Serialize` gave up.
    #[error("not serializable: {0}")]
    Refused(String),
    /// The value is longer than [`MAX_VALUE`].
    #[error("larger than {} MiB", MAX_VALUE >> 20)]
    TooLarge,
}

impl ser::Error for NotWritten {
    fn custom<T: Display>(message: T) -> Self {
        Self::Refused(message.to_string())
    }
}

/// Writes one value at the end of a tape.
pub(super) fn write<T: Serialize + ?Sized>(tape: &mut Tape, value: &T) -> Result<(), NotWritten> {
    let limit = tape.len().saturating_add(MAX_VALUE);
    value.serialize(Writer { tape, depth: 0, limit })
}

/// Writes one value.
struct Writer<'a> {
    tape: &'a mut Tape,
    /// How many sequences and maps are open around it.
    depth: usize,
    /// The length that the tape may reach.
    limit: usize,
}

impl<'a> Writer<'a> {
    fn open(self, begin: fn(&mut Tape)) -> Inside<'a> {
        let Self { tape, depth, limit } = self;
        if depth >= MAX_DEPTH {
            tape.str(ELLIPSIS);
            return Inside { tape, depth, limit, how: How::Skipped };
        }
        begin(tape);
        Inside { tape, depth: depth + 1, limit, how: How::Plain }
    }

    /// Opens the map with one entry that stands for an enum's variant, and what is in the variant.
    fn open_variant(self, variant: &'static str, begin: fn(&mut Tape)) -> Inside<'a> {
        let outer = self.open(Tape::map);
        if matches!(outer.how, How::Skipped) {
            return outer;
        }
        outer.tape.key(variant);
        let Inside { tape, depth, limit, .. } = outer;
        if depth >= MAX_DEPTH {
            tape.str(ELLIPSIS);
            tape.end();
            return Inside { tape, depth, limit, how: How::Skipped };
        }
        begin(tape);
        Inside { tape, depth: depth + 1, limit, how: How::Variant }
    }
}

/// How the inside of a sequence or map is written.
enum How {
    Plain,
    /// Inside of the map that stands for a variant: there are two ends to write.
    Variant,
    /// Too deep: everything is left out.
    Skipped,
    /// A struct of `serde_json` whose one field is JSON text.
    Json,
}

/// Writes what is in a sequence or a map.
struct Inside<'a> {
    tape: &'a mut Tape,
    depth: usize,
    limit: usize,
    how: How,
}

impl Inside<'_> {
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotWritten> {
        if matches!(self.how, How::Skipped) {
            return Ok(());
        }
        if self.tape.len() > self.limit {
            return Err(NotWritten::TooLarge);
        }
        value.serialize(Writer { tape: self.tape, depth: self.depth, limit: self.limit })
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), NotWritten> {
        match self.how {
            How::Skipped => Ok(()),
            How::Json => {
                let at = self.tape.len();
                self.value(value)?;
                self.tape.text_is_json(at);
                Ok(())
            }
            How::Plain | How::Variant => {
                self.tape.key(name);
                self.value(value)
            }
        }
    }

    fn close(self) {
        match self.how {
            How::Plain => self.tape.end(),
            How::Variant => {
                self.tape.end();
                self.tape.end();
            }
            How::Skipped | How::Json => {}
        }
    }
}

macro_rules! scalars {
    ($($method:ident $type:ty => $write:ident $into:ty),* $(,)?) => {$(
        fn $method(self, value: $type) -> Result<(), NotWritten> {
            self.tape.$write(<$into>::from(value));
            Ok(())
        }
    )*};
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = NotWritten;
    type SerializeSeq = Inside<'a>;
    type SerializeTuple = Inside<'a>;
    type SerializeTupleStruct = Inside<'a>;
    type SerializeTupleVariant = Inside<'a>;
    type SerializeMap = Inside<'a>;
    type SerializeStruct = Inside<'a>;
    type SerializeStructVariant = Inside<'a>;

    scalars! {
        serialize_bool bool => bool bool,
        serialize_i8 i8 => i64 i64,
        serialize_i16 i16 => i64 i64,
        serialize_i32 i32 => i64 i64,
        serialize_i64 i64 => i64 i64,
        serialize_u8 u8 => u64 u64,
        serialize_u16 u16 => u64 u64,
        serialize_u32 u32 => u64 u64,
        serialize_u64 u64 => u64 u64,
        serialize_i128 i128 => integer i128,
        serialize_u128 u128 => integer u128,
        serialize_f32 f32 => f32 f32,
        serialize_f64 f64 => f64 f64,
    }

    fn serialize_char(self, value: char) -> Result<(), NotWritten> {
        self.tape.str(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), NotWritten> {
        self.tape.str(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), NotWritten> {
        match std::str::from_utf8(value) {
            Ok(text) => self.serialize_str(text),
            Err(_) => self.collect_seq(value),
        }
    }

    fn serialize_none(self) -> Result<(), NotWritten> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotWritten> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), NotWritten> {
        self.tape.null();
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), NotWritten> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result<(), NotWritten> {
        self.serialize_str(variant)
    }

    /// Shows what is inside, but counts as a level: a type can nest in itself through newtypes alone.
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result<(), NotWritten> {
        if self.depth >= MAX_DEPTH {
            self.tape.str(ELLIPSIS);
            return Ok(());
        }
        value.serialize(Writer { depth: self.depth + 1, ..self })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), NotWritten> {
        let mut inside = self.open(Tape::map);
        inside.field(variant, value)?;
        inside.close();
        Ok(())
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Inside<'a>, NotWritten> {
        Ok(self.open(Tape::seq))
    }

    fn serialize_tuple(self, _len: usize) -> Result<Inside<'a>, NotWritten> {
        Ok(self.open(Tape::seq))
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Inside<'a>, NotWritten> {
        Ok(self.open(Tape::seq))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Inside<'a>, NotWritten> {
        Ok(self.open_variant(variant, Tape::seq))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Inside<'a>, NotWritten> {
        Ok(self.open(Tape::map))
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Inside<'a>, NotWritten> {
        if JSON_INSIDE.contains(&name) {
            let Self { tape, depth, limit } = self;
            return Ok(Inside { tape, depth, limit, how: How::Json });
        }
        Ok(self.open(Tape::map))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Inside<'a>, NotWritten> {
        Ok(self.open_variant(variant, Tape::map))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), NotWritten> {
        self.tape.display(value);
        Ok(())
    }
}

macro_rules! items {
    ($($trait:ident :: $method:ident),* $(,)?) => {$(
        impl ser::$trait for Inside<'_> {
            type Ok = ();
            type Error = NotWritten;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotWritten> {
                self.value(value)
            }

            fn end(self) -> Result<(), NotWritten> {
                self.close();
                Ok(())
            }
        }
    )*};
}

items! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

macro_rules! fields {
    ($($trait:ident),* $(,)?) => {$(
        impl ser::$trait for Inside<'_> {
            type Ok = ();
            type Error = NotWritten;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), NotWritten> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), NotWritten> {
                self.close();
                Ok(())
            }
        }
    )*};
}

fields! { SerializeStruct, SerializeStructVariant }

impl ser::SerializeMap for Inside<'_> {
    type Ok = ();
    type Error = NotWritten;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotWritten> {
        self.value(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotWritten> {
        self.value(value)
    }

    fn end(self) -> Result<(), NotWritten> {
        self.close();
        Ok(())
    }
}
