//! What the peer says of itself (RFC 9113, section 6.5).

use super::{Fault, MAX_STREAMS, Session, receive::long};
use crate::frame::{self, Head, MAX_PAYLOAD, Reason};

/// Settings in one frame: each of them may concern every stream (the default of nghttp2).
const MAX_SETTINGS: usize = 32;

impl Session {
    pub(super) fn settings(&mut self, head: Head, payload: &[u8]) -> Result<(), Fault> {
        if head.stream != 0 {
            return Err(Fault::SILENT);
        }
        if head.has(frame::ACK) {
            return long(payload, 0);
        }
        if !payload.len().is_multiple_of(6) {
            return Err(Fault::told(Reason::FRAME_SIZE_ERROR));
        }
        if payload.len() > 6 * MAX_SETTINGS {
            return Err(Fault::told(Reason::ENHANCE_YOUR_CALM));
        }
        self.has_settings = true;
        for setting in payload.chunks_exact(6) {
            let name = u16::from_be_bytes([setting[0], setting[1]]);
            self.setting(name, frame::number(&setting[2..]))?;
        }
        self.controls += 1;
        self.out
            .write(|out| frame::put(out, frame::SETTINGS, frame::ACK, 0, &[]));
        Ok(())
    }

    fn setting(&mut self, name: u16, value: u32) -> Result<(), Fault> {
        match name {
            frame::HEADER_TABLE_SIZE => self.owes_table = true,
            frame::ENABLE_PUSH if value > 1 => return Err(Fault::SILENT),
            frame::MAX_CONCURRENT_STREAMS => {
                let most = value.min(MAX_STREAMS);
                self.peer.max_streams = usize::try_from(most).unwrap_or(usize::MAX);
            }
            frame::INITIAL_WINDOW_SIZE => {
                if value > frame::MOST {
                    return Err(Fault::SILENT);
                }
                let more = i64::from(value) - i64::from(self.peer.initial_window);
                self.peer.initial_window = value;
                for slot in self.streams.values_mut() {
                    slot.window += more;
                    slot.writer.wake();
                    if slot.window > frame::MOST.into() {
                        return Err(Fault::SILENT);
                    }
                }
            }
            frame::MAX_FRAME_SIZE => {
                let size = usize::try_from(value).unwrap_or(usize::MAX);
                if !(MAX_PAYLOAD..1 << 24).contains(&size) {
                    return Err(Fault::SILENT);
                }
                self.peer.max_frame = size.min(MAX_PAYLOAD);
            }
            _ => {}
        }
        Ok(())
    }
}
