//! Round robin over the endpoints of a cluster, App Mesh's only policy.

/// Whose turn it is. It holds no endpoints, so it survives their changes.
#[derive(Clone, Debug)]
pub struct RoundRobin {
    next: usize,
}

impl RoundRobin {
    /// Begins at `start`, which should differ between workers so that they do not all begin with
    /// the same endpoint.
    pub fn starting_at(start: usize) -> Self {
        Self { next: start }
    }

    /// The index of the next of `count` endpoints; none if there is none.
    pub fn pick(&mut self, count: usize) -> Option<usize> {
        let index = self.next.checked_rem(count)?;
        self.next = index + 1;
        Some(index)
    }
}

#[cfg(test)]
mod tests;
