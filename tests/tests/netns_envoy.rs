//! An unmodified Envoy in the proxy's place: the programs alone make it work.

use tests::{
    capability,
    client::{COULD_NOT_CONNECT, Curl, is_share},
    daemon::{Daemon, Settings},
    envoy::{Envoy, TO_SELF},
    host::Place,
    network::Purpose,
    scenario::{FROM_APPLICATION, Scenario, TO_APPLICATION, TO_SERVICE_B, TO_SERVICE_BV2, URL},
    wait,
};

/// The scenario, an Envoy on one of its hosts, and the daemon that takes that Envoy for its proxy;
/// nothing where the machine cannot have them.
fn behind_envoy(
    settings: impl Fn(&Scenario) -> Settings,
    weights: [u32; 2],
) -> Option<(Scenario, Envoy, Daemon)> {
    if !capability::namespace_ring() {
        return None;
    }
    let binary = capability::envoy()?;
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let settings = settings(&scenario).external_proxy();
    let envoy = Envoy::start(&binary, settings.host(), weights).unwrap();
    let daemon = settings.start().unwrap();
    Some((scenario, envoy, daemon))
}

#[test]
fn envoy_learns_the_original_destination_and_splits_as_the_route_says() {
    let Some((scenario, envoy, _daemon)) = behind_envoy(Scenario::daemon_a, [75, 25]) else {
        return;
    };
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
}

#[test]
fn a_weight_of_0_gets_nothing_from_envoy_either() {
    let Some((scenario, envoy, _daemon)) = behind_envoy(Scenario::daemon_a, [0, 100]) else {
        return;
    };
    let answers = scenario.curl().many(URL, 500).unwrap();
    assert_eq!(envoy.stat(TO_SERVICE_BV2).unwrap(), 500);
    assert_eq!(envoy.stat(TO_SERVICE_B).unwrap(), 0);
    assert_eq!(answers.from("serviceBv2"), 500, "{:?}", answers.failures());
}

#[test]
fn what_comes_for_the_application_goes_through_envoy_and_what_it_sends_too() {
    let Some((scenario, envoy, _daemon)) = behind_envoy(Scenario::daemon_b, [0, 100]) else {
        return;
    };
    let remote = Curl::new(&scenario.service_a).at(Place::Outside);
    let url = format!("http://{}/", scenario.service_b.v4());
    let answers = remote.many(&url, 100).unwrap();
    assert_eq!(envoy.stat(TO_APPLICATION).unwrap(), 100);
    assert_eq!(envoy.stat(TO_SELF).unwrap(), 100);
    assert_eq!(answers.from("serviceB"), 100, "{:?}", answers.failures());
    for request in scenario.web_b.requests().unwrap() {
        assert!(request.peer.is_loopback(), "past Envoy: {request:?}");
    }
    // The other way, on the same host: another host is dialled, and the route says where it goes.
    let elsewhere = format!("serviceb.apps.local:80:{}", scenario.service_a.v4());
    let client = Curl::new(&scenario.service_b).args(["--resolve", &elsewhere]);
    let own = client.get(URL).unwrap();
    assert_eq!(envoy.stat(FROM_APPLICATION).unwrap(), 1, "{own:?}");
    assert_eq!(own.body, "serviceBv2", "{own:?}");
}

#[test]
fn an_envoy_that_starts_again_gets_what_comes_for_the_application_again() {
    let Some((scenario, mut envoy, _daemon)) = behind_envoy(Scenario::daemon_b, [0, 100]) else {
        return;
    };
    let remote = Curl::new(&scenario.service_a).at(Place::Outside).http2();
    let url = format!("http://{}/", scenario.service_b.v4());
    let answer = remote.get(&url).unwrap();
    assert_eq!(envoy.stat(TO_APPLICATION).unwrap(), 1, "{answer:?}");
    for _ in 0..2 {
        envoy.kill().unwrap();
        let answer = remote.get(&url).unwrap();
        assert_eq!(answer.exit, COULD_NOT_CONNECT, "{answer:?}");
        envoy.restart().unwrap();
        wait::until_true("an answer through Envoy", || {
            Ok(remote.get(&url)?.body == "serviceB" && envoy.stat(TO_APPLICATION)? > 0)
        })
        .unwrap();
    }
}

#[test]
fn with_bypass_and_no_envoy_the_application_is_reached_itself() {
    let Some((scenario, mut envoy, _daemon)) =
        behind_envoy(|scenario| scenario.daemon_b().bypass(), [0, 100])
    else {
        return;
    };
    let remote = Curl::new(&scenario.service_a).at(Place::Outside).http2();
    let url = format!("http://{}/", scenario.service_b.v4());
    let answer = remote.get(&url).unwrap();
    assert_eq!(envoy.stat(TO_APPLICATION).unwrap(), 1, "{answer:?}");
    envoy.kill().unwrap();
    let answer = remote.get(&url).unwrap();
    assert_eq!(answer.body, "serviceB", "{answer:?}");
    let requests = scenario.web_b.requests().unwrap();
    assert!(!requests.last().unwrap().peer.is_loopback(), "{requests:?}");
}
