//! From JSON to the type of a kind, with notes of where it did not fit.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Expected, IntoDeserializer as _,
    MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Number, Value, map};

/// What was read, and the paths of fields that its type does not have.
///
/// Nothing in here is generic but the type itself: each kind is compiled once, whoever reads it, and
/// not for each layer of adapters that would note paths and unknown fields.
pub(crate) fn decode<T: DeserializeOwned>(value: Value) -> Result<(T, Vec<String>), Misfit> {
    let notes = Notes::default();
    let fields = Fields {
        value,
        path: &Path::Root,
        notes: &notes,
    };
    match T::deserialize(fields) {
        Ok(read) => Ok((read, notes.unknown.into_inner())),
        Err(error) => Err(Misfit {
            field: notes.failed.into_inner(),
            message: error.0,
        }),
    }
}

/// An object that does not have the form of its kind.
#[derive(Debug)]
pub(crate) struct Misfit {
    /// Where; nothing, if it is the whole.
    pub(crate) field: Option<String>,
    pub(crate) message: String,
}

impl Misfit {
    /// What to do about it.
    pub(crate) fn remedy(&self) -> &'static str {
        if self.message.starts_with("missing field") {
            "add the field"
        } else {
            "write the field in the form the API gives it"
        }
    }
}

#[derive(Default)]
struct Notes {
    unknown: RefCell<Vec<String>>,
    /// Where the first error was, which is the innermost place.
    failed: RefCell<Option<String>>,
    has_failed: Cell<bool>,
}

impl Notes {
    fn track<T>(&self, path: &Path<'_>, read: Result<T, FieldError>) -> Result<T, FieldError> {
        if read.is_err() && !self.has_failed.replace(true) {
            *self.failed.borrow_mut() = Some(path.to_string());
        }
        read
    }
}

/// Where in an object.
enum Path<'a> {
    Root,
    Index(&'a Self, usize),
    Key(&'a Self, &'a str),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
            Self::Key(Self::Root, key) => f.write_str(key),
            Self::Key(parent, key) => write!(f, "{parent}.{key}"),
        }
    }
}

#[derive(Debug)]
struct FieldError(String);

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FieldError {}

impl de::Error for FieldError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match unexpected {
            // As those call it who write manifests.
            Unexpected::Unit => Self(format!("invalid type: null, expected {expected}")),
            other => Self(format!("invalid type: {other}, expected {expected}")),
        }
    }
}

/// A value, and where it is.
struct Fields<'a> {
    value: Value,
    path: &'a Path<'a>,
    notes: &'a Notes,
}

impl<'a> Fields<'a> {
    fn map(self, fields: Map<String, Value>) -> Entries<'a> {
        Entries {
            rest: fields.into_iter(),
            next: None,
            path: self.path,
            notes: self.notes,
        }
    }

    fn seq(self, items: Vec<Value>) -> Items<'a> {
        Items {
            rest: items.into_iter().enumerate(),
            path: self.path,
            notes: self.notes,
        }
    }
}

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = FieldError;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, FieldError> {
        match self.value.take() {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(flag),
            Value::Number(number) => visit_number(&number, visitor),
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => visitor.visit_seq(self.seq(items)),
            Value::Object(fields) => visitor.visit_map(self.map(fields)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        // No kind has variants with content.
        match self.value.take() {
            Value::String(name) => visitor.visit_enum(name.into_deserializer()),
            other => Err(de::Error::invalid_type(unexpected(&other), &"a text")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        self.notes.unknown.borrow_mut().push(self.path.to_string());
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
    }
}

fn visit_number<'de, V: Visitor<'de>>(number: &Number, visitor: V) -> Result<V::Value, FieldError> {
    if let Some(number) = number.as_u64() {
        return visitor.visit_u64(number);
    }
    match (number.as_i64(), number.as_f64()) {
        (Some(number), _) => visitor.visit_i64(number),
        (None, number) => visitor.visit_f64(number.unwrap_or(f64::NAN)),
    }
}

fn unexpected(value: &Value) -> Unexpected<'_> {
    match value {
        Value::Null => Unexpected::Unit,
        Value::Bool(flag) => Unexpected::Bool(*flag),
        Value::Number(_) => Unexpected::Other("number"),
        Value::String(text) => Unexpected::Str(text),
        Value::Array(_) => Unexpected::Seq,
        Value::Object(_) => Unexpected::Map,
    }
}

struct Entries<'a> {
    rest: map::IntoIter,
    next: Option<(String, Value)>,
    path: &'a Path<'a>,
    notes: &'a Notes,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = FieldError;

    fn next_key_seed<K>(&mut self, seed: K) -> Result<Option<K::Value>, FieldError>
    where
        K: DeserializeSeed<'de>,
    {
        let Some((key, value)) = self.rest.next() else {
            return Ok(None);
        };
        let read = seed.deserialize(key.as_str().into_deserializer());
        let read = self.notes.track(&Path::Key(self.path, &key), read)?;
        self.next = Some((key, value));
        Ok(Some(read))
    }

    fn next_value_seed<V>(&mut self, seed: V) -> Result<V::Value, FieldError>
    where
        V: DeserializeSeed<'de>,
    {
        let (key, value) = self.next.take().unwrap_or_default();
        let path = Path::Key(self.path, &key);
        let fields = Fields {
            value,
            path: &path,
            notes: self.notes,
        };
        let read = seed.deserialize(fields);
        self.notes.track(&path, read)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Items<'a> {
    rest: std::iter::Enumerate<std::vec::IntoIter<Value>>,
    path: &'a Path<'a>,
    notes: &'a Notes,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = FieldError;

    fn next_element_seed<T>(&mut self, seed: T) -> Result<Option<T::Value>, FieldError>
    where
        T: DeserializeSeed<'de>,
    {
        let Some((index, value)) = self.rest.next() else {
            return Ok(None);
        };
        let path = Path::Index(self.path, index);
        let fields = Fields {
            value,
            path: &path,
            notes: self.notes,
        };
        let read = seed.deserialize(fields);
        self.notes.track(&path, read).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

#[cfg(test)]
mod tests;
