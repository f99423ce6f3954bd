//! What the suite counts cases by.

use std::fmt;

/// What a case is counted under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bullet {
    Http1,
    Http2,
    Grpc,
    Tcp,
    Egress,
    Ingress,
    Routes,
    Headers,
    Failures,
    Balancing,
    Health,
    Outliers,
    Discovery,
    Pools,
    Retries,
    Timeouts,
    Draining,
    Logs,
}

impl Bullet {
    pub(crate) const ALL: [Self; 18] = [
        Self::Http1,
        Self::Http2,
        Self::Grpc,
        Self::Tcp,
        Self::Egress,
        Self::Ingress,
        Self::Routes,
        Self::Headers,
        Self::Failures,
        Self::Balancing,
        Self::Health,
        Self::Outliers,
        Self::Discovery,
        Self::Pools,
        Self::Retries,
        Self::Timeouts,
        Self::Draining,
        Self::Logs,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Http1 => "http1",
            Self::Http2 => "http2",
            Self::Grpc => "grpc",
            Self::Tcp => "tcp",
            Self::Egress => "egress",
            Self::Ingress => "ingress",
            Self::Routes => "routes",
            Self::Headers => "headers",
            Self::Failures => "failures",
            Self::Balancing => "balancing",
            Self::Health => "health",
            Self::Outliers => "outliers",
            Self::Discovery => "discovery",
            Self::Pools => "pools",
            Self::Retries => "retries",
            Self::Timeouts => "timeouts",
            Self::Draining => "draining",
            Self::Logs => "logs",
        }
    }
}

impl fmt::Display for Bullet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
