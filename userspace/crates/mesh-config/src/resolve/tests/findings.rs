//! What a resource does not get, and what keeps it from being run.

use serde_json::{Value, json};

use super::*;
use crate::problem::Distance;

/// The only problem that keeps `serviceA` from being run, as people see it.
fn refusal(files: &Files) -> String {
    let refusals = files.resolve("serviceA").expect("it resolves").refusals;
    let [problem] = &refusals[..] else {
        panic!("one refusal was expected: {refusals:#?}")
    };
    assert_eq!(problem.rule, Rule::NotYet);
    problem.to_string()
}

/// The fields of which a running `serviceA` gets nothing yet.
fn not_yet(files: &Files) -> Vec<String> {
    let resolved = files.resolve("serviceA").expect("it resolves");
    assert_eq!(resolved.refusals, []);
    let not_yet = resolved
        .findings
        .into_iter()
        .filter(|finding| finding.distance == Distance::NotYet);
    not_yet.filter_map(|finding| finding.place.field).collect()
}

#[test]
fn what_would_weaken_security_is_refused() {
    let certificate = json!({ "file": { "certificateChain": "/c.pem", "privateKey": "/k.pem" } });
    let tls = |mode: &str| json!({ "mode": mode, "certificate": certificate });
    let at = format!("{LISTENER}/tls");
    let own = refusal(&started().set(NODE_A, &at, tls("STRICT")));
    assert!(
        own.contains("serviceA: spec.listeners[0].tls.mode: TLS is not terminated yet"),
        "{own}"
    );
    let backend = refusal(&started().set(NODE_B, &at, tls("STRICT")));
    assert!(
        backend.contains("serviceB: spec.listeners[0].tls.mode: this listener takes TLS only"),
        "{backend}"
    );
    let policy = |tls: Value| {
        let trust = json!({ "trust": { "file": { "certificateChain": "/ca.pem" } } });
        let mut tls = tls;
        tls["validation"] = trust;
        json!({ "clientPolicy": { "tls": tls } })
    };
    let enforced = started().set(NODE_A, "/spec/backendDefaults", policy(json!({})));
    let text = refusal(&enforced);
    assert!(
        text.contains(
            "spec.backendDefaults.clientPolicy.tls: TLS towards `serviceb.apps.local` is enforced"
        ),
        "{text}"
    );
    let other_port = policy(json!({ "ports": [8080] }));
    assert_eq!(
        not_yet(&started().set(NODE_A, "/spec/backendDefaults", other_port)),
        [""; 0]
    );
    let offered = policy(json!({ "enforce": false }));
    assert_eq!(
        not_yet(&started().set(NODE_A, "/spec/backendDefaults", offered.clone())),
        ["spec.backendDefaults.clientPolicy.tls"]
    );
    // A backend's own policy takes the place of the defaults.
    let own = enforced.set(
        NODE_A,
        "/spec/backends/0/virtualService/clientPolicy",
        offered["clientPolicy"].clone(),
    );
    assert_eq!(
        not_yet(&own),
        ["spec.backends[0].virtualService.clientPolicy.tls"]
    );
}

#[test]
fn a_node_in_cloud_map_is_run_whether_it_is_called_or_calls() {
    let discovery = json!({ "awsCloudMap": { "namespaceName": "n", "serviceName": "s" } });
    for node in [NODE_A, NODE_B] {
        let files = started().set(node, "/spec/serviceDiscovery", discovery.clone());
        assert_eq!(not_yet(&files), [""; 0]);
    }
}

#[test]
fn policies_that_are_lost_are_found_and_the_rest_runs() {
    let certificate = json!({ "file": { "certificateChain": "/c.pem", "privateKey": "/k.pem" } });
    let listener = json!([{
        "portMapping": { "port": 80, "protocol": "http2" },
        "tls": { "mode": "PERMISSIVE", "certificate": certificate },
        "healthCheck": {
            "healthyThreshold": 2, "intervalMillis": 5000, "protocol": "http2",
            "timeoutMillis": 2000, "unhealthyThreshold": 2,
        },
        "outlierDetection": {
            "baseEjectionDuration": { "unit": "s", "value": 10 },
            "interval": { "unit": "s", "value": 10 },
            "maxEjectionPercent": 50, "maxServerErrors": 5,
        },
        "connectionPool": { "http2": { "maxRequests": 10 } },
    }]);
    let of_backend = not_yet(&started().set(NODE_B, "/spec/listeners", listener.clone()));
    assert_eq!(of_backend, ["spec.listeners[0].tls.mode"]);
    let own = not_yet(&started().set(NODE_A, "/spec/listeners", listener));
    assert_eq!(own, ["spec.listeners[0].tls.mode"]);
    let log = |format: &str| {
        let file = json!({ "path": "/dev/stdout", "format": { "text": format } });
        not_yet(&started().set(
            NODE_A,
            "/spec/logging",
            json!({ "accessLog": { "file": file } }),
        ))
    };
    assert_eq!(log("%ROUTE_NAME%"), [""; 0]);
    assert_eq!(log("%HOSTNAME%"), ["spec.logging.accessLog.file.format"]);
}

