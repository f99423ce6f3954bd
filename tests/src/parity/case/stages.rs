//! Endpoints that join a service when it is called already, so that they are probed every few seconds, and what
//! they do at each stage: after so many probes.

use super::Reply;

/// Stands for how often an endpoint that joined has been probed, or for nothing where that was a moment ago.
pub(crate) const STAGE: &str = "{stage}";
/// Stands for the whole seconds of the shortest time from one of its probes to the next.
pub(crate) const LEAST_PAUSE: &str = "{pause}";

/// What they do from one probe on, up to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stage {
    /// To the probe.
    pub(crate) probe: Vec<Reply>,
    /// To requests, if that is another thing than what all endpoints do.
    pub(crate) request: Option<Vec<Reply>>,
}

/// `healthyThreshold` and `unhealthyThreshold`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thresholds {
    pub(crate) healthy: u32,
    pub(crate) unhealthy: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            healthy: 2,
            unhealthy: 2,
        }
    }
}
