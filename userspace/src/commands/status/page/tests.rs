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
fn a_cluster_without_endpoints_is_named() {
    let cluster = Cluster {
        name: "cds_egress_apps_b_http2_80".to_owned(),
        failure: "no such name".to_owned(),
        ..Cluster::default()
    };
    assert_eq!(
        Endpoints(&cluster).to_string(),
        "cds_egress_apps_b_http2_80: no endpoint: no such name"
    );
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
