//! Documents of options: strict, and held against what they are for.

use serde_json::{Value, json};

use super::*;

const OPTIONS: &str = "options.yaml";

fn document(spec: &Value) -> Value {
    json!({
        "apiVersion": "ferromesh.dev/v1",
        "kind": "MeshOptions",
        "metadata": { "name": "apps" },
        "spec": spec,
    })
}

fn with(spec: &Value) -> Files {
    started().with(OPTIONS, format!("{:#}", document(spec)))
}

fn seconds(value: u64) -> Value {
    json!({ "unit": "s", "value": value })
}

/// Options of the service that a node provides.
fn of_service(timeout: &Value) -> Files {
    with(&json!({
        "virtualServices": [{ "virtualServiceName": "servicea.apps.local", "timeout": timeout }],
    }))
}

#[test]
fn options_are_counted_and_read_in_yaml_and_json_and_in_lists() {
    let yaml = "\
apiVersion: ferromesh.dev/v1
kind: MeshOptions
metadata: { name: apps }
spec:
  meshName: apps
  virtualServices:
    - virtualServiceName: ServiceA.apps.local
      timeout: { perRequest: { unit: s, value: 5 } }
  virtualNodes:
    - { virtualNodeName: serviceB, connectTimeout: { unit: ms, value: 250 } }
";
    let as_list = |kind: &str| {
        let item = document(&json!({ "meshName": "apps" }));
        json!({ "apiVersion": "v1", "kind": kind, "items": [item] })
    };
    for text in [
        yaml.to_owned(),
        document(&json!({})).to_string(),
        json!([document(&json!({}))]).to_string(),
        as_list("List").to_string(),
        as_list("MeshOptionsList").to_string(),
    ] {
        let files = started().with(OPTIONS, &text);
        assert_eq!(found(&files), [""; 0], "{text}");
        assert_eq!(files.parse().documents.summary()["mesh options"], 1);
    }
}

#[test]
fn variables_are_filled_in() {
    let files = of_service(&json!({ "perRequest": { "unit": "s", "value": "$SECONDS" } }));
    let parsed = files.parse();
    assert_eq!(parsed.problems, []);
    assert_eq!(parsed.open[0].expression, "SECONDS");
}

#[test]
fn what_is_not_known_is_refused_with_what_was_likely_meant() {
    let problem = of_service(&json!({ "perRequst": seconds(5) })).problem();
    assert_eq!(problem.rule, Rule::UnknownField);
    assert_eq!(
        problem.to_string(),
        "options.yaml:12: mesh options apps: spec.virtualServices[0].timeout.perRequst: there is no \
         such field; did you mean `perRequest`?; remove it, or write it right"
    );
    let version = document(&json!({})).to_string().replace("/v1", "/v2");
    let problem = started().with(OPTIONS, version).problem();
    assert_eq!(
        problem.to_string(),
        "options.yaml:1: mesh options apps: apiVersion: \"ferromesh.dev/v2\" is not allowed: \
         `apiVersion` is one of ferromesh.dev/v1; write \"ferromesh.dev/v1\""
    );
    let kind = document(&json!({}))
        .to_string()
        .replace("MeshOptions", "Mesh");
    let problem = started().with(OPTIONS, kind).problem();
    assert!(
        problem.message.contains("`kind` is one of MeshOptions"),
        "{problem}"
    );
    let twice = "{\"apiVersion\": \"ferromesh.dev/v1\", \"kind\": \"MeshOptions\",
        \"metadata\": {\"name\": \"a\"}, \"spec\": {\"virtualNodes\": [], \"virtualNodes\": []}}";
    let problem = started().with(OPTIONS, twice).problem();
    assert_eq!(problem.rule, Rule::Duplicate);
}

