//! Whose turn it is to send: streams that wait for one thing, those first that got nothing last time.

/// Streams that wait for one thing.
#[derive(Debug, Default)]
pub(super) struct Turns {
    hungry: Vec<u32>,
    served: Vec<u32>,
}

impl Turns {
    /// Has a stream wait; `is_served` if it could send since the last that was waited for.
    pub(super) fn push(&mut self, id: u32, is_served: bool) {
        if is_served {
            self.served.push(id);
        } else {
            self.hungry.push(id);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hungry.is_empty() && self.served.is_empty()
    }

    /// All that wait, in order.
    pub(super) fn take(&mut self) -> Vec<u32> {
        let mut all = std::mem::take(&mut self.hungry);
        all.append(&mut self.served);
        all
    }
}
