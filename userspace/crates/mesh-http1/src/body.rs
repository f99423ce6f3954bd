//! Bodies: what of a connection's bytes is data, and where it ends (RFC 9112, sections 6 and 7).

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

use crate::{
    Framing,
    head::{self, Fault, Scan, is_blank},
};

/// Bytes of trailers, as of a head.
const MAX_TRAILERS: usize = 60 * 1024;
/// Bytes around the data of one body that tell nobody anything: chunk extensions and leading zeros.
/// Nobody sends more than a few; who does keeps the proxy at work for nothing.
const MAX_PADDING: usize = 16 * 1024;

/// Why a body is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BodyError {
    /// A chunk is not framed as RFC 9112, section 7.1, has it.
    #[error("the body's chunks are none")]
    Syntax,
    /// The trailers are longer than 60 KiB, or have more than 100 fields.
    #[error("the body's trailers are too large")]
    TooLarge,
    /// The connection closed before the body was through.
    #[error("the connection closed within the body")]
    Incomplete,
}

impl From<Fault> for BodyError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Syntax => Self::Syntax,
            Fault::TooLarge => Self::TooLarge,
        }
    }
}

/// Takes one body from the bytes of a connection.
#[derive(Debug)]
pub struct BodyDecoder {
    state: State,
    padding: usize,
    trailers: Scan,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Length(u64),
    UntilClose,
    Size {
        size: u64,
        digits: u8,
    },
    /// Blanks behind a size.
    Blank(u64),
    Extension(u64),
    SizeFeed(u64),
    Data(u64),
    DataReturn,
    DataFeed,
    Trailers,
    End,
    Broken(BodyError),
}

const NEXT_SIZE: State = State::Size { size: 0, digits: 0 };

impl BodyDecoder {
    /// Reads what a head has told.
    pub fn new(framing: Framing) -> Self {
        Self {
            state: match framing {
                Framing::None | Framing::Length(0) => State::End,
                Framing::Length(length) => State::Length(length),
                Framing::Chunked => NEXT_SIZE,
                Framing::UntilClose => State::UntilClose,
            },
            padding: 0,
            trailers: Scan::default(),
        }
    }

    /// Whether the body is through.
    pub fn is_end(&self) -> bool {
        self.state == State::End
    }

    /// Takes the next data without copying it; none if the buffer has none, or the body is through:
    /// [`Self::is_end`]. What frames the data is passed over with it. Trailers are read, checked and
    /// dropped, as by an Envoy whose `enable_trailers` nobody set.
    ///
    /// # Errors
    /// The bytes are no body. Data before the fault was given out already.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, BodyError> {
        self.pass_framing(buffer);
        let data = match self.state {
            State::Length(left) => {
                let data = take(buffer, left);
                let left = left - data.len() as u64;
                self.state = if left == 0 {
                    State::End
                } else {
                    State::Length(left)
                };
                data
            }
            State::Data(left) => {
                let data = take(buffer, left);
                let left = left - data.len() as u64;
                self.state = if left == 0 {
                    State::DataReturn
                } else {
                    State::Data(left)
                };
                // An end that is here already is seen with the last data.
                self.pass_framing(buffer);
                data
            }
            State::UntilClose => buffer.split().freeze(),
            State::Broken(error) => return Err(error),
            _ => return Ok(None),
        };
        Ok((!data.is_empty()).then_some(data))
    }

    /// The connection closed.
    ///
    /// # Errors
    /// The body was not through.
    pub fn close(&mut self) -> Result<(), BodyError> {
        match self.state {
            State::End => Ok(()),
            State::UntilClose => {
                self.state = State::End;
                Ok(())
            }
            State::Broken(error) => Err(error),
            _ => {
                self.state = State::Broken(BodyError::Incomplete);
                Err(BodyError::Incomplete)
            }
        }
    }

    /// Goes on to the next data, to the end or to a fault, as far as the buffer reaches.
    fn pass_framing(&mut self, buffer: &mut BytesMut) {
        let mut passed = 0;
        while let Some(byte) = buffer.get(passed) {
            match self.step(*byte) {
                Ok(Some(next)) => {
                    self.state = next;
                    passed += 1;
                }
                Ok(None) => break,
                Err(error) => {
                    self.state = State::Broken(error);
                    break;
                }
            }
        }
        buffer.advance(passed);
        if self.state == State::Trailers {
            self.pass_trailers(buffer);
        }
    }

    /// What a byte of the framing leads to; none where the next byte is no framing.
    fn step(&mut self, byte: u8) -> Result<Option<State>, BodyError> {
        Ok(Some(match self.state {
            State::Size { size, digits } => match byte {
                b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' => self.digit(size, digits, byte)?,
                _ if digits == 0 => return Err(BodyError::Syntax),
                _ => behind_size(size, byte)?,
            },
            State::Blank(size) => {
                self.pad()?;
                behind_size(size, byte)?
            }
            State::Extension(size) => {
                self.pad()?;
                match byte {
                    b'\r' => State::SizeFeed(size),
                    b'\t' => self.state,
                    _ if byte.is_ascii_control() => return Err(BodyError::Syntax),
                    _ => self.state,
                }
            }
            State::SizeFeed(size) => match (byte, size) {
                (b'\n', 0) => State::Trailers,
                (b'\n', _) => State::Data(size),
                _ => return Err(BodyError::Syntax),
            },
            State::DataReturn if byte == b'\r' => State::DataFeed,
            State::DataFeed if byte == b'\n' => NEXT_SIZE,
            State::DataReturn | State::DataFeed => return Err(BodyError::Syntax),
            State::Length(_)
            | State::UntilClose
            | State::Data(_)
            | State::Trailers
            | State::End
            | State::Broken(_) => return Ok(None),
        }))
    }

    fn digit(&mut self, size: u64, digits: u8, byte: u8) -> Result<State, BodyError> {
        if size == 0 && digits > 0 {
            self.pad()?;
        }
        let digit = char::from(byte).to_digit(16).ok_or(BodyError::Syntax)?;
        let size = size.checked_mul(16).ok_or(BodyError::Syntax)? + u64::from(digit);
        Ok(State::Size {
            size,
            digits: digits.saturating_add(1),
        })
    }

    /// Counts a byte that tells nobody anything.
    fn pad(&mut self) -> Result<(), BodyError> {
        self.padding += 1;
        if self.padding > MAX_PADDING {
            return Err(BodyError::Syntax);
        }
        Ok(())
    }

    fn pass_trailers(&mut self, buffer: &mut BytesMut) {
        self.state = match self.trailers.take(buffer, MAX_TRAILERS) {
            Ok(None) => State::Trailers,
            Ok(Some(trailers)) => match head::fields(&trailers, 0) {
                Ok(_) => State::End,
                Err(fault) => State::Broken(fault.into()),
            },
            Err(fault) => State::Broken(fault.into()),
        };
    }
}

/// What follows the digits of a size.
fn behind_size(size: u64, byte: u8) -> Result<State, BodyError> {
    match byte {
        b'\r' => Ok(State::SizeFeed(size)),
        b';' => Ok(State::Extension(size)),
        _ if is_blank(byte) => Ok(State::Blank(size)),
        _ => Err(BodyError::Syntax),
    }
}

/// As much of a buffer as there is and as belongs to the body.
fn take(buffer: &mut BytesMut, left: u64) -> Bytes {
    let length = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
    buffer.split_to(length).freeze()
}

#[cfg(test)]
mod tests;
