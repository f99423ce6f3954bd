//! A service that is one case's alone: what documents and options say of it, and of its endpoints.

use super::{Protocol, Reply, Thresholds};

/// Whether there is somebody where a service of a case's own should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    There,
    /// Nobody listens.
    Refuses,
    /// Nobody has the address.
    Silent,
    /// The name is not known.
    Unknown,
    /// The kernel knows no way to the address.
    Unreachable,
}

/// A service of one case alone, so that what its connections meet does not touch another case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) protocol: Protocol,
    pub(crate) presence: Presence,
    /// The route's `timeout.perRequest`, in milliseconds.
    pub(crate) per_request: Option<u64>,
    /// The route's `timeout.idle`, in milliseconds.
    pub(crate) idle: Option<u64>,
    /// Its endpoints, where its clients know more than one address of it or judge what they know.
    pub(crate) endpoints: Option<Endpoints>,
    /// The route's `retryPolicy`.
    pub(crate) retries: Option<Retries>,
    /// What options say of it, where a virtual node provides it without a route: the times above are of the
    /// options then.
    pub(crate) unrouted: Option<Unrouted>,
    /// What options say of how many retries may be under way to its node.
    pub(crate) budget: Option<Budget>,
}

/// The `retryBudget` of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Budget {
    pub(crate) percent: Option<u8>,
    pub(crate) least: Option<u8>,
}

/// What options say of a service without a route, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unrouted {
    pub(crate) per_try: Option<u64>,
    /// Of its node.
    pub(crate) connect: Option<u64>,
}

/// The endpoints of a service, as its clients judge them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Endpoints {
    /// How many there are: 1 to 4.
    pub(crate) count: usize,
    /// One more that cannot be reached.
    pub(crate) with_unreachable: bool,
    /// What the health check speaks, and for what it asks.
    pub(crate) check: Option<(Protocol, Option<&'static str>)>,
    /// `maxServerErrors` and `maxEjectionPercent`.
    pub(crate) outliers: Option<(u64, u32)>,
    /// Ejections last for seconds, not minutes.
    pub(crate) returns: bool,
    /// All but the first join when the service is called already, and are checked by these thresholds.
    pub(crate) late: Option<Thresholds>,
}

impl Endpoints {
    /// So many whom nobody judges.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            count,
            with_unreachable: false,
            check: None,
            outliers: None,
            returns: false,
            late: None,
        }
    }
}

/// Who asks a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    Client,
    /// A client that is to see it fail.
    Blamer,
    /// A health check.
    Probe,
}

/// What one endpoint of several does that the others do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Apart {
    pub(crate) endpoint: usize,
    pub(crate) asker: Asker,
    pub(crate) replies: Vec<Reply>,
}

/// A retry policy as a document has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Retries {
    pub(crate) max: u32,
    /// In milliseconds; 0 is none.
    pub(crate) per_try: u64,
    pub(crate) http: &'static [&'static str],
    pub(crate) tcp: &'static [&'static str],
    pub(crate) grpc: &'static [&'static str],
}

impl Own {
    pub(crate) fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            presence: Presence::There,
            per_request: None,
            idle: None,
            endpoints: None,
            retries: None,
            unrouted: None,
            budget: None,
        }
    }

    /// With these endpoints.
    #[must_use]
    pub(crate) fn at(self, endpoints: Endpoints) -> Self {
        Self {
            endpoints: Some(endpoints),
            ..self
        }
    }
}
