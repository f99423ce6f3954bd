//! Clusters and listeners: limits, probes and discovery, and TLS.

mod tls;

use mesh_model::snapshot::{
    AccessLog, AccessLogFormat, CircuitBreakers, HealthCheck, InstanceFile, OutlierDetection,
};
use serde_json::{Value, json};

use super::*;

const BACKEND: &str = "cds_egress_apps_serviceB_http2_80";

/// What App Mesh configured, whether or not this proxy does it.
fn configured(files: &Files) -> Snapshot {
    files.resolve("serviceA").expect("it resolves").snapshot
}

fn text(given: &str) -> String {
    given.to_owned()
}

#[test]
fn a_connection_pool_limits_the_way_to_the_application() {
    let limits = |protocol: &str, pool: Value| {
        let listener = json!([{
            "portMapping": { "port": 80, "protocol": protocol },
            "connectionPool": { protocol: pool },
        }]);
        let snapshot = configured(&started().set(NODE_A, "/spec/listeners", listener));
        let limits = snapshot
            .cluster(snapshot.ingress[&80].cluster)
            .circuit_breakers;
        (
            limits.max_connections,
            limits.max_pending_requests,
            limits.max_requests,
            limits.max_retries,
        )
    };
    let off = CircuitBreakers::OFF;
    assert_eq!(
        limits("http", json!({ "maxConnections": 7 })),
        (7, off, off, off)
    );
    let pending = json!({ "maxConnections": 7, "maxPendingRequests": 3 });
    assert_eq!(limits("http", pending), (7, 3, off, off));
    assert_eq!(
        limits("http2", json!({ "maxRequests": 9 })),
        (off, off, 9, off)
    );
    assert_eq!(
        limits("tcp", json!({ "maxConnections": 5 })),
        (5, off, off, off)
    );
}

#[test]
fn limits_are_off_unless_the_account_is_older() {
    let files = started();
    let limits = |environment: &Environment| {
        let resolved = files
            .resolve_in("mesh/apps/virtualNode/serviceA", environment)
            .expect("it resolves");
        cluster(&resolved.snapshot, BACKEND).circuit_breakers
    };
    assert_eq!(limits(&Environment::new()), CircuitBreakers::default());
    let older = limits(&variable(CIRCUIT_BREAKER, "envoy"));
    assert_eq!((older.max_connections, older.max_retries), (1024, 3));
}

#[test]
fn probes_and_ejection_are_the_servers_and_made_by_its_clients() {
    let listener = json!([{
        "portMapping": { "port": 80, "protocol": "http2" },
        "healthCheck": {
            "healthyThreshold": 2, "intervalMillis": 5000, "protocol": "http", "port": 80,
            "timeoutMillis": 2000, "unhealthyThreshold": 3,
        },
        "outlierDetection": {
            "baseEjectionDuration": { "unit": "s", "value": 10 },
            "interval": { "unit": "ms", "value": 500 },
            "maxEjectionPercent": 50, "maxServerErrors": 5,
        },
    }]);
    let snapshot = configured(&started().set(NODE_B, "/spec/listeners", listener));
    let backend = cluster(&snapshot, BACKEND);
    let check = HealthCheck {
        protocol: Protocol::Http,
        path: Some(text("/")),
        port: 80,
        interval: Duration::from_secs(5),
        timeout: Duration::from_secs(2),
        healthy_threshold: 2,
        unhealthy_threshold: 3,
    };
    assert_eq!(backend.health_check, Some(check));
    let outliers = OutlierDetection {
        consecutive_5xx: 5,
        interval: Duration::from_millis(500),
        base_ejection_time: Duration::from_secs(10),
        max_ejection_percent: 50,
    };
    assert_eq!(backend.outlier_detection, Some(outliers));
    let other = cluster(&snapshot, "cds_egress_apps_serviceBv2_http2_80");
    assert_eq!(
        (&other.health_check, &other.outlier_detection),
        (&None, &None)
    );
}

