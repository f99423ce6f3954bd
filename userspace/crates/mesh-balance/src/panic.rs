//! When hosts are used that are not fit.

/// Percent of all hosts: Envoy's `healthy_panic_threshold`, which App Mesh left at its default.
const THRESHOLD: usize = 50;

/// Whether so few hosts are fit that all are used: an upstream most of which seems to be down is more
/// likely judged wrongly than down, and the few that are left could not carry its load.
pub fn is_panic(fit: usize, all: usize) -> bool {
    fit * 100 < all * THRESHOLD
}
