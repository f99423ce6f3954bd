//! A connection of HTTP/2 by frames (RFC 9113), at either end: what came on each stream, and frames sent as
//! a case wants them. Settings and pings are answered, and windows for what is received never close.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result};

use super::{
    case::{End, Fields as Text},
    hpack::{self, Decoder},
    wire::{Ended, PATIENCE, Wire},
};

/// What a client begins with (section 3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
const ACK: u8 = 1;
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;

/// `SETTINGS_INITIAL_WINDOW_SIZE`
const INITIAL_WINDOW: u16 = 4;
/// The most that a window may be (section 6.9.1).
const WIDEST: u32 = (1 << 31) - 1;
/// What windows are before anybody says more.
const NARROW: i64 = 65_535;
/// The most that a frame may hold unless its receiver allows more.
const FRAME_BYTES: usize = 16_384;

/// What has come on a stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream {
    /// Each header block: interim answers, the head, trailers.
    pub(crate) heads: Vec<Text>,
    pub(crate) body: Vec<u8>,
    pub(crate) ended: bool,
    /// The error code of `RST_STREAM`.
    pub(crate) reset: Option<u32>,
}

impl Stream {
    /// Whether nothing more will come.
    pub(crate) fn is_over(&self) -> bool {
        self.ended || self.reset.is_some()
    }
}

#[derive(Debug, Default)]
struct State {
    used: usize,
    decoder: Decoder,
    streams: BTreeMap<u32, Stream>,
    block: Vec<u8>,
    /// The error code of `GOAWAY`.
    goaway: Option<u32>,
    /// The last stream that each `GOAWAY` names.
    last: Vec<u32>,
    fault: Option<String>,
    window: i64,
    initial: i64,
    windows: BTreeMap<u32, i64>,
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) wire: Arc<Wire>,
    state: Mutex<State>,
}

impl Link {
    /// Begins a connection on a wire that carries nothing else; a server's has the preface in it.
    pub(crate) fn new(wire: Arc<Wire>, is_client: bool) -> Self {
        let mut begin = if is_client {
            PREFACE.to_vec()
        } else {
            Vec::new()
        };
        let settings = [
            INITIAL_WINDOW.to_be_bytes().as_slice(),
            &WIDEST.to_be_bytes(),
        ]
        .concat();
        begin.extend(frame(SETTINGS, 0, 0, &settings));
        let more = WIDEST - u32::try_from(NARROW).expect("a small number");
        begin.extend(frame(WINDOW_UPDATE, 0, 0, &more.to_be_bytes()));
        // A connection that is gone shows in what comes, not here.
        let _ = wire.send(&begin);
        let state = State {
            used: if is_client { 0 } else { PREFACE.len() },
            window: NARROW,
            initial: NARROW,
            ..State::default()
        };
        Self {
            wire,
            state: Mutex::new(state),
        }
    }

    /// Takes in what has come until `probe` says something of it, or the time is over.
    pub(crate) fn wait<T>(
        &self,
        time: Duration,
        mut probe: impl FnMut(&Seen<'_>) -> Option<T>,
    ) -> Option<T> {
        self.wait_state(time, |state, ended| {
            probe(&Seen {
                streams: &state.streams,
                goaway: state.goaway,
                last: &state.last,
                fault: state.fault.as_deref(),
                ended,
            })
        })
    }

    fn wait_state<T>(
        &self,
        time: Duration,
        mut probe: impl FnMut(&mut State, Option<Ended>) -> Option<T>,
    ) -> Option<T> {
        self.wire.wait(time, |received| {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            while state.fault.is_none() {
                match self.take(&mut state, &received.bytes) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => state.fault = Some(format!("{error:#}")),
                }
            }
            probe(&mut state, received.ended)
        })
    }

    /// Takes one frame; whether there was one.
    fn take(&self, state: &mut State, bytes: &[u8]) -> Result<bool> {
        let bytes = &bytes[state.used.min(bytes.len())..];
        let Some((header, rest)) = bytes.split_at_checked(9) else {
            return Ok(false);
        };
        let length = usize::try_from(number(&[0, header[0], header[1], header[2]]))?;
        let Some(payload) = rest.get(..length) else {
            return Ok(false);
        };
        state.used += 9 + length;
        let stream = number(&header[5..9]) & WIDEST;
        self.act(state, header[3], header[4], stream, payload)?;
        Ok(true)
    }

