//! What a peer may send (RFC 9113, section 5.2). It may send more when half of what it may was taken.

#[derive(Debug)]
pub(crate) struct RecvWindow {
    size: u32,
    open: u32,
    taken: u32,
}

impl RecvWindow {
    pub(crate) fn new(size: u32) -> Self {
        Self {
            size,
            open: size,
            taken: 0,
        }
    }

    /// Bytes came; whether they might.
    pub(crate) fn receive(&mut self, bytes: usize) -> bool {
        let left = u32::try_from(bytes)
            .ok()
            .and_then(|bytes| self.open.checked_sub(bytes));
        match left {
            Some(left) => {
                self.open = left;
                true
            }
            None => false,
        }
    }

    /// Bytes were taken; by how much the peer's window grows now.
    pub(crate) fn give(&mut self, bytes: usize) -> Option<u32> {
        self.taken += u32::try_from(bytes).unwrap_or(0);
        if self.taken < self.size / 2 {
            return None;
        }
        self.open += self.taken;
        Some(std::mem::take(&mut self.taken))
    }
}
