//! Timeouts with App Mesh's defaults filled in.

use std::time::Duration;

use mesh_model::{
    snapshot::{DEFAULT_IDLE_TIMEOUT, DEFAULT_REQUEST_TIMEOUT},
    spec::duration,
};

/// The request timeout of a document; 0 disables it.
pub(super) fn request(given: Option<duration::Duration>) -> Option<Duration> {
    or_default(given, DEFAULT_REQUEST_TIMEOUT)
}

/// The idle timeout of a document; 0 disables it.
pub(super) fn idle(given: Option<duration::Duration>) -> Option<Duration> {
    or_default(given, DEFAULT_IDLE_TIMEOUT)
}

fn or_default(given: Option<duration::Duration>, default: Duration) -> Option<Duration> {
    let timeout = given.map_or(default, Duration::from);
    (!timeout.is_zero()).then_some(timeout)
}
