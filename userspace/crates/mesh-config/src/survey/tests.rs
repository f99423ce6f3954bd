use serde_json::json;

use super::*;
use crate::fixture::Files;

#[test]
fn a_set_of_documents_is_told_as_a_whole() {
    let retries = json!({
        "maxRetries": 1,
        "perRetryTimeout": { "unit": "s", "value": 1 },
        "httpRetryEvents": ["server-error"],
    });
    let strict = json!({
        "mode": "STRICT",
        "certificate": { "sds": { "secretName": "s" } },
    });
    let gateway = json!({
        "meshName": "apps",
        "virtualGatewayName": "edge",
        "spec": { "listeners": [{ "portMapping": { "port": 443, "protocol": "http2" } }] },
    });
    let files = Files::getting_started()
        .set("create-route.json", "/spec/http2Route/retryPolicy", retries)
        .set(
            "create-virtual-node-servicebv2.json",
            "/spec/listeners/0/tls",
            strict,
        )
        .with("gateway.json", gateway);
    let survey = survey(&files.parse(), &Environment::new());
    let runs: Vec<&str> = survey
        .runs
        .iter()
        .map(|running| running.resource.as_str())
        .collect();
    assert_eq!(runs, ["mesh/apps/virtualNode/serviceB"]);
    let refused: Vec<&str> = survey
        .refused
        .iter()
        .map(|refused| refused.resource.as_str())
        .collect();
    assert_eq!(
        refused,
        [
            "mesh/apps/virtualNode/serviceA",
            "mesh/apps/virtualNode/serviceBv2",
            "mesh/apps/virtualGateway/edge",
        ]
    );
    assert_eq!(survey.warnings.len(), 1);
    let text = survey.to_string();
    assert!(
        text.contains(
            "works:\n  - mesh/apps/virtualNode/serviceB: answers on 80, calls on no port"
        ),
        "{text}"
    );
    assert!(text.contains("does not run yet:\n"), "{text}");
}

#[test]
fn what_runs_in_another_way_is_told() {
    let other_port = [("APPMESH_APP_PORTS".to_owned(), "9000".to_owned())].into();
    let survey = survey(&Files::getting_started().parse(), &other_port);
    let text = survey.to_string();
    assert!(text.contains("differs, or may surprise:\n"), "{text}");
}

#[test]
fn faults_come_before_all_else() {
    let at = "/spec/http2Route/action/weightedTargets/0/weight";
    let files = Files::getting_started().set("create-route.json", at, json!(1000));
    let survey = survey(&files.parse(), &Environment::new());
    assert_eq!(survey.problems.len(), 1);
    let text = survey.to_string();
    assert!(
        text.contains("faults to mend before anything runs:\n  - create-route.json:10:"),
        "{text}"
    );
    assert!(text.contains("would work, once mended:"), "{text}");
}