#[test]
fn an_empty_path_of_a_probe_is_as_none() {
    let listener = json!([{
        "portMapping": { "port": 80, "protocol": "http2" },
        "healthCheck": {
            "healthyThreshold": 2, "intervalMillis": 5000, "path": "", "protocol": "http2",
            "timeoutMillis": 2000, "unhealthyThreshold": 3,
        },
    }]);
    let snapshot = configured(&started().set(NODE_B, "/spec/listeners", listener));
    let check = cluster(&snapshot, BACKEND).health_check.as_ref();
    assert_eq!(check.unwrap().path.as_deref(), Some("/"));
}

#[test]
fn no_time_of_an_ejection_is_zero() {
    let none = json!({ "unit": "s", "value": 0 });
    let listener = json!([{
        "portMapping": { "port": 80, "protocol": "http2" },
        "outlierDetection": {
            "baseEjectionDuration": none, "interval": none,
            "maxEjectionPercent": 50, "maxServerErrors": 5,
        },
    }]);
    let snapshot = configured(&started().set(NODE_B, "/spec/listeners", listener));
    let outliers = cluster(&snapshot, BACKEND).outlier_detection.unwrap();
    assert_eq!(
        [outliers.interval, outliers.base_ejection_time],
        [10, 30].map(Duration::from_secs)
    );
}

#[test]
fn a_node_in_cloud_map_is_looked_for_there_by_its_attributes() {
    let discovery = json!({ "awsCloudMap": {
        "namespaceName": "apps.local",
        "serviceName": "b",
        "attributes": [{ "key": "stage", "value": "prod" }],
    } });
    let snapshot = configured(&started().set(NODE_B, "/spec/serviceDiscovery", discovery));
    let expected = Discovery::CloudMap {
        namespace: text("apps.local"),
        service: text("b"),
        attributes: vec![(text("stage"), text("prod"))],
        port: 80,
        ip_preference: IpPreference::Unset,
    };
    assert_eq!(cluster(&snapshot, BACKEND).discovery, expected);
}

#[test]
fn a_file_of_instances_comes_before_every_backend_s_own_discovery() {
    let files = started();
    let resolved = |path: &str| {
        let environment = variable("FERROMESH_INSTANCES", path);
        files.resolve_in("mesh/apps/virtualNode/serviceA", &environment)
    };
    let snapshot = resolved("/etc/instances.yaml")
        .expect("it resolves")
        .snapshot;
    let expected = InstanceFile {
        path: text("/etc/instances.yaml"),
        node: text("serviceB"),
        port: 80,
        ip_preference: IpPreference::Unset,
    };
    assert_eq!(cluster(&snapshot, BACKEND).instances, Some(expected));
    let local = "cds_ingress_apps_serviceA_http2_80";
    assert_eq!(cluster(&snapshot, local).instances, None);
    let none = resolved("").expect("it resolves").snapshot;
    assert_eq!(cluster(&none, BACKEND).instances, None);
    assert_eq!(
        resolved("instances.yaml").expect_err("relative")[0].to_string(),
        "FERROMESH_INSTANCES: `instances.yaml` is not allowed: it is an absolute path; write it from \
         the root: /…"
    );
}

#[test]
fn every_address_of_a_name_is_an_endpoint_where_the_document_says_so() {
    let at = "/spec/serviceDiscovery/dns/responseType";
    let snapshot = configured(&started().set(NODE_B, at, json!("ENDPOINTS")));
    let Discovery::Dns { response, .. } = &cluster(&snapshot, BACKEND).discovery else {
        panic!("{snapshot:?}")
    };
    assert_eq!(*response, DnsResponse::Endpoints);
}

#[test]
fn dns_is_asked_again_by_the_time_to_live_where_the_environment_says_so() {
    let respected = |word: &str| {
        let environment = variable("FERROMESH_RESPECT_DNS_TTL", word);
        let resolved = started().resolve_in("mesh/apps/virtualNode/serviceA", &environment);
        resolved.map(|resolved| {
            let backend = &cluster(&resolved.snapshot, BACKEND).discovery;
            matches!(
                backend,
                Discovery::Dns {
                    respects_ttl: true,
                    ..
                }
            )
        })
    };
    assert_eq!(respected("on"), Ok(true));
    assert_eq!(respected("off"), Ok(false));
    assert_eq!(respected(""), Ok(false));
    let said = respected("yes").expect_err("it is no word of it")[0].to_string();
    assert_eq!(
        said,
        "FERROMESH_RESPECT_DNS_TTL: `yes` is not allowed: it is `off` or `on`; write `off` or `on`"
    );
}

