//! The same verdicts by a reader that pulls one byte after the other through the records, as RFC 8446 and
//! RFC 6066 write their structures down.

use super::ClientHello;

/// Why there is no next byte.
enum Stop {
    Bad,
    More,
}

type Read<T> = Result<T, Stop>;

/// The connection, and how much of the record under way is left.
struct Reader<'a> {
    bytes: std::slice::Iter<'a, u8>,
    left: u32,
}

impl Reader<'_> {
    fn raw(&mut self) -> Read<u8> {
        self.bytes.next().copied().ok_or(Stop::More)
    }

    fn raw_is(&mut self, wanted: u8) -> Read<()> {
        if self.raw()? == wanted {
            Ok(())
        } else {
            Err(Stop::Bad)
        }
    }

    /// The next byte of the handshake.
    fn next(&mut self) -> Read<u8> {
        while self.left == 0 {
            self.raw_is(22)?;
            self.raw_is(3)?;
            self.raw()?;
            self.left = u32::from(self.raw()?) * 256 + u32::from(self.raw()?);
            if self.left > 16_384 {
                return Err(Stop::Bad);
            }
        }
        self.left -= 1;
        self.raw()
    }
}

/// A structure whose bytes are all there: its end is the end of what can be read.
struct Structure(std::collections::VecDeque<u8>);

impl Structure {
    fn byte(&mut self) -> Read<u8> {
        self.0.pop_front().ok_or(Stop::Bad)
    }

    fn u16(&mut self) -> Read<u16> {
        Ok(u16::from(self.byte()?) * 256 + u16::from(self.byte()?))
    }

    fn opaque(&mut self, length: u16) -> Read<Self> {
        (0..length)
            .map(|_| self.byte())
            .collect::<Read<_>>()
            .map(Self)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn ensure(holds: bool) -> Read<()> {
    if holds { Ok(()) } else { Err(Stop::Bad) }
}

fn hello(mut body: Structure) -> Read<ClientHello> {
    let is_old = body.u16()? <= 0x0300;
    let name = name_behind_version(body)?;
    Ok(if is_old {
        ClientHello::TooOld
    } else {
        ClientHello::Whole(name)
    })
}

fn name_behind_version(mut body: Structure) -> Read<Option<Vec<u8>>> {
    body.opaque(32)?;
    let length = body.byte()?;
    ensure(length < 33)?;
    body.opaque(length.into())?;
    let length = body.u16()?;
    ensure(length >= 2 && length % 2 == 0)?;
    body.opaque(length)?;
    let length = body.byte()?;
    ensure(length > 0)?;
    body.opaque(length.into())?;
    if body.is_empty() {
        return Ok(None);
    }
    let length = body.u16()?;
    let mut extensions = body.opaque(length)?;
    ensure(body.is_empty())?;
    let mut seen: Vec<(u16, Structure)> = Vec::new();
    while !extensions.is_empty() {
        let kind = extensions.u16()?;
        ensure(seen.iter().all(|(other, _)| *other != kind))?;
        let length = extensions.u16()?;
        seen.push((kind, extensions.opaque(length)?));
    }
    let Some((_, mut names)) = seen.into_iter().find(|(kind, _)| *kind == 0) else {
        return Ok(None);
    };
    let list = names.u16()?;
    ensure(usize::from(list) == names.0.len() && names.byte()? == 0)?;
    let name = names.u16()?;
    ensure(usize::from(name) == names.0.len() && name > 0 && name < 256)?;
    ensure(!names.0.contains(&0))?;
    Ok(Some(names.0.into()))
}

fn read(mut reader: Reader<'_>) -> Read<ClientHello> {
    ensure(reader.next()? == 1)?;
    let mut length = 0;
    for _ in 0..3 {
        length = length * 256 + u32::from(reader.next()?);
    }
    ensure(length <= 16_384)?;
    let body = (0..length).map(|_| reader.next()).collect::<Read<_>>()?;
    hello(Structure(body))
}

pub(super) fn client_hello(first: &[u8]) -> ClientHello {
    let bytes = first.iter();
    match read(Reader { bytes, left: 0 }) {
        Ok(hello) => hello,
        Err(Stop::Bad) => ClientHello::Absent,
        Err(Stop::More) => ClientHello::NeedMore,
    }
}
