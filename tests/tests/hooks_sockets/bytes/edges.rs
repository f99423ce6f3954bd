//! Counters where the protocol's own octets, or the order of the ends, make counting hard.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    path::Path,
    time::{Duration, Instant},
};

use mesh_bpf::{ConnectionRecord, Direction, Instance, Verdict, live::Live};
use tests::{capability::BPFFS, wait};

use super::{assert_bytes, closing, talk};
use crate::stage::{Agent, FAR_V4, Proxy, WORKLOAD, plays};

/// Client and server of fast open, without cookies and for every listener
/// (`Documentation/networking/ip-sysctl.rst`, `tcp_fastopen`).
const FAST_OPEN_EVERYWHERE: &str = "1543";

/// Longer than the kernel waits before it acknowledges, or sends again.
const STILL: Duration = Duration::from_millis(500);

/// The only live connection, once its counts are these.
fn settled(instance: &Instance, sent: u64, received: u64) -> ConnectionRecord {
    let what = format!("{sent} bytes sent and {received} received");
    wait::until(what, || {
        let mut live = instance.connections()?;
        assert!(live.len() <= 1, "{live:?}");
        Ok(live.pop().filter(|record| {
            (record.bytes_sent, record.bytes_received) == (Some(sent), Some(received))
        }))
    })
    .unwrap()
}

/// A counter of `/proc/net/netstat`, of the calling thread's network namespace.
fn extended(name: &str) -> u64 {
    let netstat = fs::read_to_string("/proc/thread-self/net/netstat").unwrap();
    let mut lines = netstat.lines().filter(|line| line.starts_with("TcpExt:"));
    let names = lines.next().unwrap().split_whitespace();
    let values = lines.next().unwrap().split_whitespace();
    let mut pairs = names.zip(values);
    let (_, value) = pairs.find(|(found, _)| *found == name).unwrap();
    value.parse().unwrap()
}

/// Fills the connection of the application until neither end takes more, and says how many bytes
/// the peer's kernel has.
fn stuff(instance: &Instance, application: &mut Agent, id: &str, peer: &TcpStream) -> u64 {
    let written: u64 = application
        .ask(&format!("fill {id}"))
        .unwrap()
        .parse()
        .unwrap();
    let mut last = (0, Instant::now());
    let arrived = wait::until("a closed window", || {
        let waiting = rustix::io::ioctl_fionread(peer)?;
        let live = instance.connections()?;
        if last.0 != waiting {
            last = (waiting, Instant::now());
        }
        let is_still = waiting > 0 && last.1.elapsed() > STILL;
        Ok((is_still && live[0].bytes_sent == Some(waiting)).then_some(waiting))
    })
    .unwrap();
    assert!(arrived < written, "all {written} bytes fit");
    arrived
}

