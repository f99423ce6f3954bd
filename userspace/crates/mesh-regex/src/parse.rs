//! From RE2's syntax to what it matches.
//!
//! The language of whole values alone is kept: groups capture nothing, and greedy and lazy
//! repetitions are the same, as are leftmost and longest matches.

mod class;
mod cursor;
mod escape;
mod group;
mod repetition;

use regex_syntax::hir::{Class, Dot, Hir, HirKind, Look};

use crate::{
    Fault, InvalidPattern,
    code_points::{self, CodePoints, LAST},
};
use cursor::Cursor;
use escape::Escape;

/// How often RE2 lets something repeat, the repetitions around it multiplied.
pub const MAXIMUM_REPEAT: u32 = 1000;

/// How deep alternatives, rows and repetitions may lie in one another. A pattern of 255 characters,
/// the most that the App Mesh API takes, cannot get so deep; parentheses alone do not count.
pub const MAXIMUM_DEPTH: u32 = 200;

/// How many steps a pattern may take: about one for each byte that it matches, repetitions
/// counted out. App Mesh's Envoy refused RE2 programs of over 1,000 instructions; RE2 shares
/// steps between alternatives, so this leaves room for every pattern that it took.
pub const MAXIMUM_SIZE: usize = 100_000;

/// The flags in force at some place of a pattern. `U` changes no match.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    /// `i`
    folds_case: bool,
    /// `m`
    multi_line: bool,
    /// `s`
    dot_takes_newline: bool,
}

/// A part of the pattern that can be repeated.
struct Piece {
    hir: Hir,
    /// The steps that it takes.
    size: usize,
    /// The greatest product of counted repetitions that lie in one another.
    copies: u32,
    /// How deep `hir` is, at most.
    depth: u32,
}

impl Piece {
    fn new(hir: Hir, size: usize) -> Self {
        Self {
            hir,
            size,
            copies: 1,
            depth: 0,
        }
    }
}

/// A group that is not closed yet, or the whole pattern.
#[derive(Default)]
struct Open {
    /// Where the parenthesis stands, in bytes.
    at: usize,
    /// The flags around the group.
    flags: Flags,
    /// What `|` ended.
    alternatives: Vec<Piece>,
    /// What stands in a row since.
    row: Vec<Piece>,
}

struct Parser<'p> {
    cursor: Cursor<'p>,
    flags: Flags,
    /// The groups around `group`, the outermost first.
    outer: Vec<Open>,
    group: Open,
    /// Where the repetition began that the last step was, if it was one.
    repetition: Option<usize>,
}

/// What `pattern` matches, wherever it stands.
///
/// # Errors
/// When RE2 refuses it, or it is beyond the limits.
pub(crate) fn parse(pattern: &str) -> Result<Hir, InvalidPattern> {
    // Before anything is kept of it: parentheses take memory and no steps.
    if pattern.len() > MAXIMUM_SIZE {
        return Err(Cursor::new(pattern).fault(0, Fault::Size));
    }
    let mut parser = Parser {
        cursor: Cursor::new(pattern),
        flags: Flags::default(),
        outer: Vec::new(),
        group: Open::default(),
        repetition: None,
    };
    while !parser.cursor.is_at_end() {
        parser.step()?;
    }
    if !parser.outer.is_empty() {
        return Err(parser.cursor.fault(parser.group.at, Fault::UnclosedGroup));
    }
    let whole = parser.group.close();
    if whole.size > MAXIMUM_SIZE {
        return Err(parser.cursor.fault(0, Fault::Size));
    }
    if whole.depth > MAXIMUM_DEPTH {
        return Err(parser.cursor.fault(0, Fault::Depth));
    }
    Ok(whole.hir)
}

impl Parser<'_> {
    fn step(&mut self) -> Result<(), InvalidPattern> {
        let start = self.cursor.at();
        let repeated = self.repetition.take();
        if let Some(times) = self.cursor.repetition() {
            return self.repeat(start, repeated, times);
        }
        if self.cursor.starts_with("(") {
            return self.open();
        }
        if self.cursor.starts_with("[") {
            let class = class::parse(&mut self.cursor, self.flags)?;
            self.push_class(class);
            return Ok(());
        }
        if self.cursor.starts_with("\\") {
            return self.escape();
        }
        let Some(character) = self.cursor.next() else {
            return Ok(());
        };
        match character {
            ')' => return self.close(),
            '|' => {
                let row = std::mem::take(&mut self.group.row);
                self.group.alternatives.push(concatenation(row));
            }
            '.' => self.push_dot(),
            '^' if self.flags.multi_line => self.push_look(Look::StartLF),
            '^' => self.push_look(Look::Start),
            '$' if self.flags.multi_line => self.push_look(Look::EndLF),
            '$' => self.push_look(Look::End),
            _ => self.push_literal(character.into()),
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), InvalidPattern> {
        match escape::parse(&mut self.cursor, self.flags)? {
            Escape::Character(character) => self.push_literal(character),
            Escape::Class(class) => self.push_class(class),
            Escape::Look(look) => self.push_look(look),
            Escape::AnyByte => self.push(Piece::new(Hir::dot(Dot::AnyByte), 1)),
            Escape::Quote => {
                while !self.cursor.is_at_end() && !self.cursor.eat("\\E") {
                    if let Some(character) = self.cursor.next() {
                        self.push_literal(character.into());
                    }
                }
            }
        }
        Ok(())
    }

    fn push_literal(&mut self, character: u32) {
        let class = CodePoints::from_iter([(character, character)]);
        match char::from_u32(character) {
            Some(character) if !self.flags.folds_case => {
                let text = character.to_string().into_bytes();
                let size = text.len();
                self.push(Piece::new(Hir::literal(text), size));
            }
            _ if self.flags.folds_case => self.push_class(class.folded()),
            _ => self.push_class(class),
        }
    }

    fn push_class(&mut self, class: CodePoints) {
        let (hir, size) = class.matcher();
        self.push(Piece::new(hir, size));
    }

    fn push_dot(&mut self) {
        let mut taken = CodePoints::from_iter([(0, LAST)]);
        if !self.flags.dot_takes_newline {
            let newline = u32::from('\n');
            taken = CodePoints::from_iter([(newline, newline)]).complement();
        }
        self.push_class(taken);
    }

    fn push_look(&mut self, look: Look) {
        self.push(Piece::new(Hir::look(look), 1));
    }

    fn push(&mut self, piece: Piece) {
        self.group.row.push(piece);
    }
}

impl Open {
    /// What the group matches.
    fn close(self) -> Piece {
        let last = concatenation(self.row);
        if self.alternatives.is_empty() {
            return last;
        }
        let mut alternatives = self.alternatives;
        alternatives.push(last);
        let mut piece = combine(alternatives, Hir::alternation);
        // RE2 makes one class of single characters, too.
        if let HirKind::Class(Class::Unicode(class)) = piece.hir.kind() {
            piece.size = code_points::size(class);
        }
        piece
    }
}

fn concatenation(row: Vec<Piece>) -> Piece {
    combine(row, Hir::concat)
}

fn combine(pieces: Vec<Piece>, how: fn(Vec<Hir>) -> Hir) -> Piece {
    let mut whole = Piece::new(Hir::empty(), 0);
    for piece in &pieces {
        whole.size = whole.size.saturating_add(piece.size);
        whole.copies = whole.copies.max(piece.copies);
        whole.depth = whole.depth.max(piece.depth);
    }
    whole.depth += u32::from(pieces.len() > 1);
    whole.hir = how(pieces.into_iter().map(|piece| piece.hir).collect());
    whole
}

#[cfg(test)]
mod tests;
