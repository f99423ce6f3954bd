use std::{fmt::Write as _, fs, path::Path};

use mesh_model::snapshot::{
    DnsResponse, InstanceFile, IpPreference, Protocol, ZoneAware, ZonePolicy,
};
use mesh_telemetry::Shard;
use tempfile::TempDir;

use super::*;
use crate::{
    cluster::{judges::Judges, tests::log},
    files::Files,
};

/// A discoverer that reads files and has nobody to ask.
fn discoverer() -> Discoverer {
    let nowhere = Path::new("/nonexistent");
    Discoverer {
        dns: Arc::new(Dns::new(Files::default(), nowhere, nowhere)),
        instances: Arc::new(InstanceFiles::new(Files::default())),
        cloud_map: None,
        refresh: Duration::from_secs(5),
        changed: Arc::new(|| {}),
    }
}

/// A cluster for which a file is asked first.
fn cluster(path: &str, node: &str) -> SharedCluster {
    let discovery = Discovery::CloudMap {
        namespace: "apps.local".to_owned(),
        service: "b".to_owned(),
        attributes: Vec::new(),
        port: 80,
        ip_preference: IpPreference::Unset,
    };
    let mut config = Cluster::plain(node.to_owned(), Protocol::Http, discovery);
    config.instances = Some(InstanceFile {
        path: path.to_owned(),
        node: node.to_owned(),
        port: 80,
        ip_preference: IpPreference::V4Only,
    });
    let stats = mesh_telemetry::Registry::new("test", 1).cluster(node, Shard::Control);
    SharedCluster::new(Arc::new(config), stats, Judges::default())
}

/// A file in which each of these nodes has so many instances; it takes the place of another.
fn write(folder: &TempDir, nodes: &[&str], count: u32) -> String {
    let mut text = "virtualNodes:\n".to_owned();
    for node in nodes {
        writeln!(text, "  - name: {node}\n    instances:").unwrap();
        for number in 0..count {
            let ip = std::net::Ipv4Addr::from(0x0a00_0000 + number);
            writeln!(text, "      - {{ ipv4: {ip} }}").unwrap();
        }
    }
    write_text(folder, &text)
}

/// The same with this content.
fn write_text(folder: &TempDir, text: &str) -> String {
    let (new, path) = (folder.path().join("new"), folder.path().join("i.yaml"));
    fs::write(&new, text).unwrap();
    fs::rename(&new, &path).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Asks once; whether that was news.
async fn ask(discoverer: &Discoverer, cluster: &SharedCluster, memory: &mut Memory) -> bool {
    let known = discoverer.find(cluster, memory).await;
    let known = known.unwrap_or_else(|trouble| panic!("{}", trouble.text));
    let is_news = matches!(known, Known::New(_));
    settle(cluster, discoverer, known);
    is_news
}

#[tokio::test]
async fn a_file_that_has_not_changed_is_not_gone_through_again() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, &["b"], 3);
    let discoverer = discoverer();
    let (cluster, mut memory) = (cluster(&path, "b"), Memory::default());
    assert!(ask(&discoverer, &cluster, &mut memory).await);
    assert_eq!(cluster.hosts.load().all().len(), 3);
    cluster.failed("a fault that was mended".to_owned());
    let before = cluster.status().answered;
    assert!(!ask(&discoverer, &cluster, &mut memory).await);
    let status = cluster.status();
    assert_eq!(status.trouble, None);
    assert!(status.answered > before, "it is known to be so still");
    let counts = &cluster.stats;
    assert_eq!(counts.update_success.value(), 2);
    assert_eq!(counts.update_no_rebuild.value(), 1);

    write(&folder, &["b"], 4);
    assert!(ask(&discoverer, &cluster, &mut memory).await);
    assert_eq!(cluster.hosts.load().all().len(), 4);
    assert!(!ask(&discoverer, &cluster, &mut memory).await);
}

#[tokio::test]
async fn clusters_share_what_was_read_of_a_file() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, &["b", "c"], 3);
    let discoverer = discoverer();
    let mut contents = Vec::new();
    for node in ["b", "c"] {
        let mut memory = Memory::default();
        assert!(ask(&discoverer, &cluster(&path, node), &mut memory).await);
        contents.extend(memory.listed.map(|listed| listed.content));
    }
    assert!(Arc::ptr_eq(&contents[0], &contents[1]));
}

#[tokio::test]
async fn a_node_that_the_file_names_again_is_news() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, &["b"], 3);
    let discoverer = discoverer();
    let (cluster, mut memory) = (cluster(&path, "b"), Memory::default());
    assert!(ask(&discoverer, &cluster, &mut memory).await);
    write(&folder, &["c"], 3);
    let asked = discoverer.find(&cluster, &mut memory).await;
    assert!(asked.is_err(), "there is nobody else to ask");
    assert!(memory.listed.is_none());
    write(&folder, &["b"], 3);
    assert!(ask(&discoverer, &cluster, &mut memory).await);
}