    fn act(
        &self,
        state: &mut State,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
    ) -> Result<()> {
        let is_ack = flags & ACK != 0;
        match kind {
            SETTINGS if !is_ack => {
                state.set(payload);
                let _ = self.wire.send(&frame(SETTINGS, ACK, 0, &[]));
            }
            PING if !is_ack => {
                let _ = self.wire.send(&frame(PING, ACK, 0, payload));
            }
            GOAWAY => {
                state.goaway = Some(number(payload.get(4..8).context("GOAWAY is short")?));
                state.last.push(number(payload) & WIDEST);
            }
            RST_STREAM => state.stream(stream).reset = Some(number(payload)),
            WINDOW_UPDATE if stream == 0 => state.window += i64::from(number(payload)),
            WINDOW_UPDATE => {
                let initial = state.initial;
                *state.windows.entry(stream).or_insert(initial) += i64::from(number(payload));
            }
            DATA => {
                let data = unpadded(payload, flags & PADDED != 0)?;
                state.stream(stream).body.extend_from_slice(data);
                state.stream(stream).ended |= flags & END_STREAM != 0;
            }
            HEADERS | CONTINUATION => {
                let mut part = payload;
                if kind == HEADERS {
                    part = unpadded(part, flags & PADDED != 0)?;
                    let skipped = if flags & PRIORITY != 0 { 5 } else { 0 };
                    part = part.get(skipped..).context("HEADERS is short")?;
                    state.stream(stream).ended |= flags & END_STREAM != 0;
                }
                state.block.extend_from_slice(part);
                if flags & END_HEADERS != 0 {
                    let block = std::mem::take(&mut state.block);
                    let fields = state.decoder.decode(&block)?;
                    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
                    let fields = fields.iter().map(|(name, value)| (text(name), text(value)));
                    let fields = fields.collect();
                    state.stream(stream).heads.push(fields);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Sends frames as they are.
    pub(crate) fn send(&self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let _ = self.wire.send(&frame(kind, flags, stream, payload));
    }

    /// Sends a header block, in as many frames as it needs.
    pub(crate) fn send_head(&self, stream: u32, fields: &Text, end: End) {
        let block = hpack::encode(fields);
        let mut parts: Vec<&[u8]> = block.chunks(FRAME_BYTES).collect();
        if parts.is_empty() {
            parts.push(&[]);
        }
        let mut bytes = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let (kind, mut flags) = match (index, end) {
                (0, End::Stream) => (HEADERS, END_STREAM),
                (0, End::More) => (HEADERS, 0),
                _ => (CONTINUATION, 0),
            };
            if index + 1 == parts.len() {
                flags |= END_HEADERS;
            }
            bytes.extend(frame(kind, flags, stream, part));
        }
        let _ = self.wire.send(&bytes);
    }

    /// Sends data as the other side's windows allow; gives up where they stay closed.
    pub(crate) fn send_data(&self, stream: u32, mut data: &[u8], end: End) {
        loop {
            let wanted = i64::try_from(data.len().min(FRAME_BYTES)).expect("a small number");
            let open = self.wait_state(PATIENCE, |state, ended| match ended {
                Some(_) => Some(0),
                None => state.reserve(stream, wanted),
            });
            let open = open.unwrap_or(0);
            if open == 0 && !data.is_empty() {
                return;
            }
            let (now, later) = data.split_at(open);
            let is_last = later.is_empty();
            let flags = if is_last && end == End::Stream {
                END_STREAM
            } else {
                0
            };
            self.send(DATA, flags, stream, now);
            data = later;
            if is_last {
                return;
            }
        }
    }
}

impl State {
    fn stream(&mut self, stream: u32) -> &mut Stream {
        self.streams.entry(stream).or_default()
    }

    /// Takes the other side's settings.
    fn set(&mut self, payload: &[u8]) {
        for setting in payload.chunks_exact(6) {
            if setting[..2] == INITIAL_WINDOW.to_be_bytes() {
                let initial = i64::from(number(&setting[2..]));
                for window in self.windows.values_mut() {
                    *window += initial - self.initial;
                }
                self.initial = initial;
            }
        }
    }

    /// Takes up to `wanted` bytes from the windows; nothing while they are closed.
    fn reserve(&mut self, stream: u32, wanted: i64) -> Option<usize> {
        let initial = self.initial;
        let window = self.windows.entry(stream).or_insert(initial);
        let open = wanted.min(*window).min(self.window).max(0);
        if open == 0 && wanted > 0 {
            return None;
        }
        *window -= open;
        self.window -= open;
        usize::try_from(open).ok()
    }
}

/// A frame (section 4.1).
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("payloads here are short");
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

fn unpadded(payload: &[u8], is_padded: bool) -> Result<&[u8]> {
    if !is_padded {
        return Ok(payload);
    }
    let (length, rest) = payload.split_first().context("padding is cut short")?;
    let kept = rest.len().checked_sub(usize::from(*length));
    Ok(&rest[..kept.context("more padding than payload")?])
}

/// A number of four bytes; 0 if they are not all there.
fn number(bytes: &[u8]) -> u32 {
    let bytes = bytes.get(..4).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, u32::from_be_bytes)
}

/// What has come on a connection.
pub(crate) struct Seen<'a> {
    pub(crate) streams: &'a BTreeMap<u32, Stream>,
    pub(crate) goaway: Option<u32>,
    /// The last stream that each `GOAWAY` names.
    pub(crate) last: &'a [u32],
    /// Why what came is no HTTP/2.
    pub(crate) fault: Option<&'a str>,
    pub(crate) ended: Option<Ended>,
}
