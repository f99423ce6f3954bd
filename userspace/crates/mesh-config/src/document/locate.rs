//! The line of a field in the text of its file.

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::problem::path::{FieldPath, Step};

/// The line, from 1, on which the value at a path begins. Where the path ends early, because the
/// field is missing, it is the line of what the field is missing from.
pub(crate) fn line(text: &str, path: &FieldPath) -> Option<usize> {
    let mut value: &RawValue = serde_json::from_str(text).ok()?;
    for step in &path.0 {
        let inner = match step {
            Step::Member(name) => serde_json::from_str::<HashMap<String, &RawValue>>(value.get())
                .ok()
                .and_then(|members| members.get(name).copied()),
            Step::Item(index) => serde_json::from_str::<Vec<&RawValue>>(value.get())
                .ok()
                .and_then(|items| items.get(*index).copied()),
        };
        match inner {
            Some(inner) => value = inner,
            None => break,
        }
    }
    let offset = (value.get().as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    Some(
        text.get(..offset)?
            .bytes()
            .filter(|byte| *byte == b'\n')
            .count()
            + 1,
    )
}

#[cfg(test)]
mod tests;
