//! `$NAME` and `${NAME}` in documents, as `envsubst` and `jq --arg` fill them.

use std::{borrow::Cow, collections::BTreeMap};

use smol_str::SmolStr;

use crate::tree::{Node, Value};

/// Stands, in a string, before the name of a variable that the text has without quotation marks.
/// It is of Unicode's private use, and no document has it.
const BARE: char = '\u{f8ff}';

/// Values by name.
pub(crate) type Variables = BTreeMap<String, String>;

/// Puts variables without quotation marks into some, so that the text is JSON. Lines stay.
pub(crate) fn quote_bare(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut quoted = String::new();
    let mut taken = 0;
    let mut index = 0;
    let mut in_string = false;
    while let Some(byte) = bytes.get(index) {
        match byte {
            b'\\' if in_string => index += 1,
            b'"' => in_string = !in_string,
            b'$' if !in_string => {
                if let Some((name, length)) = reference(&text[index..]) {
                    quoted.push_str(&text[taken..index]);
                    quoted.extend(['"', BARE]);
                    quoted.push_str(name);
                    quoted.push('"');
                    index += length;
                    taken = index;
                    continue;
                }
            }
            _ => {}
        }
        index += 1;
    }
    if taken == 0 {
        return text.into();
    }
    quoted.push_str(&text[taken..]);
    quoted.into()
}

/// Fills the variables of a tree in. Those that have no value are noted, by name and line, and
/// leave the string that holds them open.
pub(crate) fn fill(node: &mut Node, variables: &Variables, unknown: &mut Vec<(String, u32)>) {
    match &mut node.value {
        Value::List(items) => {
            for item in items {
                fill(item, variables, unknown);
            }
        }
        Value::Map(members) => {
            for member in members.iter_mut() {
                if member.name.contains('$') {
                    let (name, _) = filled(&member.name, variables, member.node.line, unknown);
                    member.name = name;
                }
                fill(&mut member.node, variables, unknown);
            }
        }
        Value::Text(text) => {
            if let Some(name) = text.strip_prefix(BARE) {
                node.value = if let Some(value) = variables.get(name) {
                    Value::Loose(value.into())
                } else {
                    unknown.push((name.to_owned(), node.line));
                    Value::Open(format!("${{{name}}}").into())
                };
            } else if text.contains('$') {
                let (text, open) = filled(text, variables, node.line, unknown);
                node.value = if open {
                    Value::Open(text)
                } else {
                    Value::Text(text)
                };
            }
        }
        Value::Loose(text) if text.contains('$') => {
            let (text, open) = filled(text, variables, node.line, unknown);
            node.value = if open {
                Value::Open(text)
            } else {
                Value::Loose(text)
            };
        }
        _ => {}
    }
}

/// The text with its variables filled in, and whether one of them has no value.
fn filled(
    text: &str,
    variables: &Variables,
    line: u32,
    unknown: &mut Vec<(String, u32)>,
) -> (SmolStr, bool) {
    let mut whole = String::new();
    let mut open = false;
    let mut rest = text;
    while let Some(index) = rest.find('$') {
        whole.push_str(&rest[..index]);
        rest = &rest[index..];
        // `$$` stands for `$`, where a pattern has one before a letter.
        if rest.starts_with("$$") {
            whole.push('$');
            rest = &rest[2..];
            continue;
        }
        let Some((name, length)) = reference(rest) else {
            whole.push('$');
            rest = &rest[1..];
            continue;
        };
        if let Some(value) = variables.get(name) {
            whole.push_str(value);
        } else {
            open = true;
            unknown.push((name.to_owned(), line));
            whole.extend(["${", name, "}"]);
        }
        rest = &rest[length..];
    }
    whole.push_str(rest);
    (whole.into(), open)
}

/// The name of the variable at the beginning of a text that begins with `$`, and how much of the
/// text refers to it.
fn reference(text: &str) -> Option<(&str, usize)> {
    let after = text.strip_prefix('$')?;
    let (name, more) = if let Some(inner) = after.strip_prefix('{') {
        (&inner[..inner.find('}')?], 3)
    } else {
        let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        (&after[..end.unwrap_or(after.len())], 1)
    };
    let fits = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    fits.then_some((name, name.len() + more))
}

#[cfg(test)]
mod tests;
