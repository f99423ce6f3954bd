use ferromesh_proto::control::EnrolledWorkload;

use super::*;

fn page(daemon: Option<&StatusResponse>) -> String {
    Page {
        instance: "a",
        daemon,
        silence: None,
        kernel: None,
    }
    .to_string()
}

#[test]
fn a_dead_instance_says_so() {
    let page = page(None);
    assert!(page.contains("daemon       not running"), "{page}");
    assert!(page.contains("nothing pinned"), "{page}");
}

#[test]
fn a_daemon_that_starts_names_what_it_starts() {
    let mut daemon = StatusResponse {
        starting: true,
        absent: vec![EnrolledWorkload {
            name: "a".to_owned(),
            state: "STARTING".to_owned(),
            ..EnrolledWorkload::default()
        }],
        ..StatusResponse::default()
    };
    let starting = page(Some(&daemon));
    assert!(starting.contains("up 0 s, starting\n"), "{starting}");
    assert!(
        starting.contains("workload     a (), STARTING\n"),
        "{starting}"
    );
    daemon.starting = false;
    assert!(!page(Some(&daemon)).contains(", starting"));
}

#[test]
fn a_refused_source_shows_its_problems_and_what_holds() {
    let page = page(Some(&StatusResponse {
        workloads: vec![Workload {
            configuration: Some(Configuration {
                source: "/etc/mesh".to_owned(),
                generation: 3,
                problems: vec!["create-route.json: route r: bad".to_owned()],
                refused_seconds: 7200,
                ..Configuration::default()
            }),
            ..Workload::default()
        }],
        ..StatusResponse::default()
    }));
    assert!(page.contains("generation 3 in force"), "{page}");
    assert!(
        page.contains("REFUSED    what the source holds, for 2 h"),
        "{page}"
    );
    assert!(
        page.contains("    create-route.json: route r: bad"),
        "{page}"
    );
}

#[test]
fn a_cluster_says_how_old_its_endpoints_are_and_why_there_are_no_newer_ones() {
    let mut cluster = Cluster {
        name: "cds_egress_apps_b_http2_80".to_owned(),
        failure: "no such name".to_owned(),
        ..Cluster::default()
    };
    let said = |cluster: &Cluster| Endpoints(cluster).to_string();
    assert_eq!(
        said(&cluster),
        "cds_egress_apps_b_http2_80: no endpoint: NO ANSWER YET: no such name"
    );
    cluster.endpoints = vec!["192.0.2.1:80".to_owned()];
    cluster.zones = vec![EndpointZone {
        endpoint: "192.0.2.1:80".to_owned(),
        zone: "eu-west-1a".to_owned(),
    }];
    cluster.answered_seconds = Some(130);
    assert_eq!(
        said(&cluster),
        "cds_egress_apps_b_http2_80: 192.0.2.1:80 in eu-west-1a: NO NEW ANSWER for 2 min, this one stays in use: \
         no such name"
    );
    cluster.failure.clear();
    assert_eq!(
        said(&cluster),
        "cds_egress_apps_b_http2_80: 192.0.2.1:80 in eu-west-1a (answered 2 min ago)"
    );
}

#[test]
fn endpoints_that_are_left_out_are_shown_with_reason_and_time() {
    let cluster = Cluster {
        name: "cds_egress_apps_b_http_80".to_owned(),
        endpoints: vec!["192.0.2.7:80".to_owned(), "192.0.2.8:80".to_owned()],
        unfit: vec![UnfitEndpoint {
            endpoint: "192.0.2.7:80".to_owned(),
            reason: "fails its health checks: status 503".to_owned(),
            seconds: 12,
        }],
        in_panic: true,
        left: vec!["192.0.2.8:80".to_owned()],
        ..Cluster::default()
    };
    let page = page(Some(&StatusResponse {
        workloads: vec![Workload {
            clusters: vec![cluster],
            ..Workload::default()
        }],
        ..StatusResponse::default()
    }));
    for line in [
        "    UNFIT    192.0.2.7:80 fails its health checks: status 503 (for 12 s)\n",
        "    left     192.0.2.8:80: discovery does not name it any more; it stays while it passes its \
         health checks\n",
        "    PANIC    fewer than half are fit: all are used\n",
    ] {
        assert!(page.contains(line), "{page}");
    }
}

#[test]
fn a_rollback_is_shown_with_what_ends_it() {
    let page = page(Some(&StatusResponse {
        workloads: vec![Workload {
            configuration: Some(Configuration {
                generation: 6,
                rolled_back_to: Some(4),
                ..Configuration::default()
            }),
            ..Workload::default()
        }],
        ..StatusResponse::default()
    }));
    assert!(page.contains("ROLLED BACK to generation 4"), "{page}");
    assert!(page.contains("`ferromesh rollback --release`"), "{page}");
}
