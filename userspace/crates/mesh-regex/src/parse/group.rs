//! Parentheses: groups, their names and flags.

use std::{mem, sync::LazyLock};

use regex::Regex;

use super::{Flags, Open, Parser};
use crate::{Fault, InvalidPattern};

/// What RE2 takes for a group's name: the letters, digits, marks and connectors of Python's names,
/// in any order.
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\A[\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]+\z").expect("the expression is valid")
});

/// What Perl and its kin write after a parenthesis, and RE2 refuses.
const FOREIGN: [(&str, Fault); 13] = [
    ("(?=", Fault::LookAround),
    ("(?!", Fault::LookAround),
    ("(?<=", Fault::LookAround),
    ("(?<!", Fault::LookAround),
    ("(?>", Fault::AtomicGroup),
    ("(?#", Fault::Comment),
    ("(?P=", Fault::BackReference),
    ("(?P>", Fault::BackReference),
    ("(?&", Fault::BackReference),
    ("(?R", Fault::BackReference),
    ("(?0", Fault::BackReference),
    ("(?1", Fault::BackReference),
    ("(?'", Fault::GroupName),
];

impl Parser<'_> {
    /// Reads from `(` to where the group's first piece begins, or a change of flags.
    pub(super) fn open(&mut self) -> Result<(), InvalidPattern> {
        let start = self.cursor.at();
        for (opening, fault) in FOREIGN {
            if self.cursor.eat(opening) {
                return Err(self.cursor.fault(start, fault));
            }
        }
        if self.cursor.eat("(?P<") || self.cursor.eat("(?<") {
            let name = self.cursor.eat_until(">").unwrap_or_default();
            if !NAME.is_match(name) {
                return Err(self.cursor.fault(start, Fault::GroupName));
            }
            self.enter(start, self.flags);
            return Ok(());
        }
        if self.cursor.eat("(?") {
            return self.flags(start);
        }
        self.cursor.eat("(");
        self.enter(start, self.flags);
        Ok(())
    }

    /// Reads flags, `(?i)` or `(?i-s:`, of which the first two characters were read.
    fn flags(&mut self, start: usize) -> Result<(), InvalidPattern> {
        let mut flags = self.flags;
        let mut sets = true;
        let mut is_named = false;
        loop {
            let next = self.cursor.next();
            match next {
                Some('i') => flags.folds_case = sets,
                Some('m') => flags.multi_line = sets,
                Some('s') => flags.dot_takes_newline = sets,
                Some('U') => {}
                Some('-') if sets => {
                    sets = false;
                    is_named = false;
                    continue;
                }
                Some(')') if sets || is_named => {
                    self.flags = flags;
                    return Ok(());
                }
                Some(':') if sets || is_named => {
                    self.enter(start, flags);
                    return Ok(());
                }
                _ => return Err(self.cursor.fault(start, Fault::Flag)),
            }
            is_named = true;
        }
    }

    /// Begins a group that has `flags` inside.
    fn enter(&mut self, start: usize, flags: Flags) {
        let inner = Open {
            at: start,
            flags: self.flags,
            ..Open::default()
        };
        self.outer.push(mem::replace(&mut self.group, inner));
        self.flags = flags;
    }

    /// Ends the group; its `)` was read.
    pub(super) fn close(&mut self) -> Result<(), InvalidPattern> {
        let Some(outer) = self.outer.pop() else {
            return Err(self
                .cursor
                .fault(self.cursor.at() - 1, Fault::UnopenedGroup));
        };
        let group = mem::replace(&mut self.group, outer);
        self.flags = group.flags;
        self.push(group.close());
        Ok(())
    }
}