plays! {
    fn data_in_the_syn_counts_once(stage) {
        fs::write("/proc/sys/net/ipv4/tcp_fastopen", FAST_OPEN_EVERYWHERE).unwrap();
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        let answer = application.ask(&format!("fastopen {FAR_V4} 700")).unwrap();
        let (id, sent) = answer.split_once(' ').unwrap();
        assert_eq!(sent, "700");
        let (mut stream, _) = proxy.accept(&instance);
        stream.read_exact(&mut [0; 700]).unwrap();
        assert_eq!(extended("TCPFastOpenPassive"), 1, "the SYN carried the data");
        stream.write_all(&[0; 33]).unwrap();
        application.ask(&format!("receive {id} 33")).unwrap();
        settled(&instance, 700, 33);
        application.ask(&format!("close {id}")).unwrap();
        assert_bytes(&closing(&mut closed), 700, 33);
    }

    fn data_in_a_syn_that_the_peer_does_not_take_counts_once(stage) {
        // The client sends it without a cookie; the server knows no fast open.
        fs::write("/proc/sys/net/ipv4/tcp_fastopen", "5").unwrap();
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        let answer = application.ask(&format!("fastopen {FAR_V4} 700")).unwrap();
        let (id, _) = answer.split_once(' ').unwrap();
        let (mut stream, _) = proxy.accept(&instance);
        stream.read_exact(&mut [0; 700]).unwrap();
        assert_eq!(extended("TCPFastOpenPassive"), 0);
        application.ask(&format!("close {id}")).unwrap();
        assert_bytes(&closing(&mut closed), 700, 0);
    }

    fn a_socket_that_connects_to_itself_is_one_connection(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        let id = application.ask("connect-itself").unwrap();
        application.ask(&format!("send {id} 12")).unwrap();
        application.ask(&format!("receive {id} 12")).unwrap();
        settled(&instance, 12, 12);
        // Its own FIN comes before the answer to it: both ends close at once.
        application.ask(&format!("close {id}")).unwrap();
        let record = closing(&mut closed);
        assert_bytes(&record, 12, 12);
        assert_eq!(record.record.direction, Direction::Egress);
        assert_eq!(record.record.local, record.record.remote);
        assert!(instance.connections().unwrap().is_empty());
    }

    fn a_reset_at_a_closed_window_counts_what_was_acknowledged(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        for peer_finishes_first in [true, false] {
            let (id, stream) = talk(&instance, &proxy, &mut application, 0, 0);
            if peer_finishes_first {
                stream.shutdown(Shutdown::Write).unwrap();
            }
            let arrived = stuff(&instance, &mut application, &id, &stream);
            // Its FIN waits behind what does not fit.
            application.ask(&format!("close {id}")).unwrap();
            drop(stream);
            assert_bytes(&closing(&mut closed), arrived, 0);
        }
    }

    fn a_window_that_closes_and_opens_loses_no_byte(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        let (id, mut stream) = talk(&instance, &proxy, &mut application, 0, 0);
        stream.shutdown(Shutdown::Write).unwrap();
        let written: u64 = application.ask(&format!("fill {id}")).unwrap().parse().unwrap();
        application.ask(&format!("close {id}")).unwrap();
        assert_eq!(std::io::copy(&mut stream, &mut std::io::sink()).unwrap(), written);
        assert_bytes(&closing(&mut closed), written, 0);
    }

    fn what_the_application_leaves_unread_counts_as_received(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        let (id, mut stream) = talk(&instance, &proxy, &mut application, 10, 1000);
        stream.write_all(&[0; 4000]).unwrap();
        settled(&instance, 10, 5000);
        // The kernel resets a connection that is closed with bytes unread.
        application.ask(&format!("close {id}")).unwrap();
        stream.read(&mut [0]).unwrap_err();
        assert_bytes(&closing(&mut closed), 10, 5000);
    }

    fn what_is_sent_to_a_peer_that_has_gone_does_not_count(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        let (id, stream) = talk(&instance, &proxy, &mut application, 10, 20);
        drop(stream);
        application.ask(&format!("send {id} 500")).unwrap();
        assert_bytes(&closing(&mut closed), 10, 20);
    }

    fn live_connections_are_listed_without_a_daemon(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application();
        let (_id, _stream) = talk(&instance, &proxy, &mut application, 10, 20);
        settled(&instance, 10, 20);
        drop(instance);
        let live = Live::open(Path::new(BPFFS), &stage.name).unwrap().unwrap();
        // A stranger's namespace stands for the daemon's: the processes of the workload show theirs.
        let mut stranger = Agent::neighbour();
        let listing = live.list(Some(&stranger.netns())).unwrap();
        assert_eq!(listing.workloads[&WORKLOAD], "played");
        let [record] = &listing.connections[..] else { panic!("{listing:?}") };
        assert_eq!((record.bytes_sent, record.bytes_received), (Some(10), Some(20)));
        assert!(Live::open(Path::new(BPFFS), "no-such-instance").unwrap().is_none());
    }

    fn a_socket_that_is_shared_is_one_connection(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        let (id, mut stream) = talk(&instance, &proxy, &mut application, 10, 20);
        let other = application.ask(&format!("share {id}")).unwrap();
        application.ask(&format!("close {id}")).unwrap();
        application.ask(&format!("send {other} 5")).unwrap();
        stream.read_exact(&mut [0; 5]).unwrap();
        settled(&instance, 15, 20);
        application.ask(&format!("close {other}")).unwrap();
        assert_bytes(&closing(&mut closed), 15, 20);
        assert!(closed.next_record().unwrap().is_none());
    }

    fn each_connection_of_one_socket_has_a_record(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        // Refused first, then connected, then connected elsewhere.
        instance.rest(WORKLOAD).unwrap();
        let id = application.ask(&format!("begin {FAR_V4}")).unwrap();
        let refused = closing(&mut closed);
        assert_eq!(refused.record.verdict, Verdict::Refused);
        assert!(!refused.established);
        instance.beat(WORKLOAD).unwrap();
        let pending = application.ask(&format!("connect-again {id} {FAR_V4}"));
        assert!(pending.unwrap_err().starts_with("ConnectionRefused"));
        application.ask(&format!("connect-again {id} {FAR_V4}")).unwrap();
        let (mut stream, _) = proxy.accept(&instance);
        application.ask(&format!("send {id} 7")).unwrap();
        stream.read_exact(&mut [0; 7]).unwrap();
        settled(&instance, 7, 0);
        application.ask(&format!("reconnect {id} 127.0.0.1:{}", proxy.port)).unwrap();
        let first = closing(&mut closed);
        assert_bytes(&first, 7, 0);
        assert_eq!(first.record.verdict, Verdict::Redirected);
        application.ask(&format!("send {id} 9")).unwrap();
        settled(&instance, 9, 0);
        application.ask(&format!("close {id}")).unwrap();
        let second = closing(&mut closed);
        assert_bytes(&second, 9, 0);
        assert_eq!(second.record.verdict, Verdict::Direct);
        assert_eq!(second.record.cookie, first.record.cookie);
    }

    fn a_connection_that_is_never_answered_is_listed_and_closed_unestablished(stage) {
        let proxy = Proxy::listen();
        let mut rules = proxy.rules();
        rules.ignored_ports.insert(80);
        let instance = stage.enrolled(&rules);
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        let id = application.ask(&format!("begin {FAR_V4}")).unwrap();
        let live = settled(&instance, 0, 0);
        assert_eq!((live.verdict, live.reason), (Verdict::Direct, "ignored-port"));
        application.ask(&format!("close {id}")).unwrap();
        let record = closing(&mut closed);
        assert!(!record.established);
        assert_eq!(record.record.bytes_sent, Some(0));
        assert!(record.record.retransmits.is_some());
    }

    fn a_connection_that_its_listener_never_accepted_has_a_record(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        let answer = application.ask("listen 127.0.0.1:0").unwrap();
        let (id, address) = answer.split_once(' ').unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(&[0; 321]).unwrap();
        let live = settled(&instance, 0, 321);
        assert_eq!(live.direction, Direction::Ingress);
        application.ask(&format!("close {id}")).unwrap();
        assert_bytes(&closing(&mut closed), 0, 321);
    }
}