#[test]
fn application_ports_that_no_listener_has_are_noted() {
    let (documents, _) = started().parse().into_result().expect("good documents");
    let environment = [("APPMESH_APP_PORTS".to_owned(), "9000".to_owned())].into();
    let resource = "mesh/apps/virtualNode/serviceA".parse().expect("a name");
    let findings = resolve(&documents, &resource, &environment)
        .expect("it runs")
        .findings;
    let notes: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.distance == Distance::Note)
        .map(|finding| finding.message.as_str())
        .collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(
        notes
            .iter()
            .any(|note| note.contains("port 9000, which no listener has")),
        "{notes:?}"
    );
    assert!(
        notes
            .iter()
            .any(|note| note.contains("leaves out the listener's port 80")),
        "{notes:?}"
    );
}

#[test]
fn nothing_is_found_where_all_of_it_is_run() {
    let retries = json!({
        "maxRetries": 1,
        "perRetryTimeout": { "unit": "s", "value": 1 },
        "httpRetryEvents": ["server-error"],
    });
    let asked = started().set(ROUTE, "/spec/http2Route/retryPolicy", retries);
    for files in [started(), asked] {
        let resolved = files.resolve("serviceA").expect("it resolves");
        assert_eq!((resolved.findings, resolved.refusals), (vec![], vec![]));
    }
}

/// `serviceA` calls a TCP service and another, which this node provides.
fn beside_tcp(node: &str) -> Files {
    let service = json!({
        "meshName": "apps",
        "virtualServiceName": "other.apps.local",
        "spec": { "provider": { "virtualNode": { "virtualNodeName": node } } },
    });
    let backend = |name: &str| json!({ "virtualService": { "virtualServiceName": name } });
    let backends = json!([backend("serviceb.apps.local"), backend("other.apps.local")]);
    tcp()
        .with("other.json", service)
        .set(NODE_A, "/spec/backends", backends)
}

#[test]
fn tcp_shares_its_port_with_no_other_protocol() {
    assert_eq!(
        refusal(&beside_tcp("serviceA")),
        "create-virtual-node-servicea.json:4: virtual node serviceA: spec.backends: \
         `other.apps.local` and `serviceb.apps.local` both answer on port 80, one of them TCP and \
         the other not: their connections cannot be told apart; give one of their routers another \
         port"
    );
}

#[test]
fn tcp_services_of_one_port_are_told_apart_by_address() {
    let names = |files: &Files| -> Vec<String> {
        let resolved = files.resolve("serviceA").expect("it resolves");
        assert_eq!(resolved.refusals, []);
        let said = resolved.findings.iter().any(|finding| {
            finding.distance == Distance::Note
                && finding
                    .message
                    .contains("several services answer TCP on port 80")
        });
        assert!(said, "{:#?}", resolved.findings);
        let Some(EgressPort::TcpByAddress(services)) = resolved.snapshot.egress.get(&80) else {
            panic!("{:?}", resolved.snapshot.egress)
        };
        services.iter().map(|route| route.name.clone()).collect()
    };
    let both = beside_tcp("serviceB");
    assert_eq!(names(&both), ["other.apps.local", "serviceb.apps.local"]);
    // What is dialled for a service without a route is for no other.
    assert_eq!(names(&both.without(ROUTE)), ["other.apps.local"]);
}

#[test]
fn what_is_not_there_is_named_with_its_neighbours() {
    let problem = |resource: &str| {
        let (documents, _) = started().parse().into_result().expect("good documents");
        let resource = resource.parse().expect("a name");
        let problems = resolve(&documents, &resource, &Environment::new()).expect_err("not there");
        problems[0].to_string()
    };
    assert_eq!(
        problem("mesh/apps/virtualNode/servicea"),
        "mesh/apps/virtualNode/servicea: no virtual node `servicea` in mesh `apps`; \
         name `serviceA`, `serviceB` or `serviceBv2`, or add its documents"
    );
    assert!(
        problem("mesh/app/virtualNode/serviceA")
            .contains("no mesh `app` in the documents; name `apps`")
    );
    assert!(
        problem("mesh/apps/virtualGateway/edge")
            .contains("no virtual gateway `edge` in mesh `apps`; add its documents")
    );
}
