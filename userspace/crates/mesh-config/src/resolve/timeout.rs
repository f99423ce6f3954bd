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
    given.map_or(Some(default), or_none)
}

/// A timeout of a document that has no default; 0 disables it.
pub(super) fn or_none(given: duration::Duration) -> Option<Duration> {
    let timeout = Duration::from(given);
    (!timeout.is_zero()).then_some(timeout)
}
