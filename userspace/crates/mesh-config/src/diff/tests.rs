use serde_json::json;

use super::*;
use crate::{Environment, fixture::Files, redirect::redirect_rules};

const ROUTE: &str = "create-route.json";
const NODE_A: &str = "create-virtual-node-servicea.json";

fn started() -> Files {
    Files::getting_started()
}

/// What `serviceA` runs.
fn state(files: &Files, environment: &Environment) -> (Snapshot, RedirectRules) {
    let resolved = files.resolve_in("mesh/apps/virtualNode/serviceA", environment);
    let snapshot = resolved.expect("it resolves").snapshot;
    let rules = redirect_rules(environment, &snapshot).expect("good variables");
    (snapshot, rules)
}

fn difference(old: &Files, new: &Files) -> Difference {
    let (old, new) = (
        state(old, &Environment::new()),
        state(new, &Environment::new()),
    );
    compare(&old, &new)
}

fn compare(old: &(Snapshot, RedirectRules), new: &(Snapshot, RedirectRules)) -> Difference {
    let state = |(snapshot, rules)| State { snapshot, rules };
    let (old, new) = ((&old.0, &old.1), (&new.0, &new.1));
    diff(state(old), state(new))
}

#[test]
fn a_state_does_not_differ_from_itself_in_another_generation() {
    let (mut snapshot, rules) = state(&started(), &Environment::new());
    snapshot.generation = 7;
    let old = state(&started(), &Environment::new());
    let difference = compare(&old, &(snapshot, rules));
    assert_eq!(difference.changes, []);
    assert_eq!(
        difference.to_string(),
        "mesh/apps/virtualNode/serviceA: no difference\n"
    );
}

#[test]
fn a_canary_is_told_by_the_shares_that_move() {
    let at = "/spec/http2Route/action/weightedTargets/0/weight";
    let new = started().set(ROUTE, at, json!(10)).set(
        ROUTE,
        "/spec/http2Route/timeout",
        json!({ "perRequest": { "unit": "ms", "value": 2500 } }),
    );
    let difference = difference(&started(), &new);
    assert_eq!(
        difference.to_string(),
        "mesh/apps/virtualNode/serviceA:
~ route egress 80 serviceb.apps.local serviceB
    clusters.cds_egress_apps_serviceB_http2_80: 75 -> 10
    requestTimeout: 15s -> 2500ms
"
    );
    let json = serde_json::to_value(&difference).expect("JSON");
    assert_eq!(
        json["changes"][0],
        json!({
            "part": "route",
            "name": "egress 80 serviceb.apps.local serviceB",
            "change": "changed",
            "fields": [
                { "field": "clusters.cds_egress_apps_serviceB_http2_80", "old": 75, "new": 10 },
                { "field": "requestTimeout", "old": "15s", "new": "2500ms" },
            ],
        })
    );
}

#[test]
fn a_backend_less_takes_its_host_routes_and_clusters_along() {
    let difference = difference(
        &started(),
        &started().set(NODE_A, "/spec/backends", json!([])),
    );
    assert_eq!(
        difference.to_string(),
        "mesh/apps/virtualNode/serviceA:
- listener egress 80
- virtual host egress 80 serviceb.apps.local
- route egress 80 serviceb.apps.local serviceB
- cluster cds_egress_apps_serviceB_http2_80
- cluster cds_egress_apps_serviceBv2_http2_80
"
    );
}

#[test]
fn what_comes_is_told_with_all_that_it_says() {
    let text = difference(
        &started().set(NODE_A, "/spec/backends", json!([])),
        &started(),
    );
    let text = text.to_string();
    for expected in [
        "+ listener egress 80\n    routeTable: rds_egress_http_80\n",
        "    domains: [\"serviceb.apps.local\",\"serviceb.apps.local:80\"]\n",
        "    clusters.cds_egress_apps_serviceBv2_http2_80: 25\n",
        "    match.path.prefix: /\n",
        "    discovery.dns.hostname: servicebv2.apps.local\n",
        "    discovery.dns.ipPreference: Unset\n",
        "    connectTimeout: 1s\n",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
}

#[test]
fn routes_that_change_places_change_their_host_and_not_each_other() {
    let route = |name: &str, priority: u16| {
        let mut route = started().json(ROUTE);
        route["routeName"] = json!(name);
        route["spec"]["priority"] = json!(priority);
        route
    };
    let with = |first: u16, second: u16, more: &[&str]| {
        let mut files = started().without(ROUTE);
        for (name, priority) in [("a", first), ("b", second), ("c", 50)] {
            files = files.with(&format!("{name}.json"), route(name, priority));
        }
        for name in more {
            files = files.with(&format!("{name}.json"), route(name, 0));
        }
        files
    };
    let added = difference(&with(1, 2, &[]), &with(1, 2, &["new"]));
    let parts: Vec<(Part, Sort)> = added
        .changes
        .iter()
        .map(|it| (it.part, it.change))
        .collect();
    assert_eq!(parts, [(Part::Route, Sort::Added)], "{added}");
    let moved = difference(&with(1, 2, &[]), &with(2, 1, &[]));
    assert_eq!(
        moved.to_string(),
        "mesh/apps/virtualNode/serviceA:
~ virtual host egress 80 serviceb.apps.local
    order: [\"a\",\"b\"] -> [\"b\",\"a\"]
"
    );
}

#[test]
fn redirection_rules_are_compared_too() {
    let variable = ("APPMESH_EGRESS_IGNORED_PORTS".to_owned(), "3306".to_owned());
    let old = state(&started(), &Environment::new());
    let new = state(&started(), &[variable].into());
    assert_eq!(
        compare(&old, &new).to_string(),
        "mesh/apps/virtualNode/serviceA:
~ redirection rules
    ignoredPorts: [22] -> [22,3306]
"
    );
    let listener = "/spec/listeners/0/portMapping/port";
    let text = difference(&started(), &started().set(NODE_A, listener, json!(90))).to_string();
    assert!(text.contains("    appPorts: [80] -> [90]\n"), "{text}");
    assert!(text.contains("- listener ingress 80\n"), "{text}");
    assert!(text.contains("+ listener ingress 90\n"), "{text}");
}

#[test]
fn what_options_change_is_told_like_any_other_change() {
    let options = json!({
        "apiVersion": "ferromesh.dev/v1",
        "kind": "MeshOptions",
        "metadata": { "name": "apps" },
        "spec": { "virtualNodes": [{
            "virtualNodeName": "serviceB",
            "connectTimeout": { "unit": "ms", "value": 250 },
            "balancing": "LEAST_REQUEST",
            "retryBudget": {},
            "zoneAware": "EVEN_LOAD",
        }], "routes": [{
            "virtualRouterName": "serviceB",
            "routeName": "serviceB",
            "failover": "OTHER_TARGETS",
        }] },
    });
    let difference = difference(&started(), &started().with("options.json", options));
    assert_eq!(
        difference.to_string(),
        "mesh/apps/virtualNode/serviceA:
~ route egress 80 serviceb.apps.local serviceB
    failsOver: false -> true
~ cluster cds_egress_apps_serviceB_http2_80
    balancing: ROUND_ROBIN -> LEAST_REQUEST
    circuitBreakers.retryBudget.budgetPercent: (none) -> 20
    circuitBreakers.retryBudget.minRetryConcurrency: (none) -> 3
    connectTimeout: 1s -> 250ms
    zoneAware.policy: (none) -> EVEN_LOAD
"
    );
}
