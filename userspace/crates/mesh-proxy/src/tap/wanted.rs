//! Which requests one who watches wants to be shown, and what of them.

use std::num::{NonZeroU32, NonZeroU64};

use mesh_telemetry::{access_log::Entry, reason::Reason};

use super::shown::Scene;

/// Which requests are wanted, and what of them is shown.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Those of this workload alone.
    pub workload: Option<String>,
    /// `egress` or `ingress` alone.
    pub direction: Option<String>,
    /// Those to this virtual service, virtual node or cluster alone.
    pub service: Option<String>,
    /// Those with a status of one of these alone; all, where there is none.
    pub statuses: Vec<Statuses>,
    /// Those that failed for one of these alone; all, where there is none.
    pub reasons: Vec<Reason>,
    /// Those with all of these header fields alone, name and value.
    pub headers: Vec<(String, String)>,
    /// One of so many is looked at.
    pub one_in: NonZeroU32,
    /// So many are shown in a second.
    pub per_second: NonZeroU64,
    /// Header fields whose values are taken out, by their names in lower case, beside those that are secret in
    /// any case.
    pub redacted: Vec<String>,
    /// Whether the values of a query are shown.
    pub shows_query: bool,
}

/// Statuses from one to another, both included. 0 is the status of a request without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statuses {
    /// The first.
    pub from: u16,
    /// The last.
    pub to: u16,
}

impl Wanted {
    /// Whether requests of a workload and direction are wanted.
    pub(super) fn is_here(&self, workload: &str, direction: &str) -> bool {
        (self.workload.as_ref()).is_none_or(|wanted| wanted == workload)
            && (self.direction.as_ref()).is_none_or(|wanted| wanted == direction)
    }

    /// Whether a request that begins may be wanted.
    pub(super) fn begins(&self, scene: &Scene<'_>) -> bool {
        let has = |(name, value): &(String, String)| {
            scene
                .headers
                .get_all(name)
                .iter()
                .any(|given| given == value)
        };
        self.headers.iter().all(has)
            && (self.service.as_ref()).is_none_or(|service| scene.goes_to(service))
    }

    /// Whether one that ended so is.
    pub(super) fn ends(&self, entry: &Entry) -> bool {
        let fits = |statuses: &Statuses| (statuses.from..=statuses.to).contains(&entry.status);
        let failed = |reason: &Reason| entry.reason == Some(*reason);
        (self.statuses.is_empty() || self.statuses.iter().any(fits))
            && (self.reasons.is_empty() || self.reasons.iter().any(failed))
    }
}
