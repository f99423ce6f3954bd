//! Sets of characters, and the bytes by which RE2 knows them.

use regex_syntax::{
    hir::{Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir},
    utf8::Utf8Sequences,
};

/// The last code point of Unicode.
pub(crate) const LAST: u32 = 0x10_FFFF;

/// The halves of UTF-16 pairs: no characters, and yet RE2 has them in its classes.
const SURROGATES: (u32, u32) = (0xD800, 0xDFFF);

/// A set of code points as ranges, each with both ends in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CodePoints(Vec<(u32, u32)>);

impl CodePoints {
    /// Adds those from `first` to `last`.
    pub(crate) fn add(&mut self, first: u32, last: u32) {
        self.0.push((first, last));
    }

    /// Adds those of `other`.
    pub(crate) fn add_all(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// Those that are not in the set.
    pub(crate) fn complement(mut self) -> Self {
        self.normalize();
        let mut gaps = Self::default();
        let mut next = 0;
        for (first, last) in self.0 {
            if next < first {
                gaps.add(next, first - 1);
            }
            next = last + 1;
        }
        if next <= LAST {
            gaps.add(next, LAST);
        }
        gaps
    }

    /// With every character that differs in case only, by Unicode's simple case folding.
    pub(crate) fn folded(mut self) -> Self {
        let mut class = self.scalars();
        class.case_fold_simple();
        self.0.extend(
            class
                .iter()
                .map(|range| (range.start().into(), range.end().into())),
        );
        self
    }

    /// What matches one of the set, and how many bytes or ranges of bytes that takes.
    pub(crate) fn matcher(mut self) -> (Hir, usize) {
        self.normalize();
        // RE2 trusts a text to be UTF-8 where a set has all beyond ASCII, and then lets overlong
        // forms and forms beyond Unicode pass.
        if let Some(&(first, LAST)) = self.0.last()
            && first <= 0x80
        {
            self.0.pop();
            if first < 0x80 {
                self.add(first, 0x7F);
            }
            let (ascii, size) = self.exact();
            let (beyond, more) = any_beyond_ascii();
            return (Hir::alternation(vec![ascii, beyond]), size + more);
        }
        self.exact()
    }

    /// [`Self::matcher`] by well-formed UTF-8, and the bytes of surrogates as if they were
    /// characters.
    fn exact(&self) -> (Hir, usize) {
        let scalars = self.scalars();
        let mut size = size(&scalars);
        let mut choices = vec![Hir::class(Class::Unicode(scalars))];
        for &(first, last) in &self.0 {
            let first = first.max(SURROGATES.0);
            let last = last.min(SURROGATES.1);
            if first <= last {
                let sequences = surrogates(first, last);
                size += 3 * sequences.len();
                choices.extend(sequences);
            }
        }
        (Hir::alternation(choices), size)
    }

    fn scalars(&self) -> ClassUnicode {
        let ranges = self.0.iter().flat_map(|&(first, last)| {
            let below = (first, last.min(SURROGATES.0 - 1));
            let above = (first.max(SURROGATES.1 + 1), last);
            [below, above].into_iter().filter_map(|(first, last)| {
                let ends = (char::from_u32(first)?, char::from_u32(last)?);
                (first <= last).then(|| ClassUnicodeRange::new(ends.0, ends.1))
            })
        });
        ClassUnicode::new(ranges)
    }

    /// Puts the ranges in order and makes one of those that touch.
    fn normalize(&mut self) {
        self.0.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(self.0.len());
        for &(first, last) in &self.0 {
            match merged.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last);
                }
                _ => merged.push((first, last)),
            }
        }
        self.0 = merged;
    }
}

impl FromIterator<(u32, u32)> for CodePoints {
    fn from_iter<I: IntoIterator<Item = (u32, u32)>>(ranges: I) -> Self {
        Self(ranges.into_iter().collect())
    }
}

/// How many bytes or ranges of bytes it takes to match one character of `class`.
pub(crate) fn size(class: &ClassUnicode) -> usize {
    class
        .iter()
        .flat_map(|range| Utf8Sequences::new(range.start(), range.end()))
        .map(|sequence| sequence.len())
        .sum()
}

fn any_beyond_ascii() -> (Hir, usize) {
    let continuation = || bytes(0x80, 0xBF);
    let choices = [(0xC2, 0xDF, 1), (0xE0, 0xEF, 2), (0xF0, 0xF4, 3)];
    let choices = choices.map(|(first, last, continuations)| {
        let mut sequence = vec![bytes(first, last)];
        sequence.extend((0..continuations).map(|_| continuation()));
        Hir::concat(sequence)
    });
    // Six, because RE2 shares the continuations.
    (Hir::alternation(choices.into()), 6)
}

/// The three bytes of each surrogate from `first` to `last`, as few sequences as may be: one for
/// each second byte, or for all of them together where the third is any.
fn surrogates(first: u32, last: u32) -> Vec<Hir> {
    let mut sequences = Vec::new();
    let mut at = first;
    while at <= last {
        let whole_rows = (last + 1 - at) / 64;
        let (end, thirds) = if at.is_multiple_of(64) && whole_rows > 0 {
            (at + 64 * whole_rows - 1, (0x80, 0xBF))
        } else {
            let end = last.min(at | 63);
            (end, (continuation(at), continuation(end)))
        };
        sequences.push(Hir::concat(vec![
            bytes(0xED, 0xED),
            bytes(continuation(at >> 6), continuation(end >> 6)),
            bytes(thirds.0, thirds.1),
        ]));
        at = end + 1;
    }
    sequences
}

/// The byte of UTF-8 that carries the last six bits of `bits`.
fn continuation(bits: u32) -> u8 {
    0x80 | u8::try_from(bits & 63).expect("six bits are a byte")
}

fn bytes(first: u8, last: u8) -> Hir {
    Hir::class(Class::Bytes(ClassBytes::new([ClassBytesRange::new(
        first, last,
    )])))
}

#[cfg(test)]
mod tests;
