//! What documents of options change in a snapshot.

use mesh_model::snapshot::{
    CircuitBreakers, RetryBudget, RetryPolicy, Route, ZoneAware, ZonePolicy,
};

use super::*;

/// A mesh in which a node provides what `serviceA` calls, with options.
fn provided(spec: &Value) -> Files {
    let provider = json!({ "virtualNode": { "virtualNodeName": "serviceB" } });
    started()
        .set(SERVICE_B, "/spec/provider", provider)
        .without(ROUTE)
        .without(ROUTER)
        .with("options.yaml", options(spec))
}

fn options(spec: &Value) -> Value {
    json!({
        "apiVersion": "ferromesh.dev/v1",
        "kind": "MeshOptions",
        "metadata": { "name": "apps" },
        "spec": spec,
    })
}

fn millis(value: u64) -> Value {
    json!({ "unit": "ms", "value": value })
}

fn with_timeout(timeout: &Value) -> Files {
    provided(&json!({
        "virtualServices": [{ "virtualServiceName": "serviceB.apps.local", "timeout": timeout }],
    }))
}

fn route(snapshot: &Snapshot) -> Route {
    table(snapshot, 80).virtual_hosts[0].routes[0].clone()
}

#[test]
fn a_service_of_a_node_has_the_times_that_options_give_it() {
    let before = route(&snapshot(&with_timeout(&json!({}))));
    assert_eq!(before.request_timeout, Some(Duration::from_secs(15)));
    assert_eq!(before.idle_timeout, Some(Duration::from_mins(5)));
    assert_eq!(
        before.retry.as_ref().expect("a policy").per_try_timeout,
        None
    );
    let timeout =
        json!({ "perRequest": millis(5000), "idle": millis(4000), "perTry": millis(700) });
    let after = route(&snapshot(&with_timeout(&timeout)));
    let retry = before.retry.clone().map(|retry| RetryPolicy {
        per_try_timeout: Some(Duration::from_millis(700)),
        ..retry
    });
    let expected = Route {
        request_timeout: Some(Duration::from_secs(5)),
        idle_timeout: Some(Duration::from_secs(4)),
        retry,
        ..before
    };
    assert_eq!(after, expected);
    let none = json!({ "perRequest": millis(0), "idle": millis(0), "perTry": millis(0) });
    let without = route(&snapshot(&with_timeout(&none)));
    assert_eq!(
        (without.request_timeout, without.idle_timeout),
        (None, None)
    );
    assert_eq!(
        without.retry,
        expected.retry.map(|retry| RetryPolicy {
            per_try_timeout: None,
            ..retry
        })
    );
}

#[test]
fn opaque_bytes_have_the_idle_time_alone() {
    let files = with_timeout(&json!({ "idle": millis(4000) }));
    let files = files.set(
        NODE_B,
        "/spec/listeners/0/portMapping/protocol",
        json!("tcp"),
    );
    let snapshot = snapshot(&files);
    let Some(EgressPort::Tcp(route)) = snapshot.egress.get(&80) else {
        panic!("port 80 is TCP: {:?}", snapshot.egress)
    };
    assert_eq!(route.idle_timeout, Some(Duration::from_secs(4)));
}

#[test]
fn a_time_of_one_attempt_without_retries_is_noted() {
    let files = with_timeout(&json!({ "perTry": millis(700) }));
    let environment = variable(RETRY_POLICY, "off");
    let resolved = files
        .resolve_in("mesh/apps/virtualNode/serviceA", &environment)
        .expect("it resolves");
    assert_eq!(route(&resolved.snapshot).retry, None);
    let [finding] = &resolved.findings[..] else {
        panic!("one finding was expected: {:#?}", resolved.findings)
    };
    assert!(
        finding
            .to_string()
            .contains("spec.virtualServices[0].timeout.perTry: it has no effect"),
        "{finding}"
    );
}

#[test]
fn a_node_is_connected_to_within_the_time_that_options_give_it() {
    let files = started().with(
        "options.yaml",
        options(&json!({
            "virtualNodes": [{ "virtualNodeName": "serviceB", "connectTimeout": millis(250) }],
        })),
    );
    let snapshot = snapshot(&files);
    let times = |name: &str| cluster(&snapshot, name).connect_timeout.as_millis();
    assert_eq!(times("cds_egress_apps_serviceB_http2_80"), 250);
    assert_eq!(times("cds_egress_apps_serviceBv2_http2_80"), 1000);
}

