//! A service whose hosts are replaced one after the other: no request fails that nobody had begun to answer.

use std::{path::Path, time::Duration};

use tests::{
    capability,
    faults::rolling::{Leaving, Plan, Rolling},
    network::Purpose,
};

/// Requests a second: what a build with all checks in it takes beside other tests.
const RATE: u32 = 400;

fn roll(hosts: usize, leaving: Leaving, has_sidecars: bool) {
    if !capability::namespace_ring() {
        return;
    }
    let plan = Plan {
        rate: RATE,
        leaving,
        has_sidecars,
    };
    let peer = Path::new(env!("CARGO_BIN_EXE_fault-peer"));
    let mut rolling = Rolling::set_up(Purpose::Test, peer, plan).unwrap();
    let verdict = rolling.run(hosts, Duration::ZERO).unwrap();
    println!("{verdict}");
    verdict.judge().unwrap();
}

#[test]
fn hosts_that_leave_discovery_first_cost_no_request_where_nothing_is_tried_twice() {
    roll(2, Leaving::Announced, false);
}

#[test]
fn hosts_that_drain_cost_no_request() {
    roll(4, Leaving::Drained, false);
}

#[test]
fn hosts_that_drain_behind_proxies_of_their_own_cost_no_request_where_nothing_is_tried_twice() {
    roll(2, Leaving::Drained, true);
}

#[test]
fn hosts_that_are_killed_cost_what_they_had_begun_to_answer() {
    roll(4, Leaving::Killed, false);
}
