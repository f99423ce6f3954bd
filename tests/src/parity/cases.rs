//! All cases, by the bullets that they are counted under.

mod answers;
mod application;
mod balancing;
mod budgets;
mod bytes;
mod discovery;
mod draining;
mod endpoints;
mod failures;
mod grpc;
mod headers;
mod health;
mod hosts;
mod http1;
mod http2;
mod logs;
mod outliers;
mod pools;
mod request;
mod retries;
mod routes;
mod stages;
mod tcp;
mod timeouts;
mod unrouted;
mod websocket;
mod withdrawn;

use super::case::Case;

/// Milliseconds until what was sent has reached the service, on a busy machine too: what is broken off
/// before may or may not get there.
const ARRIVED: u64 = 1000;
/// Milliseconds in which a connection closes that is to, on a busy machine too: Envoy waits a second for a
/// client to close first.
const UNTIL_CLOSED: u64 = 3000;

/// Every case with its number, always the same.
pub(super) fn all() -> Vec<Case> {
    let mut all = Vec::new();
    all.extend(http1::cases());
    all.extend(http2::cases());
    all.extend(grpc::cases());
    all.extend(tcp::cases());
    all.extend(hosts::cases());
    all.extend(endpoints::cases());
    all.extend(discovery::cases());
    all.extend(application::cases());
    all.extend(routes::cases());
    all.extend(headers::cases());
    all.extend(failures::cases());
    all.extend(balancing::cases());
    all.extend(health::cases());
    all.extend(withdrawn::cases());
    all.extend(stages::cases());
    all.extend(outliers::cases());
    all.extend(logs::cases());
    all.extend(pools::cases());
    all.extend(retries::cases());
    all.extend(budgets::cases());
    all.extend(timeouts::cases());
    all.extend(unrouted::cases());
    all.extend(draining::cases());
    for (id, case) in all.iter_mut().enumerate() {
        case.id = id;
        // Lists of names are text, where nobody sees a space at the end of a line.
        case.name.truncate(case.name.trim_end().len());
    }
    all
}

#[cfg(test)]
mod tests;
