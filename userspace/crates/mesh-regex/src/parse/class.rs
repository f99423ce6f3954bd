//! Classes in brackets.

use super::{Flags, cursor::Cursor, escape};
use crate::{Fault, InvalidPattern, code_points::CodePoints};

/// POSIX's classes, as pairs of the first and the last character of each range.
const ASCII_CLASSES: [(&str, &str); 14] = [
    ("alnum", "09AZaz"),
    ("alpha", "AZaz"),
    ("ascii", "\0\x7F"),
    ("blank", "\t\t  "),
    ("cntrl", "\0\x1F\x7F\x7F"),
    ("digit", "09"),
    ("graph", "!~"),
    ("lower", "az"),
    ("print", " ~"),
    ("punct", "!/:@[`{~"),
    ("space", "\t\r  "),
    ("upper", "AZ"),
    ("word", "09AZ__az"),
    ("xdigit", "09AFaf"),
];

/// The ranges of which `ends` has the first and last characters.
pub(super) fn pairs(ends: &str) -> CodePoints {
    let ends: Vec<_> = ends.chars().map(u32::from).collect();
    ends.chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .collect()
}

/// A class with a name: folded before it is negated, as RE2 does.
pub(super) fn named(mut class: CodePoints, is_negated: bool, flags: Flags) -> CodePoints {
    if flags.folds_case {
        class = class.folded();
    }
    if is_negated {
        class = class.complement();
    }
    class
}

/// Reads a class from its `[`.
pub(super) fn parse(cursor: &mut Cursor<'_>, flags: Flags) -> Result<CodePoints, InvalidPattern> {
    let start = cursor.at();
    cursor.eat("[");
    let is_negated = cursor.eat("^");
    let mut class = CodePoints::default();
    let mut is_first = true;
    while is_first || !cursor.starts_with("]") {
        is_first = false;
        if let Some(ascii) = ascii_class(cursor, flags)? {
            class.add_all(&ascii);
        } else if let Some(escaped) = escape::class(cursor, flags)? {
            class.add_all(&escaped);
        } else {
            let (first, last) = range(cursor, start)?;
            class.add(first, last);
        }
    }
    cursor.eat("]");
    Ok(named(class, is_negated, flags))
}

/// Reads `[:alpha:]` or `[:^alpha:]`, if that is next. `[:` that no `:]` follows is text.
fn ascii_class(
    cursor: &mut Cursor<'_>,
    flags: Flags,
) -> Result<Option<CodePoints>, InvalidPattern> {
    let start = cursor.at();
    if !cursor.eat("[:") {
        return Ok(None);
    }
    let Some(name) = cursor.eat_until(":]") else {
        cursor.go_to(start);
        return Ok(None);
    };
    let bare = name.strip_prefix('^');
    let known = ASCII_CLASSES
        .iter()
        .find(|(known, _)| *known == bare.unwrap_or(name));
    match known {
        Some((_, ends)) => Ok(Some(named(pairs(ends), bare.is_some(), flags))),
        None => Err(cursor.fault(start, Fault::AsciiClass)),
    }
}

/// Reads a character, or two with a hyphen between them. `class` is where the class began.
fn range(cursor: &mut Cursor<'_>, class: usize) -> Result<(u32, u32), InvalidPattern> {
    let start = cursor.at();
    let first = character(cursor, class)?;
    // A hyphen at the end of the class is one.
    if !cursor.starts_with("-") || cursor.starts_with("-]") || cursor.rest() == "-" {
        return Ok((first, first));
    }
    cursor.eat("-");
    let last = character(cursor, class)?;
    if last < first {
        return Err(cursor.fault(start, Fault::Range));
    }
    Ok((first, last))
}

fn character(cursor: &mut Cursor<'_>, class: usize) -> Result<u32, InvalidPattern> {
    if cursor.starts_with("\\") {
        return escape::character(cursor);
    }
    match cursor.next() {
        Some(character) => Ok(character.into()),
        None => Err(cursor.fault(class, Fault::UnclosedClass)),
    }
}
