mod families;

use std::{fs, net::SocketAddr, sync::Arc};

use hickory_resolver::{
    config::ConnectionConfig,
    proto::{
        op::{Message, ResponseCode},
        rr::{RData, Record, rdata::A},
    },
};
use tempfile::TempDir;
use tokio::net::UdpSocket;

use super::*;

const NAME: &str = "b.local.";

/// What a name server has for each question, which it counts.
struct Peer {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Peer {
    /// None: it says nothing.
    async fn start(answer: Option<ResponseCode>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut buffer = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                counted.fetch_add(1, Ordering::SeqCst);
                let Some(code) = answer else { continue };
                let mut message = Message::from_vec(&buffer[..length])
                    .unwrap()
                    .into_response();
                message.metadata.response_code = code;
                if code == ResponseCode::NoError {
                    let name = Name::from_utf8(NAME).unwrap();
                    for (last, ttl) in [(2, 60), (1, 30), (2, 60)] {
                        let data = RData::A(A(Ipv4Addr::new(192, 0, 2, last)));
                        message
                            .answers
                            .push(Record::from_rdata(name.clone(), ttl, data));
                    }
                }
                let bytes = message.to_vec().unwrap();
                socket.send_to(&bytes, from).await.unwrap();
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn servers(peers: &[&Peer]) -> NameServers {
    let mut options = ResolverOpts::default();
    options.timeout = Duration::from_secs(1);
    let server = |peer: &&Peer| {
        let mut config = NameServerConfig::udp_and_tcp(peer.address.ip());
        let mut udp = ConnectionConfig::udp();
        udp.port = peer.address.port();
        config.connections = vec![udp];
        Server::new(config, &options)
    };
    NameServers {
        servers: peers.iter().map(server).collect(),
        attempts: 2,
        first: AtomicUsize::new(0),
        search: Vec::new(),
        ndots: 1,
    }
}

async fn ask_for_v4(servers: &NameServers) -> Result<Found, Unanswered> {
    servers.lookup(NAME, RecordType::A).await
}

#[tokio::test]
async fn an_answer_keeps_its_order_and_the_shortest_time_to_live() {
    let peer = Peer::start(Some(ResponseCode::NoError)).await;
    let found = ask_for_v4(&servers(&[&peer])).await.unwrap();
    let expected = [2, 1].map(|last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)));
    assert_eq!(found.addresses, expected);
    assert_eq!(found.ttl, Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn a_server_that_is_silent_or_fails_gives_way_to_the_next_and_is_asked_last_from_then_on() {
    for fault in [
        None,
        Some(ResponseCode::ServFail),
        Some(ResponseCode::Refused),
    ] {
        let (bad, good) = (
            Peer::start(fault).await,
            Peer::start(Some(ResponseCode::NoError)).await,
        );
        let servers = servers(&[&bad, &good]);
        assert_eq!(
            ask_for_v4(&servers).await.unwrap().addresses.len(),
            2,
            "{fault:?}"
        );
        let asked = bad.asked();
        assert!(asked > 0, "{fault:?}");
        ask_for_v4(&servers).await.unwrap();
        assert_eq!((bad.asked(), good.asked()), (asked, 2), "{fault:?}");
    }
}

#[tokio::test]
async fn what_is_not_known_is_an_answer_and_asked_of_nobody_else() {
    let (first, second) = (
        Peer::start(Some(ResponseCode::NXDomain)).await,
        Peer::start(Some(ResponseCode::NoError)).await,
    );
    let found = ask_for_v4(&servers(&[&first, &second])).await.unwrap();
    assert!(found.is_unknown && found.addresses.is_empty());
    assert_eq!(second.asked(), 0);
}

#[tokio::test]
async fn who_was_asked_last_is_named_where_nobody_answers() {
    let peer = Peer::start(Some(ResponseCode::ServFail)).await;
    let error = ask_for_v4(&servers(&[&peer])).await.unwrap_err();
    assert_eq!(error.to_string(), "the last one asked is 127.0.0.1");
    assert_eq!(peer.asked(), 2, "as often as resolv.conf says");
}

fn read(resolv_conf: &str) -> NameServers {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("resolv.conf");
    fs::write(&path, resolv_conf).unwrap();
    NameServers::read(&Files::default(), &path)
}

fn addresses(servers: &NameServers) -> Vec<String> {
    let servers = servers.servers.iter();
    servers.map(|server| server.address.to_string()).collect()
}

#[test]
fn a_file_says_who_is_asked_how_often_and_what_is_put_behind_a_name() {
    let servers = read(
        "nameserver 192.0.2.2\nnameserver 192.0.2.1\nsearch shop.svc svc\n\
         options ndots:5 attempts:3 timeout:7\n",
    );
    assert_eq!(addresses(&servers), ["192.0.2.2", "192.0.2.1"]);
    assert_eq!((servers.ndots, servers.attempts), (5, 3));
    let search: Vec<String> = servers.search.iter().map(Name::to_utf8).collect();
    assert_eq!(search, ["shop.svc", "svc"]);
    let times = servers.servers.iter();
    let times: Vec<_> = times.map(|one| one.resolver.options().timeout).collect();
    assert_eq!(times, [Duration::from_secs(7); 2]);
}

#[test]
fn whatever_a_file_says_somebody_is_asked_once_and_has_a_second() {
    let servers = read("nameserver 192.0.2.1\noptions attempts:0 timeout:0\n");
    assert_eq!(servers.attempts, 1);
    let options = servers.servers[0].resolver.options();
    assert_eq!(options.timeout, Duration::from_secs(1));
    assert_eq!(addresses(&read("search svc\n")), ["127.0.0.1"]);
    let absent = NameServers::read(&Files::default(), Path::new("/nonexistent/resolv.conf"));
    assert_eq!(addresses(&absent), ["127.0.0.1"]);
}

#[test]
fn questions_have_no_edns_though_the_file_asks_for_it() {
    let servers = read("nameserver 192.0.2.1\noptions edns0\n");
    assert!(!servers.servers[0].resolver.options().edns0);
}
