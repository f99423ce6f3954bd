//! Header compression of HTTP/2 (RFC 7541) as the suite needs it: encoded as plain literals, decoded
//! whole. Its tables are written down here again on purpose: a mistake in those of the proxy would not show
//! if the suite read with them.

use std::{
    collections::{HashMap, VecDeque},
    sync::LazyLock,
};

use anyhow::{Context as _, Result, bail, ensure};

/// A header list, in order.
pub(crate) type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// What a decoder keeps of a dynamic table unless it is told otherwise (RFC 9113, section 6.5.2).
const TABLE_BYTES: usize = 4096;
/// What an entry costs beside its text (RFC 7541, section 4.1).
const ENTRY_BYTES: usize = 32;

/// Encodes fields as literals that are never indexed and not compressed.
pub(crate) fn encode(fields: &[(impl AsRef<[u8]>, impl AsRef<[u8]>)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name.as_ref(), value.as_ref()] {
            integer(&mut block, 0, 7, text.len());
            block.extend_from_slice(text);
        }
    }
    block
}

/// An integer behind the high bits of its first byte (RFC 7541, section 5.1).
fn integer(into: &mut Vec<u8>, high: u8, bits: u32, value: usize) {
    let most = (1_usize << bits) - 1;
    let byte = |value: usize| u8::try_from(value & 0xff).expect("eight bits");
    if value < most {
        into.push(high | byte(value));
        return;
    }
    into.push(high | byte(most));
    let mut rest = value - most;
    while rest >= 0x80 {
        into.push(byte(rest) | 0x80);
        rest >>= 7;
    }
    into.push(byte(rest));
}

/// The decoder of one direction of a connection.
#[derive(Debug)]
pub(crate) struct Decoder {
    table: VecDeque<(Vec<u8>, Vec<u8>)>,
    limit: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            table: VecDeque::new(),
            limit: TABLE_BYTES,
        }
    }
}

impl Decoder {
    /// The fields of one block.
    pub(crate) fn decode(&mut self, block: &[u8]) -> Result<Fields> {
        let mut reader = Reader { bytes: block };
        let mut fields = Fields::new();
        while let Some(first) = reader.bytes.first().copied() {
            if first & 0x80 != 0 {
                fields.push(self.entry(reader.integer(7)?)?);
            } else if first & 0xe0 == 0x20 {
                self.limit = reader.integer(5)?;
                ensure!(self.limit <= TABLE_BYTES, "a table that was not offered");
                self.evict();
            } else {
                let is_kept = first & 0x40 != 0;
                let index = reader.integer(if is_kept { 6 } else { 4 })?;
                let name = match index {
                    0 => reader.text()?,
                    index => self.entry(index)?.0,
                };
                let field = (name, reader.text()?);
                if is_kept {
                    self.table.push_front(field.clone());
                    self.evict();
                }
                fields.push(field);
            }
        }
        Ok(fields)
    }

    fn entry(&self, index: usize) -> Result<(Vec<u8>, Vec<u8>)> {
        let index = index.checked_sub(1).context("index 0")?;
        if let Some((name, value)) = STATIC.get(index) {
            return Ok((name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        }
        let entry = self.table.get(index - STATIC.len());
        entry.cloned().context("an index beyond the table")
    }

    fn evict(&mut self) {
        let bytes = |table: &VecDeque<(Vec<u8>, Vec<u8>)>| -> usize {
            let entries = table.iter();
            entries
                .map(|(name, value)| name.len() + value.len() + ENTRY_BYTES)
                .sum()
        };
        while bytes(&self.table) > self.limit {
            self.table.pop_back();
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8> {
        let (first, rest) = self.bytes.split_first().context("a block is cut short")?;
        self.bytes = rest;
        Ok(*first)
    }

    fn integer(&mut self, bits: u32) -> Result<usize> {
        let most = (1_usize << bits) - 1;
        let mut value = usize::from(self.byte()?) & most;
        if value < most {
            return Ok(value);
        }
        for shift in (0..28).step_by(7) {
            let byte = self.byte()?;
            value += usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        bail!("an integer of more than 28 bits")
    }

    fn text(&mut self) -> Result<Vec<u8>> {
        let is_huffman = self.bytes.first().is_some_and(|first| first & 0x80 != 0);
        let length = self.integer(7)?;
        ensure!(length <= self.bytes.len(), "a text is cut short");
        let (text, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        if is_huffman {
            huffman(text)
        } else {
            Ok(text.to_vec())
        }
    }
}

/// Decodes the Huffman code of RFC 7541, appendix B. It is canonical: the lengths of its codes, in the
/// order of the symbols, say all of it.
fn huffman(text: &[u8]) -> Result<Vec<u8>> {
    let mut decoded = Vec::new();
    let (mut code, mut length) = (0_u32, 0_u8);
    for byte in text {
        for bit in (0..8).rev() {
            code = code << 1 | u32::from(byte >> bit & 1);
            length += 1;
            if let Some(symbol) = symbol(code, length) {
                decoded.push(u8::try_from(symbol).context("the end of the text within it")?);
                (code, length) = (0, 0);
            }
            ensure!(length <= 30, "no such code");
        }
    }
    let is_padding = length < 8 && code == (1 << length) - 1;
    ensure!(is_padding, "the padding is not the end's code");
    Ok(decoded)
}

/// Symbols by the length of their code and the code.
static SYMBOLS: LazyLock<HashMap<(u8, u32), usize>> = LazyLock::new(|| {
    let mut symbols = HashMap::new();
    let mut code = 0;
    for length in 1..=30 {
        // The first code of each length follows from how many shorter ones there are.
        code <<= 1;
        for (symbol, _) in LENGTHS.iter().enumerate().filter(|(_, l)| **l == length) {
            symbols.insert((length, code), symbol);
            code += 1;
        }
    }
    symbols
});

fn symbol(code: u32, length: u8) -> Option<usize> {
    SYMBOLS.get(&(length, code)).copied()
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

/// RFC 7541, appendix A.
const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

#[cfg(test)]
mod tests;
