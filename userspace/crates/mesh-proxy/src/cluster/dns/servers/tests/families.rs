//! Addresses of a family in use stay in use while the question for that family fails.

use std::{
    net::Ipv6Addr,
    sync::{Mutex, atomic::AtomicBool},
};

use hickory_resolver::{Hosts, proto::rr::rdata::AAAA};
use mesh_model::snapshot::{Cluster, Discovery, DnsResponse, IpPreference, Protocol};
use mesh_telemetry::{Registry, Shard};
use tokio::{sync::Notify, time::timeout};

use super::*;
use crate::{
    cluster::{
        SharedCluster,
        discovery::Discoverer,
        dns::{Current, Dns},
        instances::InstanceFiles,
        judges::Judges,
        tests::until,
    },
    names::ServiceName,
};

const V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const OFTEN: Duration = Duration::from_millis(5);

/// A resolver whose name server has an address of each family for every name.
struct Families {
    dns: Arc<Dns>,
    /// Whether questions for IPv6 fail.
    fails: Arc<AtomicBool>,
    /// How many questions there were.
    asked: Arc<AtomicUsize>,
}

async fn both_families() -> Families {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let fails = Arc::<AtomicBool>::default();
    let is_failing = Arc::clone(&fails);
    let asked = Arc::<AtomicUsize>::default();
    let peer = Peer {
        address,
        asked: Arc::clone(&asked),
    };
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut message = Message::from_vec(&buffer[..length])
                .unwrap()
                .into_response();
            let query = message.queries[0].clone();
            let data = match query.query_type() {
                RecordType::AAAA => RData::AAAA(AAAA(V6)),
                _ => RData::A(A(V4)),
            };
            if query.query_type() == RecordType::AAAA && is_failing.load(Ordering::SeqCst) {
                message.metadata.response_code = ResponseCode::ServFail;
            } else {
                let record = Record::from_rdata(query.name().clone(), 60, data);
                message.answers.push(record);
            }
            let bytes = message.to_vec().unwrap();
            socket.send_to(&bytes, from).await.unwrap();
        }
    });
    let nowhere = Path::new("/nonexistent");
    let mut dns = Dns::new(Files::default(), nowhere, nowhere);
    dns.current = Mutex::new(Some(Current {
        read: [None, None],
        servers: Arc::new(servers(&[&peer])),
        hosts: Arc::new(Hosts::default()),
    }));
    Families {
        dns: Arc::new(dns),
        fails,
        asked,
    }
}

#[tokio::test]
async fn a_cluster_keeps_the_family_that_it_prefers() {
    let Families { dns, fails, .. } = both_families().await;
    let discovery = Discovery::Dns {
        hostname: "b.local".to_owned(),
        port: 80,
        response: DnsResponse::Endpoints,
        ip_preference: IpPreference::V6Preferred,
        respects_ttl: false,
    };
    let config = Cluster::plain("b".to_owned(), Protocol::Http, discovery);
    let counts = Registry::new("test", 1).cluster("b", Shard::Control);
    let cluster = SharedCluster::new(Arc::new(config), counts, Judges::default());
    let cluster = Arc::new(cluster);
    let discoverer = Discoverer {
        dns,
        instances: Arc::new(InstanceFiles::new(Files::default())),
        cloud_map: None,
        refresh: OFTEN,
        changed: Arc::new(|| {}),
    };
    discoverer.start(&cluster);
    let preferred = [SocketAddr::from((V6, 80))];
    until("an answer", || cluster.status().endpoints == preferred).await;
    fails.store(true, Ordering::SeqCst);
    let asked = || cluster.stats.update_attempt.value();
    let before = asked();
    until("three more questions", || asked() >= before + 3).await;
    let status = cluster.status();
    assert_eq!(status.endpoints, preferred);
    assert!(status.trouble.is_some());
}

#[tokio::test]
async fn a_name_of_a_tcp_service_keeps_the_addresses_of_both() {
    let Families { dns, fails, asked } = both_families().await;
    let changed = Arc::<Notify>::default();
    let _name = ServiceName::start("b.local", &dns, OFTEN, &changed);
    changed.notified().await;
    fails.store(true, Ordering::SeqCst);
    let before = asked.load(Ordering::SeqCst);
    until("more questions", || {
        asked.load(Ordering::SeqCst) >= before + 10
    })
    .await;
    let is_changed = timeout(Duration::ZERO, changed.notified()).await.is_ok();
    assert!(!is_changed, "there are other addresses");
}
