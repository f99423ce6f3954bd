//! A bad endpoint among good ones: what clients see is what they see with Envoy.

use std::{path::Path, time::Duration};

use tests::{capability, faults::comparison::Comparison, network::Purpose};

/// Requests a second to each service, on both sides.
const RATE: u32 = 10;
/// For how long.
const TIME: Duration = Duration::from_secs(15);

#[test]
fn a_bad_endpoint_among_good_ones_costs_its_clients_what_it_costs_them_with_envoy() {
    if !capability::namespace_ring() {
        return;
    }
    let Some(envoy) = capability::envoy() else {
        return;
    };
    let peer = Path::new(env!("CARGO_BIN_EXE_fault-peer"));
    let comparison = Comparison::set_up(Purpose::Test, peer, &envoy).unwrap();
    let compared = comparison.run(RATE, TIME).unwrap();
    println!("{compared}");
    compared.judge().unwrap();
}