/// Asks once, in vain; what the trouble is, and whether anything was gone through for it.
async fn ask_in_vain(
    discoverer: &Discoverer,
    cluster: &SharedCluster,
    memory: &mut Memory,
) -> (String, bool) {
    let Err(trouble) = discoverer.find(cluster, memory).await else {
        panic!("an answer")
    };
    let is_new = trouble.before.is_some();
    let text = trouble.text.clone();
    fail(cluster, discoverer, trouble, &mut Spoken::default());
    (text, is_new)
}

#[tokio::test]
async fn a_file_at_fault_is_gone_through_once_and_not_where_it_was_before() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, &["b"], 3);
    let discoverer = discoverer();
    let (before, mut memory) = (cluster(&path, "b"), Memory::default());
    assert!(ask(&discoverer, &before, &mut memory).await);
    write_text(&folder, "virtualNodes: 3");
    let (after, mut of_after) = (cluster(&path, "b"), Memory::default());
    for (cluster, memory, is_first) in
        [(&before, &mut memory, false), (&after, &mut of_after, true)]
    {
        for is_gone_through in [is_first, false] {
            let asked = ask_in_vain(&discoverer, cluster, memory).await;
            assert!(asked.0.contains("virtualNodes"), "{}", asked.0);
            assert_eq!(asked.1, is_gone_through);
            assert_eq!(cluster.hosts.load().all().len(), 3);
        }
    }
    write(&folder, &["b"], 3);
    assert!(ask(&discoverer, &before, &mut memory).await);
    assert_eq!(before.status().trouble, None);
}

#[tokio::test]
async fn what_a_cluster_cannot_use_is_trouble_until_there_is_another_file() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, &["b"], 3);
    let discoverer = discoverer();
    let (cluster, mut memory) = (cluster(&path, "b"), Memory::default());
    assert!(ask(&discoverer, &cluster, &mut memory).await);
    write_text(
        &folder,
        "virtualNodes: [{ name: b, instances: [{ ipv6: '::1' }] }]",
    );
    for _ in 0..2 {
        let (text, _) = ask_in_vain(&discoverer, &cluster, &mut memory).await;
        assert!(text.contains("no instance of virtual node b has"), "{text}");
        assert_eq!(cluster.hosts.load().all().len(), 3);
    }
    write(&folder, &["b"], 3);
    assert!(ask(&discoverer, &cluster, &mut memory).await);
}

#[test]
fn hosts_are_looked_at_once_for_who_is_in_the_own_zone() {
    let mut config = Cluster::plain(
        "b".to_owned(),
        Protocol::Http,
        Discovery::OriginalDestination,
    );
    config.zone_aware = Some(ZoneAware {
        own_zone: Some("a".to_owned()),
        policy: ZonePolicy::SameZone,
    });
    let stats = mesh_telemetry::Registry::new("test", 1).cluster("b", Shard::Control);
    let cluster = SharedCluster::new(Arc::new(config), stats, Judges::default());
    let mut looked_at = Weak::new();
    assert_eq!(elsewhere(&cluster, &mut looked_at), Some(("a", false)));
    for zone in ["b", "a"] {
        let endpoint = ([10, 0, 0, 1], 80).into();
        let located: Located = [(endpoint, Some(zone))].into_iter().collect();
        cluster.answered(&located.endpoints, &located.zones, SystemTime::now());
        assert_eq!(
            elsewhere(&cluster, &mut looked_at),
            Some(("a", zone == "b"))
        );
        assert_eq!(elsewhere(&cluster, &mut looked_at), None);
    }
}

#[tokio::test]
async fn a_file_that_is_mended_as_it_was_takes_its_fault_back_and_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, &["b"], 3);
    let kept = folder.path().join("kept");
    let discoverer = discoverer();
    let (cluster, mut memory) = (cluster(&path, "b"), Memory::default());
    assert!(ask(&discoverer, &cluster, &mut memory).await);
    let hosts = cluster.hosts.load_full();
    // Written anew, and the very same file, which is told from nothing by its time or place.
    for is_written_anew in [true, false] {
        fs::rename(&path, &kept).unwrap();
        fs::write(&path, "virtualNodes: [{ name: 1 }]").unwrap();
        for _ in 0..2 {
            ask_in_vain(&discoverer, &cluster, &mut memory).await;
        }
        assert!(cluster.status().trouble.is_some());
        if is_written_anew {
            write(&folder, &["b"], 3);
        } else {
            fs::rename(&kept, &path).unwrap();
        }
        ask(&discoverer, &cluster, &mut memory).await;
        assert_eq!(cluster.status().trouble, None);
        assert!(Arc::ptr_eq(&cluster.hosts.load_full(), &hosts));
    }
    assert_eq!(cluster.stats.membership_change.value(), 1);
    assert!(!ask(&discoverer, &cluster, &mut memory).await);
}

