//! The Huffman code of strings (RFC 7541, appendix B). It is canonical: the lengths of its codes, in
//! the order of the symbols, say all of it.

use super::HpackError;

/// Codes up to this length are looked up at once; those of text are not longer.
const SHORT: u32 = 10;
/// The longest code.
const LONGEST: u32 = 30;
/// The end of a string, which no string holds.
const END: usize = 256;

/// The first code of each length, where its symbols begin in [`ORDER`], and how many there are.
const LEVELS: [Level; LONGEST as usize + 1] = levels();
/// Symbols by code.
const ORDER: [u16; LENGTHS.len()] = order();
/// For each beginning of [`SHORT`] bits the length of the code and its symbol; length 0 if it is longer.
static LOOKUP: [(u8, u8); 1 << SHORT] = lookup();

#[derive(Clone, Copy)]
struct Level {
    first: u32,
    from: u16,
    count: u16,
}

const fn levels() -> [Level; LONGEST as usize + 1] {
    let none = Level {
        first: 0,
        from: 0,
        count: 0,
    };
    let mut levels = [none; LONGEST as usize + 1];
    let (mut first, mut from, mut length) = (0, 0, 1);
    while length <= LONGEST as usize {
        let mut count = 0;
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == length {
                count += 1;
            }
            symbol += 1;
        }
        levels[length] = Level { first, from, count };
        first = (first + count as u32) << 1;
        from += count;
        length += 1;
    }
    levels
}

#[expect(clippy::cast_possible_truncation, reason = "there are 257 symbols")]
const fn order() -> [u16; LENGTHS.len()] {
    let mut order = [0; LENGTHS.len()];
    let (mut at, mut length) = (0, 1);
    while length <= LONGEST as usize {
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == length {
                order[at] = symbol as u16;
                at += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    order
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "short codes are those of symbols of one byte"
)]
const fn lookup() -> [(u8, u8); 1 << SHORT] {
    let mut table = [(0, 0); 1 << SHORT];
    let mut length = 1;
    while length <= SHORT {
        let level = LEVELS[length as usize];
        let mut nth = 0;
        while nth < level.count {
            let symbol = ORDER[(level.from + nth) as usize];
            let begin = (level.first + nth as u32) << (SHORT - length);
            let mut rest = 0;
            while rest < 1 << (SHORT - length) {
                table[(begin + rest) as usize] = (length as u8, symbol as u8);
                rest += 1;
            }
            nth += 1;
        }
        length += 1;
    }
    table
}

/// Decodes a string.
pub(super) fn decode(text: &[u8]) -> Result<Vec<u8>, HpackError> {
    // The shortest code has five bits.
    let mut decoded = Vec::with_capacity(text.len() * 8 / 5);
    let mut bits = Bits {
        text,
        held: 0,
        count: 0,
    };
    loop {
        bits.fill();
        let (length, symbol) = LOOKUP[bits.peek(SHORT) as usize];
        if length != 0 && u32::from(length) <= bits.count {
            bits.count -= u32::from(length);
            decoded.push(symbol);
        } else if bits.is_padding() {
            return Ok(decoded);
        } else {
            decoded.push(bits.long()?);
        }
    }
}

/// Bits of a text, the first highest.
struct Bits<'a> {
    text: &'a [u8],
    held: u64,
    count: u32,
}

impl Bits<'_> {
    fn fill(&mut self) {
        while self.count <= 56
            && let Some((first, rest)) = self.text.split_first()
        {
            self.held = self.held << 8 | u64::from(*first);
            self.count += 8;
            self.text = rest;
        }
    }

    /// The next bits, ones behind the end.
    fn peek(&self, length: u32) -> u32 {
        let bits = if self.count >= length {
            self.held >> (self.count - length)
        } else {
            let missing = length - self.count;
            self.held << missing | ((1 << missing) - 1)
        };
        u32::try_from(bits & ((1 << length) - 1)).unwrap_or_default()
    }

    /// Whether nothing is left but the padding: less than a byte of ones (section 5.2).
    fn is_padding(&self) -> bool {
        let ones = (1 << self.count.min(8)) - 1;
        self.count < 8 && self.text.is_empty() && self.held & ones == ones
    }

    fn long(&mut self) -> Result<u8, HpackError> {
        for length in SHORT + 1..=LONGEST.min(self.count) {
            let level = LEVELS[length as usize];
            let code = self.peek(length);
            let nth = code.wrapping_sub(level.first);
            if code >= level.first && nth < u32::from(level.count) {
                self.count -= length;
                let at = usize::from(level.from) + nth as usize;
                let symbol = usize::from(ORDER[at]);
                return match u8::try_from(symbol) {
                    Ok(symbol) if usize::from(symbol) != END => Ok(symbol),
                    _ => Err(HpackError::Compression),
                };
            }
        }
        Err(HpackError::Compression)
    }
}

#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7,
    7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
    23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];
