//! Header lists as header blocks. Nothing is kept in the peer's table and no text is compressed: on
//! the links of a mesh bytes are cheaper than the time to save them, and a block depends on no other.

use bytes::{BufMut, BytesMut};
use http::{HeaderMap, Method, StatusCode};

use super::table;

/// Says that nothing of the peer's table is used (RFC 7541, section 4.2). The peer has to be told when
/// it changes the table's size.
pub(crate) fn no_table(out: &mut BytesMut) {
    out.put_u8(0x20);
}

pub(crate) fn method(out: &mut BytesMut, method: &Method) {
    match *method {
        Method::GET => out.put_u8(0x82),
        Method::POST => out.put_u8(0x83),
        _ => literal(out, 2, method.as_str().as_bytes()),
    }
}

pub(crate) fn path(out: &mut BytesMut, path: &[u8]) {
    literal(out, 4, path);
}

pub(crate) fn scheme(out: &mut BytesMut, scheme: &str) {
    match scheme {
        "http" => out.put_u8(0x86),
        "https" => out.put_u8(0x87),
        scheme => literal(out, 6, scheme.as_bytes()),
    }
}

pub(crate) fn authority(out: &mut BytesMut, authority: &[u8]) {
    literal(out, 1, authority);
}

pub(crate) fn status(out: &mut BytesMut, status: StatusCode) {
    match status.as_u16() {
        200 => out.put_u8(0x88),
        204 => out.put_u8(0x89),
        206 => out.put_u8(0x8a),
        304 => out.put_u8(0x8b),
        400 => out.put_u8(0x8c),
        404 => out.put_u8(0x8d),
        500 => out.put_u8(0x8e),
        _ => literal(out, 8, status.as_str().as_bytes()),
    }
}

pub(crate) fn fields(out: &mut BytesMut, fields: &HeaderMap) {
    for (name, value) in fields {
        field(out, name.as_str(), value.as_bytes());
    }
}

pub(crate) fn field(out: &mut BytesMut, name: &str, value: &[u8]) {
    let index = table::index_of(name);
    if index == 0 {
        out.put_u8(0);
        string(out, name.as_bytes());
        string(out, value);
    } else {
        literal(out, index, value);
    }
}

/// A field whose name has an index, not to be kept.
fn literal(out: &mut BytesMut, index: u8, value: &[u8]) {
    integer(out, 4, index.into());
    string(out, value);
}

fn string(out: &mut BytesMut, text: &[u8]) {
    integer(out, 7, text.len());
    out.put_slice(text);
}

/// A number behind high bits of 0 (RFC 7541, section 5.1).
fn integer(out: &mut BytesMut, bits: u32, value: usize) {
    let most = (1_usize << bits) - 1;
    if value < most {
        out.put_u8(low_byte(value));
        return;
    }
    out.put_u8(low_byte(most));
    let mut rest = value - most;
    while rest >= 0x80 {
        out.put_u8(low_byte(rest) | 0x80);
        rest >>= 7;
    }
    out.put_u8(low_byte(rest));
}

fn low_byte(value: usize) -> u8 {
    value.to_le_bytes()[0]
}
