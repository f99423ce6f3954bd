use ferromesh_proto::control::{Configuration, EndpointZone, UnfitEndpoint};

use super::*;

fn zone(endpoint: &str, zone: &str) -> EndpointZone {
    EndpointZone {
        endpoint: endpoint.to_owned(),
        zone: zone.to_owned(),
    }
}

fn cluster() -> Cluster {
    Cluster {
        name: "cds_b".to_owned(),
        endpoints: vec!["192.0.2.1:80".to_owned(), "192.0.2.2:80".to_owned()],
        answered_seconds: Some(3),
        zones: vec![zone("192.0.2.1:80", "eu-west-1a")],
        ..Cluster::default()
    }
}

fn live(configuration: Configuration, cluster: Cluster) -> String {
    Live(&Workload {
        name: "serviceA".to_owned(),
        resource: "mesh/apps/virtualNode/serviceA".to_owned(),
        state: "LIVE".to_owned(),
        configuration: Some(configuration),
        clusters: vec![cluster],
        ..Workload::default()
    })
    .to_string()
}

#[test]
fn each_endpoint_is_fit_or_says_why_not_and_since_when() {
    let unfit = UnfitEndpoint {
        endpoint: "192.0.2.2:80".to_owned(),
        reason: "ejected: 5 failures in a row".to_owned(),
        seconds: 7,
    };
    let text = live(
        Configuration {
            source: "/etc/mesh".to_owned(),
            generation: 4,
            in_force_seconds: 60,
            ..Configuration::default()
        },
        Cluster {
            unfit: vec![unfit],
            in_panic: true,
            ..cluster()
        },
    );
    for line in [
        "in force for serviceA (mesh/apps/virtualNode/serviceA), LIVE",
        "  documents  /etc/mesh: generation 4 in force for 60 s",
        "  cluster    cds_b: 1 of 2 endpoints fit",
        "    names    answered 3 s ago",
        "    fit      192.0.2.1:80 in eu-west-1a",
        "    UNFIT    192.0.2.2:80 ejected: 5 failures in a row (for 7 s)",
        "    PANIC    fewer than half are fit: all are used",
    ] {
        assert!(
            text.lines().any(|told| told == line),
            "no `{line}` in\n{text}"
        );
    }
    assert!(!text.contains("fit      192.0.2.2:80\n"), "{text}");
}

#[test]
fn an_old_answer_and_a_rollback_are_no_secret() {
    let text = live(
        Configuration {
            rolled_back_to: Some(2),
            problems: vec!["route.json: bad".to_owned()],
            ..Configuration::default()
        },
        Cluster {
            failure: "NXDOMAIN".to_owned(),
            ..cluster()
        },
    );
    assert!(text.contains("ROLLED BACK to generation 2"), "{text}");
    assert!(text.contains("REFUSED "), "{text}");
    assert!(
        text.contains("no new answer for 3 s, this one stays in use: NXDOMAIN"),
        "{text}"
    );
}
