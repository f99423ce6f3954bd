//! Header blocks as header lists (RFC 7541, sections 5 and 6).

use bytes::{Buf, Bytes};
use http::HeaderValue;

use super::{Field, HpackError, Name, huffman, table::Table};

/// Bytes of the names and values of a list. A peer that sends more is not listened to any further
/// (the limit of Envoy's library).
pub(crate) const MAX_LIST: usize = 64 * 1024;
/// No number in a block of such a size is longer.
const MAX_SHIFT: u32 = 21;

/// Decodes the header blocks of one direction of a connection.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    table: Table,
}

impl Decoder {
    /// The fields of a block.
    pub(crate) fn decode(&mut self, mut block: Bytes) -> Result<Vec<Field>, HpackError> {
        let mut fields = Vec::with_capacity(16);
        let mut bytes = 0;
        while let Some(first) = block.first().copied() {
            let field = if first & 0x80 != 0 {
                let index = integer(&mut block, 7)?;
                self.table.get(index)?.clone()
            } else if first & 0xe0 == 0x20 {
                // A new size stands at the beginning of a block (section 4.2).
                if !fields.is_empty() {
                    return Err(HpackError::Compression);
                }
                let limit = integer(&mut block, 5)?;
                self.table.resize(limit)?;
                continue;
            } else {
                self.literal(&mut block, first & 0x40 != 0)?
            };
            bytes += field.length();
            if bytes > MAX_LIST {
                return Err(HpackError::TooLarge);
            }
            fields.push(field);
        }
        Ok(fields)
    }

    fn literal(&mut self, block: &mut Bytes, is_kept: bool) -> Result<Field, HpackError> {
        let index = integer(block, if is_kept { 6 } else { 4 })?;
        let name = if index == 0 {
            Name::of(&string(block)?)?
        } else {
            self.table.get(index)?.name.clone()
        };
        let mut text = string(block)?;
        if is_kept {
            // A kept value would keep all that was read with it.
            text = Bytes::copy_from_slice(&text);
        }
        let value = HeaderValue::from_maybe_shared(text).map_err(|_| HpackError::Malformed)?;
        let field = Field { name, value };
        if is_kept {
            self.table.insert(field.clone());
        }
        Ok(field)
    }
}

/// A number behind the high bits of its first byte (section 5.1).
fn integer(block: &mut Bytes, bits: u32) -> Result<usize, HpackError> {
    let most = (1_usize << bits) - 1;
    let mut value = usize::from(byte(block)?) & most;
    if value < most {
        return Ok(value);
    }
    for shift in (0..=MAX_SHIFT).step_by(7) {
        let byte = byte(block)?;
        value += usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(HpackError::Compression)
}

/// A text behind its length (section 5.2).
fn string(block: &mut Bytes) -> Result<Bytes, HpackError> {
    let is_huffman = block.first().is_some_and(|first| first & 0x80 != 0);
    let length = integer(block, 7)?;
    if length > block.len() {
        return Err(HpackError::Compression);
    }
    let text = block.split_to(length);
    if is_huffman {
        Ok(Bytes::from(huffman::decode(&text)?))
    } else {
        Ok(text)
    }
}

fn byte(block: &mut Bytes) -> Result<u8, HpackError> {
    if block.is_empty() {
        return Err(HpackError::Compression);
    }
    Ok(block.get_u8())
}
