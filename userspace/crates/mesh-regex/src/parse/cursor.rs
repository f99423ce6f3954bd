//! Where the parser stands in a pattern.

use crate::{Fault, InvalidPattern};

/// How many characters of a pattern the text of a fault shows.
const SHOWN: usize = 40;

/// A place in a pattern, from which it is read onwards.
pub(super) struct Cursor<'p> {
    pattern: &'p str,
    at: usize,
}

impl<'p> Cursor<'p> {
    pub(super) fn new(pattern: &'p str) -> Self {
        Self { pattern, at: 0 }
    }

    /// The place, in bytes.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What is not read yet.
    pub(super) fn rest(&self) -> &'p str {
        &self.pattern[self.at..]
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        self.rest().starts_with(text)
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Reads a character.
    pub(super) fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    /// Reads `text` if it is next.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let is_next = self.starts_with(text);
        if is_next {
            self.at += text.len();
        }
        is_next
    }

    /// Reads up to and with `end`, and is the text before it. Reads nothing if there is no `end`.
    pub(super) fn eat_until(&mut self, end: &str) -> Option<&'p str> {
        let (before, _) = self.rest().split_once(end)?;
        self.at += before.len() + end.len();
        Some(before)
    }

    /// Reads one ASCII digit of base `radix`.
    pub(super) fn digit(&mut self, radix: u32) -> Option<u32> {
        let digit = self.peek()?.to_digit(radix)?;
        self.at += 1;
        Some(digit)
    }

    /// Goes back, or forward, to a place that [`Self::at`] was.
    pub(super) fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// The fault of what was read since `start`; of the next character, if nothing was.
    pub(super) fn fault(&self, start: usize, fault: Fault) -> InvalidPattern {
        let length = self.pattern[start..]
            .chars()
            .next()
            .map_or(0, char::len_utf8);
        let part = &self.pattern[start..self.at.max(start + length)];
        let mut text: String = part.chars().take(SHOWN).collect();
        if text.len() < part.len() {
            text.push('…');
        }
        InvalidPattern {
            character: self.pattern[..start].chars().count() + 1,
            text,
            fault,
        }
    }
}