#[test]
fn the_access_log_arrives() {
    let log = |file: Value| {
        let logging = json!({ "accessLog": { "file": file } });
        configured(&started().set(NODE_A, "/spec/logging", logging)).access_log
    };
    let expected = |format: AccessLogFormat| {
        Some(AccessLog {
            path: text("/dev/stdout"),
            format,
        })
    };
    assert_eq!(
        log(json!({ "path": "/dev/stdout" })),
        expected(AccessLogFormat::Default)
    );
    assert_eq!(
        log(json!({ "path": "/dev/stdout", "format": { "text": "%PROTOCOL%" } })),
        expected(AccessLogFormat::Text(text("%PROTOCOL%")))
    );
    let members = json!([{ "key": "b", "value": "2" }, { "key": "a", "value": "1" }]);
    let in_order = vec![(text("b"), text("2")), (text("a"), text("1"))];
    assert_eq!(
        log(json!({ "path": "/dev/stdout", "format": { "json": members } })),
        expected(AccessLogFormat::Json(in_order))
    );
}

#[test]
fn the_default_line_ends_with_the_reason_where_the_environment_says_so() {
    let format = |word: &str, file: Value| {
        let logging = json!({ "accessLog": { "file": file } });
        let documents = started().set(NODE_A, "/spec/logging", logging);
        let environment = variable("FERROMESH_ACCESS_LOG_REASON", word);
        let resolved = documents.resolve_in("mesh/apps/virtualNode/serviceA", &environment);
        resolved
            .expect("good documents")
            .snapshot
            .access_log
            .expect("a log")
            .format
    };
    let plain = json!({ "path": "/dev/stdout" });
    let own = json!({ "path": "/dev/stdout", "format": { "text": "%PROTOCOL%" } });
    assert_eq!(format("off", plain.clone()), AccessLogFormat::Default);
    assert_eq!(format("on", own), AccessLogFormat::Text(text("%PROTOCOL%")));
    let AccessLogFormat::Text(line) = format("on", plain) else {
        panic!("it is Envoy's default and more")
    };
    assert!(
        line.ends_with("\"%UPSTREAM_HOST%\" %FERROMESH_REASON%\n"),
        "{line}"
    );
}

#[test]
fn listeners_bear_the_ports_of_the_environment() {
    let environment: Environment = [
        (text("APPMESH_ENVOY_INGRESS_PORT"), text("16000")),
        (text("APPMESH_ENVOY_EGRESS_PORT"), text("16001")),
    ]
    .into();
    let resolved = started()
        .resolve_in("mesh/apps/virtualNode/serviceA", &environment)
        .expect("it resolves");
    let snapshot = resolved.snapshot;
    assert_eq!(snapshot.egress_listener, "lds_egress_0.0.0.0_16001");
    assert_eq!(snapshot.ingress[&80].listener, "lds_ingress_0.0.0.0_16000");
    assert_eq!(snapshot.ingress[&80].stat_prefix, "ingress");
}

#[test]
fn several_listeners_are_told_apart_in_statistics_and_none_is_no_ingress() {
    let listener = |port: u16, protocol: &str| json!({ "portMapping": { "port": port, "protocol": protocol } });
    let several = json!([listener(80, "http"), listener(90, "grpc")]);
    let snapshot = configured(&started().set(NODE_A, "/spec/listeners", several));
    let prefixes: Vec<&str> = snapshot
        .ingress
        .values()
        .map(|port| port.stat_prefix.as_str())
        .collect();
    assert_eq!(prefixes, ["ingress.http.80", "ingress.grpc.90"]);
    let none = configured(&started().set(NODE_A, "/spec/listeners", json!([])));
    assert!(none.ingress.is_empty());
}
