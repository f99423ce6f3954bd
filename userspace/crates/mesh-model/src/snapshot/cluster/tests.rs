use super::*;

fn cluster(node: &str, hostname: &str, file: Option<&str>, respects_ttl: bool) -> Cluster {
    let discovery = Discovery::Dns {
        hostname: hostname.to_owned(),
        port: 80,
        response: DnsResponse::Endpoints,
        ip_preference: IpPreference::Unset,
        respects_ttl,
    };
    let instances = file.map(|path| InstanceFile {
        path: path.to_owned(),
        node: node.to_owned(),
        port: 80,
        ip_preference: IpPreference::Unset,
    });
    let name = format!("cds_egress_apps_{node}_http_80");
    Cluster {
        instances,
        ..Cluster::plain(name, Protocol::Http, discovery)
    }
}

#[test]
fn a_cluster_goes_on_with_what_the_same_question_had_for_an_answer() {
    let before = cluster("b", "b.local", None, false);
    let file = Some("/etc/instances.yaml");
    for (is_found, other) in [
        (true, cluster("b", "b.local", None, true)),
        (true, cluster("b", "b.local", file, false)),
        (true, cluster("v2", "b.local", None, false)),
        (false, cluster("v2", "b.local", file, false)),
        (false, cluster("b", "v2.local", None, false)),
    ] {
        assert_eq!(before.is_found_as(&other), is_found, "{other:?}");
        assert_eq!(other.is_found_as(&before), is_found, "{other:?}");
    }
}
