//! Where the clients and services of cases wait until the proxies between them drain. A process has one
//! gate: a proxy that has drained serves nobody any more.

use std::sync::{Condvar, Mutex, PoisonError};

use super::wire::PATIENCE;

static ARRIVALS: Mutex<Arrivals> = Mutex::new(Arrivals {
    cases: Vec::new(),
    is_open: false,
});
static OPENED: Condvar = Condvar::new();

struct Arrivals {
    /// The case of each that waits at the gate, or has been let through.
    cases: Vec<usize>,
    is_open: bool,
}

/// Waits for a client or service of a case until the gate is open. Whoever waits in vain goes on, and what
/// comes of that is compared.
pub(super) fn pass(case: usize) {
    let mut arrivals = ARRIVALS.lock().unwrap_or_else(PoisonError::into_inner);
    arrivals.cases.push(case);
    // All cases begin at once, and take turns on a busy machine.
    let waited = OPENED.wait_timeout_while(arrivals, PATIENCE * 5, |now| !now.is_open);
    drop(waited);
}

/// The case of each that has come to the gate.
pub(super) fn arrived() -> Vec<usize> {
    let arrivals = ARRIVALS.lock().unwrap_or_else(PoisonError::into_inner);
    arrivals.cases.clone()
}

/// Lets everybody through, from now on.
pub(super) fn open() {
    let mut arrivals = ARRIVALS.lock().unwrap_or_else(PoisonError::into_inner);
    arrivals.is_open = true;
    OPENED.notify_all();
}
