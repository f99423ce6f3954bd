//! An unmodified Envoy in the proxy's place: the programs alone make it work.

use tests::{
    capability,
    client::is_share,
    envoy::Envoy,
    network::Purpose,
    scenario::{Scenario, TO_SERVICE_B, TO_SERVICE_BV2, URL},
};

#[test]
fn envoy_learns_the_original_destination_and_splits_as_the_route_says() {
    if !capability::namespace_ring() {
        return;
    }
    let Some(binary) = capability::envoy() else {
        return;
    };
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let envoy = Envoy::start(&binary, &scenario.service_a, [75, 25]).unwrap();
    let daemon = scenario.daemon_a().external_proxy().start().unwrap();
    for curl in [scenario.curl(), scenario.curl().http2()] {
        let answers = curl.many(URL, 1000).unwrap();
        let counted = envoy.stat("http.egress.downstream_rq_total").unwrap();
        assert!(counted >= 1000, "Envoy has seen {counted} requests");
        let from_b = answers.from("serviceB");
        assert_eq!(answers.failures(), []);
        assert!(
            is_share(from_b, 1000, 0.75),
            "{from_b} of 1000 went to serviceB"
        );
    }
    let counted = envoy.stat(TO_SERVICE_B).unwrap() + envoy.stat(TO_SERVICE_BV2).unwrap();
    assert_eq!(counted, 2000);
    // A port that no chain matches: Envoy knows the original port, or it would route this too.
    let other = scenario
        .curl()
        .get("http://serviceb.apps.local:8080/")
        .unwrap();
    assert_ne!(other.exit, 0, "{other:?}");
    assert_eq!(envoy.stat("http.egress.downstream_rq_total").unwrap(), 2000);
    drop(daemon);
}

#[test]
fn a_weight_of_0_gets_nothing_from_envoy_either() {
    if !capability::namespace_ring() {
        return;
    }
    let Some(binary) = capability::envoy() else {
        return;
    };
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let envoy = Envoy::start(&binary, &scenario.service_a, [0, 100]).unwrap();
    let _daemon = scenario.daemon_a().external_proxy().start().unwrap();
    let answers = scenario.curl().many(URL, 500).unwrap();
    assert_eq!(envoy.stat(TO_SERVICE_BV2).unwrap(), 500);
    assert_eq!(envoy.stat(TO_SERVICE_B).unwrap(), 0);
    assert_eq!(answers.from("serviceBv2"), 500, "{:?}", answers.failures());
}
