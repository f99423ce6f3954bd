//! Documents against each other.

use serde_json::json;

use super::*;

#[test]
fn an_unknown_virtual_node_is_refused_with_its_neighbours() {
    let target = format!("{TARGETS}/1/virtualNode");
    let problem = started().set(ROUTE, &target, json!("serviceC")).problem();
    assert_eq!(
        problem.to_string(),
        "create-route.json:13: route serviceB: \
         spec.http2Route.action.weightedTargets[1].virtualNode: \
         no virtual node `serviceC` in mesh `apps`; \
         write `serviceA`, `serviceB` or `serviceBv2`, or add a document for it"
    );
    assert_eq!(problem.rule, Rule::Reference);
}

#[test]
fn a_route_must_fit_its_router_and_its_targets() {
    let started = started();
    let protocol = "/spec/listeners/0/portMapping/protocol";
    let problems = |files: &Files| -> Vec<String> {
        files
            .parse()
            .problems
            .into_iter()
            .map(|problem| problem.to_string())
            .collect()
    };
    let router = problems(&started.clone().set(ROUTER, protocol, json!("http")));
    assert_eq!(
        router,
        ["create-route.json:5: route serviceB: spec.http2Route: \
          virtual router serviceB listens on port 80 with http: a `http2Route` does not fit it; \
          write `httpRoute`, or change the listener"]
    );
    let node = problems(&started.clone().set(NODE_B, protocol, json!("http")));
    assert_eq!(
        node,
        ["create-route.json:9: route serviceB: \
          spec.http2Route.action.weightedTargets[0].virtualNode: \
          virtual node serviceB listens on port 80 with http, not http2: \
          route and target must be of one protocol; change the one or the other"]
    );
    let listener = |port: u16| json!({ "portMapping": { "port": port, "protocol": "http2" } });
    let both = json!([listener(80), listener(81)]);
    let many = started.clone().set(NODE_B, "/spec/listeners", both.clone());
    assert!(
        problems(&many)[0]
            .contains("several listeners: `port` must say which; add `port`: 80 or 81")
    );
    let named = many.set(ROUTE, &format!("{TARGETS}/0/port"), json!(81));
    assert_eq!(problems(&named), Vec::<String>::new());
    let wrong = named.set(ROUTE, &format!("{TARGETS}/0/port"), json!(82));
    assert!(problems(&wrong)[0].contains("no listener on port 82; write a port that it has"));
    let routers = started.clone().set(ROUTER, "/spec/listeners", both);
    assert!(problems(&routers)[0].contains("`match.port` must say which"));
    let matched = routers.set(ROUTE, "/spec/http2Route/match/port", json!(80));
    assert_eq!(problems(&matched), Vec::<String>::new());
    let unheard = started.set(NODE_B, "/spec/listeners", json!([]));
    assert!(problems(&unheard)[0].contains("has no listener: nothing can be sent to it"));
}

#[test]
fn references_that_lead_nowhere_are_refused_or_warned_of() {
    let provider = "/spec/provider/virtualRouter/virtualRouterName";
    let problem = started()
        .set(SERVICE_B, provider, json!("serviceb"))
        .problem();
    assert!(
        problem
            .to_string()
            .contains("no virtual router `serviceb` in mesh `apps`; write `serviceB`")
    );
    let problem = started()
        .set(ROUTE, "/virtualRouterName", json!("other"))
        .problem();
    assert_eq!(problem.place.field.as_deref(), Some("virtualRouterName"));
    let backend = "/spec/backends/0/virtualService/virtualServiceName";
    let warnings = started()
        .set(NODE_A, backend, json!("servicec.apps.local"))
        .warnings();
    assert!(
        warnings[0].message.contains("this backend has no effect"),
        "{}",
        warnings[0]
    );
    let other_case = started()
        .set(NODE_A, backend, json!("ServiceB.Apps.Local"))
        .warnings();
    assert_eq!(other_case, []);
}
