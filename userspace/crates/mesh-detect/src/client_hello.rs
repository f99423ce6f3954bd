//! The server name in a TLS `ClientHello` (RFC 8446, sections 4.1.2 and 5.1; RFC 6066, section 3).
//!
//! As strict as Envoy's TLS inspector where it could matter for the name. What the other extensions
//! hold is not looked at.

use std::collections::BTreeSet;

/// How much of a connection is looked at for a hello, with the headers of its records, in bytes: as
/// much as Envoy looks at.
pub const MAX_CLIENT_HELLO: usize = 16 * 1024;

/// What the first bytes of a connection say of a hello. All but [`ClientHello::NeedMore`] is final:
/// more bytes never change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientHello {
    /// No sound hello begins so.
    Absent,
    /// Nothing can be said yet. Not to be waited for beyond [`MAX_CLIENT_HELLO`].
    NeedMore,
    /// It is there, and of SSL 3.0 or older, for which Envoy closes a connection.
    TooOld,
    /// It is there, with the name of the server if it has one: 1 to 255 bytes as the client wrote
    /// them, which need not be text.
    Whole(Option<Vec<u8>>),
}

/// Looks for a hello in the first bytes of a connection, however it is cut into records.
pub fn client_hello(first: &[u8]) -> ClientHello {
    let (bytes, may_go_on) = handshake_bytes(first);
    let unfinished = if may_go_on {
        ClientHello::NeedMore
    } else {
        ClientHello::Absent
    };
    let mut message = Fields(&bytes);
    match message.number(1) {
        None => return unfinished,
        Some(kind) if kind != CLIENT_HELLO => return ClientHello::Absent,
        Some(_) => {}
    }
    let length = match message.number(3) {
        None => return unfinished,
        Some(length) if length > MAX_MESSAGE => return ClientHello::Absent,
        Some(length) => length,
    };
    match message.take(length) {
        None => unfinished,
        Some(body) => whole(body).unwrap_or(ClientHello::Absent),
    }
}

const HANDSHAKE_RECORD: u8 = 22;
const MAJOR_VERSION: u8 = 3;
const RECORD_HEADER: usize = 5;
/// Longest content of a record (RFC 8446, section 5.1).
const MAX_RECORD: usize = 1 << 14;
const CLIENT_HELLO: usize = 1;
/// Longest message that Envoy's TLS library takes for a hello.
const MAX_MESSAGE: usize = 1 << 14;

const TLS_1_0: usize = 0x0301;
const RANDOM: usize = 32;
const MAX_SESSION_ID: usize = 32;
const SERVER_NAME: usize = 0;
const HOST_NAME: usize = 0;
const MAX_HOST_NAME: usize = 255;

/// The contents of the handshake records that a connection begins with, joined, and whether more of
/// them may come.
fn handshake_bytes(first: &[u8]) -> (Vec<u8>, bool) {
    let mut joined = Vec::new();
    let mut rest = first;
    loop {
        let begin = [HANDSHAKE_RECORD, MAJOR_VERSION];
        if rest.iter().zip(begin).any(|(byte, wanted)| *byte != wanted) {
            return (joined, false);
        }
        let Some((&[_, _, _, high, low], content)) = rest.split_first_chunk::<RECORD_HEADER>()
        else {
            return (joined, true);
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > MAX_RECORD {
            return (joined, false);
        }
        let Some((content, behind)) = content.split_at_checked(length) else {
            joined.extend_from_slice(content);
            return (joined, true);
        };
        joined.extend_from_slice(content);
        rest = behind;
    }
}

/// What the body of a hello says, if it is sound.
fn whole(body: &[u8]) -> Option<ClientHello> {
    let mut hello = Fields(body);
    let version = hello.number(2)?;
    hello.take(RANDOM)?;
    let session_id = hello.vector(1)?;
    let cipher_suites = hello.vector(2)?;
    let compression_methods = hello.vector(1)?;
    let is_sound = session_id.0.len() <= MAX_SESSION_ID
        && !cipher_suites.0.is_empty()
        && cipher_suites.0.len().is_multiple_of(2)
        && !compression_methods.0.is_empty();
    if !is_sound {
        return None;
    }
    // There may be no extensions at all, not even their length.
    let mut extensions = if hello.0.is_empty() {
        hello
    } else {
        let extensions = hello.vector(2)?;
        hello.0.is_empty().then_some(extensions)?
    };
    let (mut kinds, mut name) = (BTreeSet::new(), None);
    while !extensions.0.is_empty() {
        let kind = extensions.number(2)?;
        let content = extensions.vector(2)?;
        if !kinds.insert(kind) {
            return None;
        }
        if kind == SERVER_NAME {
            name = Some(host_name(content)?);
        }
    }
    Some(if version < TLS_1_0 {
        ClientHello::TooOld
    } else {
        ClientHello::Whole(name)
    })
}

/// The only name of a `server_name` extension: clients know no list of several, and no other kind.
fn host_name(mut extension: Fields<'_>) -> Option<Vec<u8>> {
    let mut names = extension.vector(2)?;
    let kind = names.number(1)?;
    let name = names.vector(2)?.0;
    let is_only = names.0.is_empty() && extension.0.is_empty();
    let is_name = kind == HOST_NAME && (1..=MAX_HOST_NAME).contains(&name.len());
    (is_only && is_name && !name.contains(&0)).then(|| name.to_vec())
}

/// What is still to be read of some bytes.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of so many bytes.
    fn number(&mut self, bytes: usize) -> Option<usize> {
        let bytes = self.take(bytes)?.iter();
        Some(bytes.fold(0, |number, byte| (number << 8) | usize::from(*byte)))
    }

    /// A vector whose length is a number of so many bytes (RFC 8446, section 3.4).
    fn vector(&mut self, length_bytes: usize) -> Option<Self> {
        let length = self.number(length_bytes)?;
        self.take(length).map(Self)
    }
}

#[cfg(test)]
mod tests;
