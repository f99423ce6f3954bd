//! Which hosts will have their turns soon, so that somebody can connect to them before a request waits for
//! it (Envoy's predictive preconnecting, for as long as hosts are new).

/// At most so many turns from now a host is named. A request that comes meanwhile for each of them finds
/// a connection, or one that is on its way.
const LEAD: usize = 16;

/// So many hosts are named for each turn that is taken: more than one, so that a lead is won, and few, so
/// that no request is held up by connections to others.
const EACH: usize = 2;

/// The hosts that are still to be named, each once.
#[derive(Clone, Debug, Default)]
pub struct Lookahead {
    left: usize,
    /// Who is named next; none before the first turn.
    next: Option<usize>,
}

impl Lookahead {
    /// All of `count` hosts are to be named, from the one on that has the next turn.
    pub fn begin(&mut self, count: usize) {
        *self = Self {
            left: count,
            next: None,
        };
    }

    /// Whether all have been named.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.left == 0
    }

    /// The indices of the hosts to name, of `count`, now that the next turn is that of `turn`.
    pub fn name(&mut self, count: usize, turn: usize) -> impl Iterator<Item = usize> {
        let mut first = self.next.unwrap_or(turn);
        let lead = (first + count).saturating_sub(turn);
        let mut lead = lead.checked_rem(count).unwrap_or(LEAD);
        if lead > LEAD {
            // The turns have come past it, or hosts have left.
            first = turn;
            lead = 0;
        }
        let named = self.left.min(EACH).min(LEAD - lead);
        self.left -= named;
        self.next = Some(first + named);
        (first..first + named).map(move |index| index % count)
    }
}

#[cfg(test)]
mod tests;