#[test]
fn retries_to_a_node_have_the_budget_that_options_give_it() {
    let budget = |given: &Value| {
        let files = started().with(
            "options.yaml",
            options(&json!({
                "virtualNodes": [{ "virtualNodeName": "serviceB", "retryBudget": given }],
            })),
        );
        let snapshot = snapshot(&files);
        let other = &cluster(&snapshot, "cds_egress_apps_serviceBv2_http2_80").circuit_breakers;
        assert_eq!(*other, CircuitBreakers::default());
        let own = cluster(&snapshot, "cds_egress_apps_serviceB_http2_80");
        assert_eq!(own.circuit_breakers.max_retries, CircuitBreakers::OFF);
        own.circuit_breakers.retry_budget
    };
    assert_eq!(budget(&json!({})), Some(RetryBudget::ENVOY));
    let given = json!({ "budgetPercent": 0, "minRetryConcurrency": 7 });
    let expected = RetryBudget {
        budget_percent: 0,
        min_retry_concurrency: 7,
    };
    assert_eq!(budget(&given), Some(expected));
}

#[test]
fn a_node_is_called_by_zone_where_options_and_the_environment_say_so() {
    const CALLED: &str = "cds_egress_apps_serviceB_http2_80";
    let files = started().with(
        "options.yaml",
        options(&json!({
            "virtualNodes": [{ "virtualNodeName": "serviceB", "zoneAware": "SAME_ZONE" }],
        })),
    );
    let resolved = |zone: &str| {
        let environment = variable("FERROMESH_ZONE", zone);
        let resolved = files.resolve_in("mesh/apps/virtualNode/serviceA", &environment);
        resolved.expect("it resolves")
    };
    let aware = |own_zone: Option<&str>| ZoneAware {
        policy: ZonePolicy::SameZone,
        own_zone: own_zone.map(str::to_owned),
    };
    let known = resolved(" eu-west-1a ");
    let of_node = &cluster(&known.snapshot, CALLED).zone_aware;
    assert_eq!(*of_node, Some(aware(Some("eu-west-1a"))));
    let other = cluster(&known.snapshot, "cds_egress_apps_serviceBv2_http2_80");
    assert_eq!(other.zone_aware, None);
    assert_eq!(known.findings, []);
    let unknown = resolved("");
    let of_node = &cluster(&unknown.snapshot, CALLED).zone_aware;
    assert_eq!(*of_node, Some(aware(None)));
    let findings: Vec<String> = unknown.findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        findings,
        [
            "options.yaml:1: mesh options apps: spec.virtualNodes[0].zoneAware: all endpoints are alike \
             to this workload, for nobody says which zone it is in; set FERROMESH_ZONE among its \
             variables to a zone of the endpoints"
        ]
    );
}

#[test]
fn a_route_fails_over_where_options_say_so() {
    let fails_over = |spec: &Value| {
        let files = started().with("options.yaml", options(spec));
        route(&snapshot(&files)).fails_over
    };
    let of = |route: Value| json!({ "routes": [route] });
    let named = json!({ "virtualRouterName": "serviceB", "routeName": "serviceB" });
    assert!(!fails_over(&of(named.clone())));
    let mut given = named;
    given["failover"] = json!("OTHER_TARGETS");
    assert!(fails_over(&of(given.clone())));
    let tcp = [ROUTER, NODE_B, NODE_BV2].into_iter();
    let files = tcp.fold(started(), |files, file| {
        let listener = "/spec/listeners/0/portMapping/protocol";
        files.set(file, listener, json!("tcp"))
    });
    let targets = json!([
        { "virtualNode": "serviceB", "weight": 1 },
        { "virtualNode": "serviceBv2", "weight": 1 },
    ]);
    let tcp_route = json!({ "tcpRoute": { "action": { "weightedTargets": targets } } });
    let files = files
        .set(ROUTE, "/spec", tcp_route)
        .with("options.yaml", options(&of(given)));
    let snapshot = snapshot(&files);
    let Some(EgressPort::Tcp(route)) = snapshot.egress.get(&80) else {
        panic!("port 80 is TCP: {:?}", snapshot.egress)
    };
    assert!(route.fails_over);
}