#[test]
fn what_is_missing_or_out_of_bounds_is_refused() {
    let mut nameless = document(&json!({}));
    nameless["metadata"] = json!({});
    let problem = started().with(OPTIONS, nameless).problem();
    assert!(
        problem
            .to_string()
            .contains(": metadata: `name` is missing"),
        "{problem}"
    );
    let problem = with(&json!({ "virtualServices": [{}] })).problem();
    assert!(
        problem.message.contains("`virtualServiceName` is missing"),
        "{problem}"
    );
    let node = |timeout: Value| {
        with(&json!({
            "virtualNodes": [{ "virtualNodeName": "serviceB", "connectTimeout": timeout }],
        }))
    };
    assert_eq!(found(&node(seconds(1))), [""; 0]);
    let problem = node(seconds(0)).problem();
    assert!(problem.message.contains("0 is not allowed"), "{problem}");
    let problem = node(json!(5)).problem();
    assert!(
        problem.message.contains("`connectTimeout` is an object"),
        "{problem}"
    );
}

#[test]
fn names_that_no_document_has_are_refused_with_those_that_there_are() {
    let problem =
        with(&json!({ "virtualServices": [{ "virtualServiceName": "servicec" }] })).problem();
    assert_eq!(
        problem.to_string(),
        "options.yaml:10: mesh options apps: spec.virtualServices[0].virtualServiceName: no virtual \
         service `servicec` in mesh `apps`; write `servicea.apps.local` or `serviceb.apps.local`, or \
         add a document for it"
    );
    let problem = with(&json!({ "virtualNodes": [{ "virtualNodeName": "serviceC" }] })).problem();
    assert!(
        problem
            .message
            .contains("no virtual node `serviceC` in mesh `apps`"),
        "{problem}"
    );
    let problem = with(&json!({ "meshName": "ups" })).problem();
    assert_eq!(
        problem.to_string(),
        "options.yaml:8: mesh options apps: spec.meshName: no mesh `ups` in the documents; write \
         `apps`, or add its documents"
    );
    let alone = Files::default().with(OPTIONS, document(&json!({})));
    assert!(alone.problem().message.contains("no document of a mesh"));
}

#[test]
fn a_mesh_is_named_where_there_are_several() {
    let files = with(&json!({})).with("other.json", json!({ "meshName": "other", "spec": {} }));
    let problem = files.problem();
    assert!(
        problem
            .to_string()
            .contains("spec.meshName: `meshName` is missing, and there are several"),
        "{problem}"
    );
}

#[test]
fn a_resource_has_its_options_in_one_place() {
    let node = json!({ "virtualNodes": [{ "virtualNodeName": "serviceB" }] });
    let files = with(&node).with("options-2.yaml", format!("{:#}", document(&node)));
    let problem = files.problem();
    assert_eq!(problem.rule, Rule::Duplicate);
    assert_eq!(
        problem.to_string(),
        "options.yaml:10: mesh options apps: spec.virtualNodes[0].virtualNodeName: options-2.yaml:9: \
         mesh options apps: spec.virtualNodes[0] is of the same resource; say all of a resource in \
         one place"
    );
}

#[test]
fn times_are_refused_where_routes_carry_them_or_there_are_no_requests() {
    let problem = with(&json!({
        "virtualServices": [{
            "virtualServiceName": "serviceb.apps.local",
            "timeout": { "perRequest": seconds(5) },
        }],
    }))
    .problem();
    assert!(
        problem.to_string().contains(
            "spec.virtualServices[0].timeout: virtual router serviceB provides this service, and \
             the times of a request are those of its routes; set `timeout` of its routes"
        ),
        "{problem}"
    );
    let tcp = |timeout: &Value| {
        of_service(timeout).set(
            NODE_A,
            "/spec/listeners/0/portMapping/protocol",
            json!("tcp"),
        )
    };
    let problem = tcp(&json!({ "perTry": seconds(5) })).problem();
    assert!(
        problem.to_string().contains(
            "spec.virtualServices[0].timeout.perTry: virtual node serviceA listens for TCP alone"
        ),
        "{problem}"
    );
    assert_eq!(tcp(&json!({ "idle": seconds(5) })).parse().problems, []);
}

