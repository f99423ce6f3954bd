use super::*;
use crate::{Registry, Shard};

fn registry() -> Registry {
    let registry = Registry::new("mesh/apps/virtualNode/serviceA", 2);
    let cluster = registry.cluster("cds_egress_apps_serviceB_http2_80", Shard::Worker(0));
    cluster.upstream_rq_total.add(3);
    cluster.statuses.count(200);
    cluster.statuses.count(200);
    cluster.statuses.count(503);
    let http = registry.http("egress", Shard::Worker(1));
    http.statuses.count(404);
    registry
        .listener("0.0.0.0_15001", Shard::Worker(0))
        .downstream_cx_total
        .increment();
    registry
        .virtual_host("serviceb.apps.local", Shard::Worker(0))
        .statuses
        .count(200);
    let kind = connection_kind("egress", "redirected", "matched");
    let connections = registry.connections(&kind, Shard::Control);
    connections.bytes_sent.add(1 << 33);
    let live = Sample {
        family: Family::Connection,
        scope: kind.into(),
        metric: Metric::Plain("live"),
        value: Reading::Gauge(7),
    };
    registry.add_source(move || vec![live.clone()]);
    registry
}

#[test]
fn text_is_sorted_and_under_envoys_names() {
    let text = text(&registry().samples(), Selection::default());
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.is_sorted(), "{text}");
    for line in [
        "cluster.cds_egress_apps_serviceB_http2_80.upstream_rq_total: 3",
        "cluster.cds_egress_apps_serviceB_http2_80.upstream_rq_200: 2",
        "cluster.cds_egress_apps_serviceB_http2_80.upstream_rq_2xx: 2",
        "cluster.cds_egress_apps_serviceB_http2_80.upstream_rq_5xx: 1",
        "http.egress.downstream_rq_2xx: 0",
        "http.egress.downstream_rq_4xx: 1",
        "listener.0.0.0.0_15001.downstream_cx_total: 1",
        "vhost.serviceb.apps.local.vcluster.other.upstream_rq_200: 1",
        "connection.egress.redirected.matched.bytes_sent: 8589934592",
        "connection.egress.redirected.matched.live: 7",
        "server.state: 3",
        "server.live: 0",
    ] {
        assert!(lines.contains(&line), "no `{line}` in\n{text}");
    }
    assert!(
        !text.contains("upstream_rq_3xx"),
        "a class that counted nothing"
    );
}

#[test]
fn filter_and_used_only_select() {
    let samples = registry().samples();
    let selection = Selection {
        filter: Some("http.egress.downstream_rq_"),
        used_only: true,
    };
    assert_eq!(
        text(&samples, selection),
        "http.egress.downstream_rq_4xx: 1\n"
    );
    assert_eq!(
        json(&samples, selection),
        r#"{"stats":[{"name":"http.egress.downstream_rq_4xx","value":1}]}"#
    );
}

#[test]
fn prometheus_has_envoys_labels_and_one_type_line_for_each_name() {
    let text = prometheus(&registry().samples(), Selection::default());
    for line in [
        "# TYPE envoy_cluster_upstream_rq_total counter",
        "envoy_cluster_upstream_rq_total{envoy_cluster_name=\"cds_egress_apps_serviceB_http2_80\"} 3",
        "envoy_cluster_upstream_rq{envoy_response_code=\"200\",envoy_cluster_name=\"cds_egress_apps_serviceB_http2_80\"} 2",
        "envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"5\",envoy_cluster_name=\"cds_egress_apps_serviceB_http2_80\"} 1",
        "envoy_http_downstream_rq_xx{envoy_response_code_class=\"4\",envoy_http_conn_manager_prefix=\"egress\"} 1",
        "envoy_listener_downstream_cx_total{envoy_listener_address=\"0.0.0.0_15001\"} 1",
        "envoy_vhost_vcluster_upstream_rq{envoy_response_code=\"200\",envoy_virtual_host=\"serviceb.apps.local\",envoy_virtual_cluster=\"other\"} 1",
        "# TYPE ferromesh_connection_bytes_sent counter",
        "ferromesh_connection_bytes_sent{direction=\"egress\",verdict=\"redirected\",reason=\"matched\"} 8589934592",
        "# TYPE ferromesh_connection_live gauge",
        "ferromesh_connection_live{direction=\"egress\",verdict=\"redirected\",reason=\"matched\"} 7",
        "# TYPE envoy_server_live gauge",
        "envoy_server_live{} 0",
    ] {
        assert!(text.lines().any(|l| l == line), "no `{line}` in\n{text}");
    }
    let mut types: Vec<&str> = text.lines().filter(|l| l.starts_with("# TYPE")).collect();
    let all = types.len();
    types.dedup();
    assert_eq!(types.len(), all);
}

#[test]
fn a_label_cannot_break_out_of_its_quotes() {
    let registry = Registry::new("w", 1);
    let _cells = registry.cluster("a\"b\\c\nd", Shard::Control);
    let text = prometheus(&registry.samples(), Selection::default());
    assert!(
        text.contains(r#"{envoy_cluster_name="a\"b\\c\nd"} 0"#),
        "{text}"
    );
}
