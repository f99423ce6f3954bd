//! Backslashes: characters, classes and places.

use regex_syntax::hir::Look;

use super::{Flags, class, cursor::Cursor};
use crate::{
    Fault, InvalidPattern,
    code_points::{CodePoints, LAST},
    property,
};

/// What a backslash and what follows it stand for.
pub(super) enum Escape {
    /// A code point, which may be a surrogate.
    Character(u32),
    /// One character of these.
    Class(CodePoints),
    /// A place between characters.
    Look(Look),
    /// `\C`
    AnyByte,
    /// `\Q`: text follows, until `\E` or the end.
    Quote,
}

/// Reads an escape outside of classes.
pub(super) fn parse(cursor: &mut Cursor<'_>, flags: Flags) -> Result<Escape, InvalidPattern> {
    let meaning = match cursor.rest().as_bytes() {
        [b'\\', b'b', ..] => Some(Escape::Look(Look::WordAscii)),
        [b'\\', b'B', ..] => Some(Escape::Look(Look::WordAsciiNegate)),
        [b'\\', b'A', ..] => Some(Escape::Look(Look::Start)),
        [b'\\', b'z', ..] => Some(Escape::Look(Look::End)),
        [b'\\', b'C', ..] => Some(Escape::AnyByte),
        [b'\\', b'Q', ..] => Some(Escape::Quote),
        _ => None,
    };
    if let Some(meaning) = meaning {
        cursor.go_to(cursor.at() + 2);
        return Ok(meaning);
    }
    if let Some(class) = class(cursor, flags)? {
        return Ok(Escape::Class(class));
    }
    character(cursor).map(Escape::Character)
}

/// Reads `\d`, `\pL`, `\P{Greek}` and the like, if that is next.
pub(super) fn class(
    cursor: &mut Cursor<'_>,
    flags: Flags,
) -> Result<Option<CodePoints>, InvalidPattern> {
    const PERL: [(&str, &str, bool); 6] = [
        (r"\d", "09", false),
        (r"\D", "09", true),
        (r"\s", "\t\n\u{C}\r  ", false),
        (r"\S", "\t\n\u{C}\r  ", true),
        (r"\w", "09AZ__az", false),
        (r"\W", "09AZ__az", true),
    ];
    for (escape, ranges, is_negated) in PERL {
        if cursor.eat(escape) {
            return Ok(Some(class::named(class::pairs(ranges), is_negated, flags)));
        }
    }
    let start = cursor.at();
    let mut is_negated = cursor.starts_with(r"\P");
    if !cursor.eat(r"\p") && !cursor.eat(r"\P") {
        return Ok(None);
    }
    let rest = cursor.rest();
    let name = if cursor.eat("{") {
        cursor.eat_until("}")
    } else {
        cursor.next().map(|letter| &rest[..letter.len_utf8()])
    };
    let found = name.and_then(|name| {
        let bare = name.strip_prefix('^');
        is_negated ^= bare.is_some();
        property::find(bare.unwrap_or(name))
    });
    match found {
        Some(class) => Ok(Some(class::named(class, is_negated, flags))),
        None => Err(cursor.fault(start, Fault::UnicodeClass)),
    }
}

/// Reads an escape that stands for one character, in a class or not.
pub(super) fn character(cursor: &mut Cursor<'_>) -> Result<u32, InvalidPattern> {
    let start = cursor.at();
    cursor.next();
    let Some(letter) = cursor.next() else {
        return Err(cursor.fault(start, Fault::TrailingBackslash));
    };
    match letter {
        'a' => Ok(0x07),
        't' => Ok(0x09),
        'n' => Ok(0x0A),
        'v' => Ok(0x0B),
        'f' => Ok(0x0C),
        'r' => Ok(0x0D),
        'x' => match hexadecimal(cursor) {
            Some(character) => Ok(character),
            None => Err(cursor.fault(start, Fault::Hexadecimal)),
        },
        '0'..='7' => octal(cursor, letter).ok_or_else(|| cursor.fault(start, Fault::BackReference)),
        '8' | '9' | 'g' | 'k' => Err(cursor.fault(start, Fault::BackReference)),
        'Z' => Err(cursor.fault(start, Fault::EndBeforeNewline)),
        // Taken outside of classes, so this is in one.
        'b' | 'B' | 'A' | 'z' | 'C' | 'Q' => Err(cursor.fault(start, Fault::NoCharacter)),
        _ if letter.is_ascii() && !letter.is_ascii_alphanumeric() => Ok(letter.into()),
        _ => Err(cursor.fault(start, Fault::Escape)),
    }
}

/// `x` was read: two digits, or any number of them in braces.
fn hexadecimal(cursor: &mut Cursor<'_>) -> Option<u32> {
    if !cursor.eat("{") {
        return Some(16 * cursor.digit(16)? + cursor.digit(16)?);
    }
    let mut code = cursor.digit(16)?;
    while let Some(digit) = cursor.digit(16) {
        code = 16 * code + digit;
        if code > LAST {
            return None;
        }
    }
    cursor.eat("}").then_some(code)
}

/// The first of up to three digits was read. Alone it is a character only if it is 0.
fn octal(cursor: &mut Cursor<'_>, first: char) -> Option<u32> {
    let first = first.to_digit(8)?;
    let Some(second) = cursor.digit(8) else {
        return (first == 0).then_some(0);
    };
    let two = 8 * first + second;
    Some(cursor.digit(8).map_or(two, |third| 8 * two + third))
}
