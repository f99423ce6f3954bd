//! What the workers of a proxy are told to do.

use tokio::time::Instant;

use crate::listener::Direction;

/// What the proxy tells its workers to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Accept no more, end what is open by this moment.
    Draining(Instant),
    /// Accept and serve, and tell the clients of ingress to open their connections anew.
    DrainingIngress,
    /// Accept and serve, and tell all clients to open their connections anew, as long as they come here.
    /// What is open by this moment, long after that, is cut.
    Leaving(Instant),
    /// Accept and serve.
    Serving,
    /// End at once.
    Stopped,
}

impl Phase {
    /// The drain that follows this phase, which has until then or until what was said before.
    pub(crate) fn then_drains(self, until: Instant) -> Self {
        match self {
            Self::Leaving(said) => Self::Draining(said),
            _ => Self::Draining(until),
        }
    }

    /// Whether connections are accepted.
    pub(crate) fn accepts(self) -> bool {
        matches!(
            self,
            Self::Serving | Self::DrainingIngress | Self::Leaving(_)
        )
    }

    /// Whether what is still open is cut.
    pub(super) fn is_over(self) -> bool {
        match self {
            Self::Serving | Self::DrainingIngress | Self::Leaving(_) => false,
            Self::Draining(deadline) => deadline <= Instant::now(),
            Self::Stopped => true,
        }
    }

    /// Whether connections of a direction are to end.
    pub(super) fn ends(self, direction: Direction) -> bool {
        match self {
            Self::Serving => false,
            Self::DrainingIngress => direction == Direction::Ingress,
            Self::Leaving(_) | Self::Draining(_) | Self::Stopped => true,
        }
    }
}

#[cfg(test)]
mod tests;
