//! JSON text to a value, with the members that are written twice in one object: of those the last
//! counts, as it does for the AWS CLI, and nobody would see that the first is lost.

use std::{cell::RefCell, fmt};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::problem::path::{FieldPath, Step};

/// A file's value.
#[derive(Debug)]
pub(crate) struct Json {
    pub(crate) value: Value,
    /// Members that are written twice, in the order of the text.
    pub(crate) twice: Vec<FieldPath>,
}

/// Reads a whole text.
pub(crate) fn read(text: &str) -> Result<Json, serde_json::Error> {
    let way = Way::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = way.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(Json {
        value,
        twice: way.twice.into_inner(),
    })
}

/// The way from the top to where the reader is.
#[derive(Default)]
struct Way {
    steps: RefCell<Vec<Step>>,
    twice: RefCell<Vec<FieldPath>>,
}

impl Way {
    /// Reads what lies one step further.
    fn further<T>(&self, step: Step, read: impl FnOnce(&Self) -> T) -> T {
        self.steps.borrow_mut().push(step);
        let inner = read(self);
        self.steps.borrow_mut().pop();
        inner
    }
}

impl<'de> DeserializeSeed<'de> for &Way {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &Way {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) =
            self.further(Step::Item(items.len()), |way| access.next_element_seed(way))?
        {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            let value = self.further(Step::Member(name.clone()), |way| {
                if members.contains_key(&name) {
                    way.twice
                        .borrow_mut()
                        .push(FieldPath(way.steps.borrow().clone()));
                }
                access.next_value_seed(way)
            })?;
            members.insert(name, value);
        }
        Ok(members.into())
    }
}

#[cfg(test)]
mod tests;
