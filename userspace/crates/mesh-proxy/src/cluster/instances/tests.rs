use std::fs;

use mesh_model::snapshot::{DnsResponse, IpPreference};
use tempfile::TempDir;

use super::*;
use crate::cluster::tests::log;

fn file(node: &str) -> InstanceFile {
    InstanceFile {
        path: "/i.yaml".to_owned(),
        node: node.to_owned(),
        port: 80,
        ip_preference: IpPreference::Unset,
    }
}

fn dns() -> Discovery {
    Discovery::Dns {
        hostname: "b.local".to_owned(),
        port: 80,
        response: DnsResponse::Endpoints,
        ip_preference: IpPreference::Unset,
        respects_ttl: false,
    }
}

fn cloud_map(attributes: &[(&str, &str)]) -> Discovery {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    Discovery::CloudMap {
        namespace: "apps.local".to_owned(),
        service: "b".to_owned(),
        attributes: attributes.iter().map(owned).collect(),
        port: 80,
        ip_preference: IpPreference::Unset,
    }
}

fn found(text: &str, node: &str, discovery: &Discovery) -> Option<Vec<String>> {
    let known = instances::parse("i.yaml", text).unwrap();
    let located = endpoints(&known, &file(node), discovery).unwrap()?;
    Some(located.endpoints.iter().map(ToString::to_string).collect())
}

const TEXT: &str = "
virtualNodes:
  - { name: b, instances: [{ ipv4: 192.0.2.1 }, { ipv4: 192.0.2.1 }, { ipv4: 192.0.2.1, port: 81 }] }
  - { name: gone, instances: [] }
services:
  - namespace: apps.local
    name: b
    instances:
      - { ipv4: 192.0.2.2, attributes: { stage: prod } }
      - { ipv4: 192.0.2.3, attributes: { stage: test } }
";

#[test]
fn a_node_is_where_the_file_says() {
    let named = Some(vec!["192.0.2.1:80".to_owned(), "192.0.2.1:81".to_owned()]);
    assert_eq!(found(TEXT, "b", &dns()), named);
    assert_eq!(
        found(TEXT, "b", &cloud_map(&[])),
        named,
        "before its service"
    );
    assert_eq!(found(TEXT, "gone", &dns()), Some(Vec::new()));
    assert_eq!(found(TEXT, "c", &dns()), None);
}

#[test]
fn an_instance_is_in_the_zone_that_the_file_says() {
    let text = "virtualNodes: [{ name: b, instances: [{ ipv4: 192.0.2.1, zone: a }, { ipv4: 192.0.2.2 }] }]";
    let known = instances::parse("i.yaml", text).unwrap();
    let located = endpoints(&known, &file("b"), &dns()).unwrap().unwrap();
    let zones: Vec<_> = located
        .endpoints
        .iter()
        .map(|endpoint| located.zones.of(*endpoint))
        .collect();
    assert_eq!(zones, [Some("a"), None]);
}

#[test]
fn a_service_of_cloud_map_has_the_instances_that_fit() {
    let both = Some(vec!["192.0.2.2:80".to_owned(), "192.0.2.3:80".to_owned()]);
    assert_eq!(found(TEXT, "c", &cloud_map(&[])), both);
    let one = Some(vec!["192.0.2.3:80".to_owned()]);
    assert_eq!(found(TEXT, "c", &cloud_map(&[("stage", "test")])), one);
}

#[test]
fn instances_of_which_none_fits_are_a_fault() {
    let known = instances::parse("i.yaml", TEXT).unwrap();
    let fault = |node: &str, preference, discovery: &Discovery| {
        let file = InstanceFile {
            ip_preference: preference,
            ..file(node)
        };
        endpoints(&known, &file, discovery).unwrap_err()
    };
    let staged = cloud_map(&[("stage", "prd")]);
    let mend = "mend the file or the documents, or write `instances: []` if there is to be none";
    assert_eq!(
        fault("c", IpPreference::Unset, &staged),
        format!(
            "/i.yaml: no instance of service b of apps.local has the attributes stage=prd; {mend}"
        )
    );
    assert_eq!(
        fault("b", IpPreference::V6Only, &dns()),
        format!(
            "/i.yaml: no instance of virtual node b has an IPv6 address, as `ipPreference: IPv6_ONLY` \
             asks for; {mend}"
        )
    );
}

#[test]
fn a_fault_leaves_the_last_good_content_and_is_told() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("i.yaml");
    let name = path.to_str().unwrap();
    let files = InstanceFiles::new(Files::default());
    let write = |text: &str| {
        // A new inode each time, whatever the clock of the file system can tell apart.
        let new = folder.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(&new, &path).unwrap();
    };
    let absent = files.current(name);
    assert!(absent.good.is_none());
    assert!(absent.fault.unwrap().contains("cannot be read"));

    write(TEXT);
    let good = files.current(name);
    assert_eq!((good.good.unwrap().nodes.len(), good.fault), (2, None));

    write("virtualNodes: [{ name: b, instances: [{ ipv4: nowhere }, { ipv4: 1 }] }]");
    let bad = files.current(name);
    assert_eq!(bad.good.unwrap().nodes.len(), 2);
    assert_eq!(
        bad.fault.unwrap(),
        format!(
            "{name}:1: virtualNodes[0].instances[0].ipv4: \"nowhere\" is not allowed: `ipv4` is an IPv4 \
             address; write it as 192.0.2.1 (faults in it: 2)"
        )
    );
    assert!(files.current(name).fault.is_some(), "it stays at fault");

    fs::remove_file(&path).unwrap();
    let gone = files.current(name);
    assert!(gone.good.is_some());
    assert!(gone.fault.unwrap().contains("cannot be read"));
    write("virtualNodes: []");
    let mended = files.current(name);
    assert_eq!((mended.good.unwrap().nodes.len(), mended.fault), (0, None));
}

#[test]
fn a_fault_is_said_once_while_it_is_the_same() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("i.yaml");
    let name = path.to_str().unwrap();
    let files = InstanceFiles::new(Files::default());
    log::begin();
    let said = || {
        for _ in 0..3 {
            assert!(files.current(name).fault.is_some());
        }
        log::take()
    };
    let absent = said();
    assert!(
        absent.len() == 1 && absent[0].contains("cannot be read"),
        "{absent:?}"
    );
    fs::write(&path, "virtualNodes: 3").unwrap();
    let wrong = said();
    assert!(
        wrong.len() == 1 && wrong[0].contains("virtualNodes"),
        "{wrong:?}"
    );
    fs::remove_file(&path).unwrap();
    assert_eq!(said(), absent, "it is another again");
}