#[test]
fn a_raised_time_is_held_against_the_listeners_on_the_way() {
    let raised = of_service(&json!({ "perRequest": seconds(60) }));
    let warnings = found(&raised);
    let [warning] = &warnings[..] else {
        panic!("one warning was expected: {warnings:?}")
    };
    assert!(
        warning.contains(
            "spec.virtualServices[0].timeout.perRequest: a request has 60 s here and less at \
             listeners on its way: 15 s at virtual node serviceA ("
        ),
        "{warning}"
    );
    let times = json!({ "http2": { "perRequest": seconds(60) } });
    let both = raised.set(NODE_A, "/spec/listeners/0/timeout", times);
    assert_eq!(found(&both), [""; 0]);
}

#[test]
fn a_retry_budget_is_a_share_of_requests_and_nothing_of_tcp() {
    let budget = |given: &Value| {
        with(&json!({
            "virtualNodes": [{ "virtualNodeName": "serviceB", "retryBudget": given }],
        }))
    };
    let problem = budget(&json!({ "budgetPercent": 101 })).problem();
    assert!(
        problem
            .to_string()
            .contains("spec.virtualNodes[0].retryBudget.budgetPercent"),
        "{problem}"
    );
    let tcp = budget(&json!({})).set(
        NODE_B,
        "/spec/listeners/0/portMapping/protocol",
        json!("tcp"),
    );
    let problem = tcp.parse().problems;
    assert!(
        problem.iter().any(|problem| problem.to_string().contains(
            "spec.virtualNodes[0].retryBudget: virtual node serviceB listens for TCP alone, and \
             connections are not tried again; remove this"
        )),
        "{problem:?}"
    );
}

#[test]
fn endpoints_of_dns_have_no_zone_and_that_is_warned_of() {
    let zones = json!({ "virtualNodes": [{
        "virtualNodeName": "serviceB",
        "zoneAware": "EVEN_LOAD",
    }] });
    let texts: Vec<String> = with(&zones)
        .warnings()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(
        texts[0]
            .contains("spec.virtualNodes[0].zoneAware: clients find `serviceb.apps.local` by DNS"),
        "{texts:?}"
    );
    let cloud_map = json!({ "awsCloudMap": {
        "namespaceName": "apps.local",
        "serviceName": "b",
    } });
    let known = with(&zones).set(NODE_B, "/spec/serviceDiscovery", cloud_map);
    assert_eq!(known.warnings(), []);
}

#[test]
fn options_of_a_route_name_its_router_and_one_that_has_another_target() {
    let of = |router: &str, route: &str| {
        with(&json!({ "routes": [{
            "virtualRouterName": router,
            "routeName": route,
            "failover": "OTHER_TARGETS",
        }] }))
    };
    assert_eq!(of("serviceB", "serviceB").parse().problems, []);
    for (router, route, said) in [
        (
            "serviceC",
            "serviceB",
            "spec.routes[0].virtualRouterName: no virtual router `serviceC` in mesh `apps`; write \
             `serviceB`",
        ),
        (
            "serviceB",
            "servicB",
            "spec.routes[0].routeName: virtual router `serviceB` has no route `servicB`; write \
             `serviceB`, or add a document for it",
        ),
    ] {
        let problem = of(router, route).problem();
        assert!(problem.to_string().contains(said), "{problem}");
    }
    let said = "spec.routes[0].failover: route serviceB has no other target with a weight";
    let one = json!({ "virtualNode": "serviceB", "weight": 1 });
    let unused = json!({ "virtualNode": "serviceBv2", "weight": 0 });
    for targets in [json!([one]), json!([one, unused])] {
        let files = of("serviceB", "serviceB");
        let files = files.set(ROUTE, "/spec/http2Route/action/weightedTargets", targets);
        let warnings = found(&files);
        assert!(
            warnings.iter().any(|warning| warning.contains(said)),
            "{warnings:?}"
        );
    }
}
