//! TLS of listeners, and what clients ask of servers.

use mesh_model::snapshot::{Certificate, DownstreamTls, TlsMode, Trust, UpstreamTls, Validation};

use super::*;

fn upstream(files: &Files) -> Option<UpstreamTls> {
    cluster(&configured(files), BACKEND).tls.clone()
}

fn listener_tls(mode: &str, certificate: &Value) -> Value {
    json!({ "mode": mode, "certificate": certificate })
}

fn in_files() -> Value {
    json!({ "file": { "certificateChain": "/c.pem", "privateKey": "/k.pem" } })
}

fn policy(tls: Value) -> Value {
    let mut tls = tls;
    if tls.get("validation").is_none() {
        tls["validation"] = json!({ "trust": { "file": { "certificateChain": "/ca.pem" } } });
    }
    json!({ "clientPolicy": { "tls": tls } })
}

#[test]
fn a_listener_s_tls_arrives() {
    let mut tls = listener_tls("STRICT", &in_files());
    tls["validation"] = json!({
        "trust": { "sds": { "secretName": "ca" } },
        "subjectAlternativeNames": { "match": { "exact": ["client.apps.local"] } },
    });
    let at = format!("{LISTENER}/tls");
    let snapshot = configured(&started().set(NODE_A, &at, tls.clone()));
    let expected = DownstreamTls {
        mode: TlsMode::Strict,
        certificate: Certificate::File {
            chain: text("/c.pem"),
            private_key: text("/k.pem"),
        },
        validation: Some(Validation {
            trust: Trust::Sds { secret: text("ca") },
            subject_alternative_names: vec![text("client.apps.local")],
        }),
    };
    assert_eq!(snapshot.ingress[&80].tls, Some(expected));
    tls["mode"] = json!("DISABLED");
    let snapshot = configured(&started().set(NODE_A, &at, tls));
    assert_eq!(snapshot.ingress[&80].tls, None);
}

#[test]
fn a_client_policy_is_enforced_and_asks_for_the_node_s_name_by_default() {
    let files = started().set(NODE_A, "/spec/backendDefaults", policy(json!({})));
    let expected = UpstreamTls {
        enforce: true,
        certificate: None,
        validation: Some(Validation {
            trust: Trust::File {
                chain: text("/ca.pem"),
            },
            subject_alternative_names: vec![text("serviceb.apps.local")],
        }),
    };
    assert_eq!(upstream(&files), Some(expected.clone()));
    let by_name = json!({
        "certificate": { "sds": { "secretName": "own" } },
        "validation": {
            "trust": { "acm": { "certificateAuthorityArns": ["arn:ca"] } },
            "subjectAlternativeNames": { "match": { "exact": ["x.apps.local"] } },
        },
    });
    let own = "/spec/backends/0/virtualService/clientPolicy";
    let own = files.set(NODE_A, own, policy(by_name)["clientPolicy"].clone());
    let expected = UpstreamTls {
        enforce: true,
        certificate: Some(Certificate::Sds {
            secret: text("own"),
        }),
        validation: Some(Validation {
            trust: Trust::Acm {
                authorities: vec![text("arn:ca")],
            },
            subject_alternative_names: vec![text("x.apps.local")],
        }),
    };
    assert_eq!(upstream(&own), Some(expected), "it overrides the defaults");
}

#[test]
fn a_node_in_cloud_map_is_asked_for_the_name_that_it_has_there() {
    let discovery = json!({ "awsCloudMap": { "namespaceName": "n.local", "serviceName": "s" } });
    let files = started()
        .set(NODE_B, "/spec/serviceDiscovery", discovery)
        .set(NODE_A, "/spec/backendDefaults", policy(json!({})));
    let validation = upstream(&files).and_then(|tls| tls.validation);
    assert_eq!(
        validation.expect("names").subject_alternative_names,
        ["s.n.local"]
    );
}

#[test]
fn without_a_policy_tls_is_what_the_server_offers() {
    let at = format!("{LISTENER}/tls");
    let offered = |mode: &str, certificate: Value| {
        upstream(&started().set(NODE_B, &at, listener_tls(mode, &certificate)))
    };
    let unchecked = UpstreamTls {
        enforce: false,
        certificate: None,
        validation: None,
    };
    assert_eq!(offered("PERMISSIVE", in_files()), Some(unchecked.clone()));
    assert_eq!(offered("STRICT", in_files()), Some(unchecked.clone()));
    assert_eq!(offered("DISABLED", in_files()), None);
    let checked = offered("STRICT", json!({ "acm": { "certificateArn": "arn:cert" } }));
    let issuer = Trust::AcmIssuer {
        certificate: text("arn:cert"),
    };
    assert_eq!(
        checked.and_then(|tls| tls.validation).map(|it| it.trust),
        Some(issuer)
    );
}

#[test]
fn a_policy_speaks_of_its_ports_and_is_nothing_to_a_server_without_tls_unless_enforced() {
    let with = |tls: Value| started().set(NODE_A, "/spec/backendDefaults", policy(tls));
    assert_eq!(upstream(&with(json!({ "ports": [8080] }))), None);
    assert!(upstream(&with(json!({ "ports": [80] }))).is_some());
    assert!(upstream(&with(json!({ "ports": [] }))).is_some());
    assert_eq!(upstream(&with(json!({ "enforce": false }))), None);
    let at = format!("{LISTENER}/tls");
    let offering = with(json!({ "enforce": false }));
    let offering = offering.set(NODE_B, &at, listener_tls("PERMISSIVE", &in_files()));
    assert!(!upstream(&offering).expect("it is offered").enforce);
}

#[test]
fn one_listener_called_under_two_policies_is_refused() {
    let provider = json!({ "virtualNode": { "virtualNodeName": "serviceB" } });
    let service = json!({
        "meshName": "apps",
        "virtualServiceName": "direct.apps.local",
        "spec": { "provider": provider },
    });
    let plain = json!({ "virtualService": { "virtualServiceName": "direct.apps.local" } });
    let mut strict = json!({ "virtualService": { "virtualServiceName": "serviceb.apps.local" } });
    strict["virtualService"]["clientPolicy"] = policy(json!({}))["clientPolicy"].clone();
    let files = started().with("direct.json", service).set(
        NODE_A,
        "/spec/backends",
        json!([plain, strict]),
    );
    let refusals = files.resolve("serviceA").expect("it resolves").refusals;
    let text: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    assert!(
        text.iter()
            .any(|text| text.contains("which another backend calls under another client policy")),
        "{text:?}"
    );
}
