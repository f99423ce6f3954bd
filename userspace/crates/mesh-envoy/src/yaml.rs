//! A configuration as YAML that Envoy reads as it was meant.
//!
//! Envoy's reader is of YAML 1.1, to which a bare `yes` is a truth value: every text that is not
//! plainly a name stands in quotation marks.

use std::fmt::Write;

use serde_json::Value;

/// Words that YAML 1.1 reads as something else than text, in whatever case.
const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"];

/// The value in block style, members in their order.
pub fn yaml(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(members) if !members.is_empty() => block(&mut text, value, 0),
        Value::Array(items) if !items.is_empty() => block(&mut text, value, 0),
        scalar => line(&mut text, scalar),
    }
    text
}

/// The lines of members or items. The first begins where the text ends.
fn block(text: &mut String, value: &Value, indent: usize) {
    let mut first = true;
    let mut margin = |text: &mut String| {
        if !std::mem::take(&mut first) {
            text.extend(std::iter::repeat_n(' ', indent));
        }
    };
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                margin(text);
                text.push_str(&scalar(name));
                text.push(':');
                if is_block(member) {
                    text.push('\n');
                    text.extend(std::iter::repeat_n(' ', indent + 2));
                    block(text, member, indent + 2);
                } else {
                    text.push(' ');
                    line(text, member);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                margin(text);
                text.push_str("- ");
                if is_block(item) {
                    block(text, item, indent + 2);
                } else {
                    line(text, item);
                }
            }
        }
        _ => {}
    }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

fn line(text: &mut String, value: &Value) {
    match value {
        Value::String(given) => text.push_str(&scalar(given)),
        other => text.push_str(&other.to_string()),
    }
    text.push('\n');
}

/// A text, bare where it can be nothing else.
fn scalar(given: &str) -> String {
    let bare = given.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && given
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_./-".contains(&byte))
        && !WORDS.iter().any(|word| given.eq_ignore_ascii_case(word));
    if bare {
        given.to_owned()
    } else {
        quoted(given)
    }
}

/// JSON's quoted text is YAML's, but for what is not printable.
fn quoted(given: &str) -> String {
    let mut quoted = String::new();
    for character in Value::from(given).to_string().chars() {
        if character.is_control() || character == '\u{feff}' {
            let _ = write!(quoted, "\\u{:04x}", u32::from(character));
        } else {
            quoted.push(character);
        }
    }
    quoted
}

#[cfg(test)]
mod tests;