#[test]
fn a_cause_that_an_error_names_itself_is_said_once() {
    #[derive(Debug, thiserror::Error)]
    #[error("it failed")]
    struct Outer(#[source] Inner);
    #[derive(Debug, thiserror::Error)]
    #[error("of this: {0}")]
    struct Inner(#[source] std::fmt::Error);
    assert_eq!(
        chain(&Outer(Inner(std::fmt::Error))),
        format!("it failed: of this: {}", std::fmt::Error)
    );
}

#[test]
fn an_answer_is_kept_for_its_time_to_live_only_where_that_is_asked_for_and_for_a_day_at_most() {
    let discoverer = discoverer();
    let mut config = Cluster::plain(
        "b".to_owned(),
        Protocol::Http,
        Discovery::Dns {
            hostname: "b.local".to_owned(),
            port: 80,
            response: DnsResponse::Endpoints,
            ip_preference: IpPreference::Unset,
            respects_ttl: true,
        },
    );
    let kept = |config: &Cluster| {
        [None, Some(0), Some(1), Some(86_400), Some(86_401)].map(|ttl| {
            let answer = Answer {
                addresses: Vec::new(),
                ttl: ttl.map(Duration::from_secs),
            };
            discoverer.again(&answer, config).as_secs()
        })
    };
    assert_eq!(kept(&config), [5, 5, 1, 86_400, 86_400]);
    let listed = Cluster {
        instances: Some(InstanceFile {
            path: "/i.yaml".to_owned(),
            node: "b".to_owned(),
            port: 80,
            ip_preference: IpPreference::Unset,
        }),
        ..config.clone()
    };
    assert_eq!(kept(&listed), [5; 5], "the file may name it soon");
    if let Discovery::Dns { respects_ttl, .. } = &mut config.discovery {
        *respects_ttl = false;
    }
    assert_eq!(kept(&config), [5; 5]);
}

#[test]
fn an_answer_with_nothing_in_it_is_counted_as_empty() {
    let name = || "b.local".to_owned();
    let troubles = [
        (DnsError::Unknown { name: name() }, true),
        (DnsError::NoAddress { name: name() }, true),
        (DnsError::NoName { name: name() }, false),
    ];
    let (cluster, discoverer) = (cluster("/i.yaml", "b"), discoverer());
    for (error, is_empty) in troubles {
        let before = cluster.stats.update_empty.value();
        let trouble = Trouble::from(error);
        fail(&cluster, &discoverer, trouble, &mut Spoken::default());
        let counted = cluster.stats.update_empty.value() - before;
        assert_eq!(counted, u64::from(is_empty));
    }
    assert_eq!(cluster.stats.update_failure.value(), 3);
}

#[test]
fn what_was_found_before_the_trouble_is_for_who_has_nothing() {
    let (cluster, discoverer) = (cluster("/i.yaml", "b"), discoverer());
    for (last, expected) in [(1, 1), (2, 1)] {
        let found = Found {
            membership: Membership::Each,
            located: Located::from(vec![([192, 0, 2, last], 80).into()]),
            at: SystemTime::now(),
            again: discoverer.refresh,
        };
        let trouble = Trouble {
            before: Some(found),
            ..Trouble::new("nobody answers".to_owned())
        };
        fail(&cluster, &discoverer, trouble, &mut Spoken::default());
        let status = cluster.status();
        assert_eq!(status.endpoints, [([192, 0, 2, expected], 80).into()]);
        assert_eq!(status.trouble.as_deref(), Some("nobody answers"));
    }
}

#[tokio::test]
async fn what_is_said_of_trouble_is_whether_there_is_an_answer_to_go_on_with() {
    let folder = TempDir::new().unwrap();
    let path = write_text(&folder, "virtualNodes: 3");
    let discoverer = discoverer();
    let (cluster, mut memory) = (cluster(&path, "b"), Memory::default());
    let mut spoken = Spoken::default();
    log::begin();
    let trouble = || Trouble::new("nobody answers".to_owned());
    fail(&cluster, &discoverer, trouble(), &mut spoken);
    fail(&cluster, &discoverer, trouble(), &mut spoken);
    assert_eq!(log::take(), ["no answer yet; there is nowhere to go"]);
    spoken.well("b");
    spoken.well("b");
    assert_eq!(log::take(), ["there are answers again"]);
    write(&folder, &["b"], 3);
    assert!(ask(&discoverer, &cluster, &mut memory).await);
    assert_eq!(
        log::take(),
        ["the file of instances is read", "endpoints changed"]
    );
    fail(&cluster, &discoverer, trouble(), &mut spoken);
    assert_eq!(log::take(), ["no new answer; the last one stays in use"]);
}
