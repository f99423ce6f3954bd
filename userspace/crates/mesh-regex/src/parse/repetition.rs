//! `*`, `+`, `?` and counted repetitions.

use regex_syntax::hir::{Capture, Hir, HirKind, Repetition};

use super::{MAXIMUM_REPEAT, MAXIMUM_SIZE, Parser, Piece, cursor::Cursor};
use crate::{Fault, InvalidPattern};

/// How often something repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    least: u32,
    /// None: without end.
    most: Option<u32>,
    is_counted: bool,
}

impl Times {
    const STAR: Self = Self::sign(0, None);
    const PLUS: Self = Self::sign(1, None);
    const QUESTION_MARK: Self = Self::sign(0, Some(1));

    const fn sign(least: u32, most: Option<u32>) -> Self {
        Self {
            least,
            most,
            is_counted: false,
        }
    }
}

impl Cursor<'_> {
    /// Reads a repetition if one is next, with the `?` behind it that makes it lazy.
    pub(super) fn repetition(&mut self) -> Option<Times> {
        let times = match self.peek()? {
            '*' => Times::STAR,
            '+' => Times::PLUS,
            '?' => Times::QUESTION_MARK,
            // What is no count is text.
            '{' => {
                let start = self.at();
                let Some(times) = self.count() else {
                    self.go_to(start);
                    return None;
                };
                self.eat("?");
                return Some(times);
            }
            _ => return None,
        };
        self.next();
        self.eat("?");
        Some(times)
    }

    fn count(&mut self) -> Option<Times> {
        self.next();
        let least = self.number()?;
        let most = if !self.eat(",") {
            Some(least)
        } else if self.starts_with("}") {
            None
        } else {
            Some(self.number()?)
        };
        self.eat("}").then_some(Times {
            least,
            most,
            is_counted: true,
        })
    }

    /// A whole number as RE2 reads it: without leading zeros, of nine digits at most.
    fn number(&mut self) -> Option<u32> {
        let mut number = self.digit(10)?;
        let mut digits = 1;
        while let Some(digit) = self.digit(10) {
            if number == 0 || digits == 9 {
                return None;
            }
            number = 10 * number + digit;
            digits += 1;
        }
        Some(number)
    }
}

impl Parser<'_> {
    /// Repeats the last piece. `start` is where the repetition stands, `repeated` where one that
    /// it follows does.
    pub(super) fn repeat(
        &mut self,
        start: usize,
        repeated: Option<usize>,
        times: Times,
    ) -> Result<(), InvalidPattern> {
        if let Some(inner) = repeated {
            let fault = match times {
                Times::PLUS => Fault::PossessiveRepetition,
                _ => Fault::RepeatedRepetition,
            };
            return Err(self.cursor.fault(inner, fault));
        }
        if times.most.is_some_and(|most| most < times.least) {
            return Err(self.cursor.fault(start, Fault::RepetitionBounds));
        }
        let greatest = times.most.unwrap_or(times.least);
        if greatest > MAXIMUM_REPEAT {
            return Err(self.cursor.fault(start, Fault::RepetitionSize));
        }
        let Some(piece) = self.group.row.pop() else {
            return Err(self.cursor.fault(start, Fault::NothingToRepeat));
        };
        let copies = if times.is_counted {
            piece.copies.saturating_mul(greatest.max(1))
        } else {
            piece.copies
        };
        // RE2 looks at the product only where something is really copied.
        if times.is_counted && greatest >= 2 && copies > MAXIMUM_REPEAT {
            return Err(self.cursor.fault(start, Fault::RepetitionSize));
        }
        let written_out = usize::try_from(greatest.max(1)).unwrap_or(MAXIMUM_SIZE);
        let size = piece.size.saturating_mul(written_out).saturating_add(1);
        if size > MAXIMUM_SIZE {
            return Err(self.cursor.fault(start, Fault::Size));
        }
        let hir = Hir::repetition(Repetition {
            min: times.least,
            max: times.most,
            greedy: true,
            sub: Box::new(grouped(piece.hir)),
        });
        self.push(Piece {
            hir,
            size,
            copies,
            depth: piece.depth + 1,
        });
        self.repetition = Some(start);
        Ok(())
    }
}

/// A repetition in parentheses: `regex-syntax` prints the sign of one around it right behind its
/// own, so that `(?:a+)?` would be `a+?`.
fn grouped(hir: Hir) -> Hir {
    if !matches!(hir.kind(), HirKind::Repetition(_)) {
        return hir;
    }
    Hir::capture(Capture {
        index: 1,
        name: None,
        sub: Box::new(hir),
    })
}
