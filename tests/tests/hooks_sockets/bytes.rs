//! Counters against the bytes that really went, in every way of ending a connection.

mod edges;
mod large;
mod scripts;

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
};

use mesh_bpf::{ClosedConnection, ClosedConnections, Direction, Instance, Verdict};
use tests::wait;

use crate::stage::{Agent, FAR_V4, Proxy, WORKLOAD, plays};

/// The closing record of the application's only connection that is not one of the proxy's.
fn closing(closed: &mut ClosedConnections) -> ClosedConnection {
    wait::until("a closing record", || Ok(closed.next_record()?)).unwrap()
}

fn assert_bytes(record: &ClosedConnection, sent: u64, received: u64) {
    let counted = (record.record.bytes_sent, record.record.bytes_received);
    assert_eq!(counted, (Some(sent), Some(received)), "{record:?}");
    assert!(record.established);
}

/// A redirected connection over which both ends have sent something and read all of it.
fn talk(
    instance: &Instance,
    proxy: &Proxy,
    application: &mut Agent,
    sent: usize,
    received: usize,
) -> (String, TcpStream) {
    let id = application.ask(&format!("connect {FAR_V4}")).unwrap();
    let (mut stream, _) = proxy.accept(instance);
    application.order(&format!("send {id} {sent}"));
    let mut chunk = vec![0; sent];
    stream.read_exact(&mut chunk).unwrap();
    application.answer().unwrap();
    application.order(&format!("receive {id} {received}"));
    stream.write_all(&vec![0; received]).unwrap();
    application.answer().unwrap();
    (id, stream)
}

const SIZES: [(usize, usize); 5] = [(0, 0), (1, 0), (0, 1), (1000, 100_000), (3_000_000, 7)];

plays! {
    fn the_application_closes_first(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        for (sent, received) in SIZES {
            let (id, mut stream) = talk(&instance, &proxy, &mut application, sent, received);
            application.ask(&format!("close {id}")).unwrap();
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
            drop(stream);
            assert_bytes(&closing(&mut closed), sent as u64, received as u64);
        }
    }

    fn the_peer_closes_first(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        for (sent, received) in SIZES {
            let (id, stream) = talk(&instance, &proxy, &mut application, sent, received);
            drop(stream);
            assert_eq!(application.ask(&format!("drain {id}")).unwrap(), "0");
            application.ask(&format!("close {id}")).unwrap();
            assert_bytes(&closing(&mut closed), sent as u64, received as u64);
        }
    }

    fn the_application_finishes_and_reads_to_the_end(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        for (sent, received) in SIZES {
            let (id, mut stream) = talk(&instance, &proxy, &mut application, sent, 0);
            application.ask(&format!("finish {id}")).unwrap();
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
            application.order(&format!("drain {id}"));
            stream.write_all(&vec![0; received]).unwrap();
            drop(stream);
            assert_eq!(application.answer().unwrap(), received.to_string());
            application.ask(&format!("close {id}")).unwrap();
            assert_bytes(&closing(&mut closed), sent as u64, received as u64);
        }
    }

    fn the_application_finishes_and_leaves_before_the_end(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        for (sent, received) in SIZES {
            let (id, mut stream) = talk(&instance, &proxy, &mut application, sent, 0);
            application.ask(&format!("finish {id}")).unwrap();
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
            application.order(&format!("receive {id} {received}"));
            stream.write_all(&vec![0; received]).unwrap();
            application.answer().unwrap();
            application.ask(&format!("close {id}")).unwrap();
            assert_bytes(&closing(&mut closed), sent as u64, received as u64);
            drop(stream);
        }
    }

    fn the_peer_finishes_first_and_reads_on(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        let (id, mut stream) = talk(&instance, &proxy, &mut application, 10, 20);
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(application.ask(&format!("drain {id}")).unwrap(), "0");
        application.ask(&format!("send {id} 5")).unwrap();
        application.ask(&format!("close {id}")).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert_eq!(rest.len(), 5);
        assert_bytes(&closing(&mut closed), 15, 20);
    }

    fn resets_of_both_ends(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        let (id, stream) = talk(&instance, &proxy, &mut application, 1234, 4321);
        application.ask(&format!("reset {id}")).unwrap();
        assert_bytes(&closing(&mut closed), 1234, 4321);
        drop(stream);
        let (id, stream) = talk(&instance, &proxy, &mut application, 55, 66);
        socket2::SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        drop(stream);
        application.ask(&format!("drain {id}")).unwrap_err();
        application.ask(&format!("close {id}")).unwrap();
        assert_bytes(&closing(&mut closed), 55, 66);
    }

    fn a_record_says_all_about_its_connection(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application_as(1234, 4321);
        let (id, stream) = talk(&instance, &proxy, &mut application, 100, 200);
        let local = application.ask(&format!("local {id}")).unwrap();
        let cookie: u64 = application.ask(&format!("cookie {id}")).unwrap().parse().unwrap();
        let live = wait::until("the acknowledgement to be counted", || {
            let mut live = instance.connections().unwrap();
            assert_eq!(live.len(), 1);
            Ok(live.pop().filter(|record| record.bytes_sent == Some(100)))
        })
        .unwrap();
        assert_eq!(live.cookie, cookie);
        assert_eq!(live.direction, Direction::Egress);
        assert_eq!(live.verdict, Verdict::Redirected);
        assert_eq!(live.reason, "matched");
        assert_eq!(live.local, local.parse().unwrap());
        assert_eq!(live.remote, FAR_V4.parse().unwrap());
        assert_eq!((live.uid, live.gid), (Some(1234), Some(4321)));
        assert_eq!(live.bytes_received, Some(200));
        assert!(live.rtt_us.is_some_and(|rtt| rtt > 0));
        application.ask(&format!("close {id}")).unwrap();
        drop(stream);
        let record = closing(&mut closed).record;
        assert!(record.age >= live.age);
        let timeless = |record: &mesh_bpf::ConnectionRecord| mesh_bpf::ConnectionRecord {
            age: std::time::Duration::ZERO,
            rtt_us: None,
            retransmits: None,
            ..record.clone()
        };
        assert_eq!(timeless(&record), timeless(&live));
    }

    fn refused_and_direct_connections_have_records_too(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        let to = format!("127.0.0.1:{}", proxy.port);
        let id = application.ask(&format!("connect {to}")).unwrap();
        let (mut stream, _) = proxy.accept(&instance);
        application.ask(&format!("send {id} 42")).unwrap();
        stream.read_exact(&mut [0; 42]).unwrap();
        application.ask(&format!("close {id}")).unwrap();
        drop(stream);
        let direct = closing(&mut closed);
        assert_eq!(direct.record.verdict, Verdict::Direct);
        assert_eq!(direct.record.reason, "local-destination");
        assert_eq!(direct.record.remote, to.parse().unwrap());
        assert_bytes(&direct, 42, 0);
        instance.rest(WORKLOAD).unwrap();
        application.ask(&format!("connect {FAR_V4}")).unwrap_err();
        let refused = closing(&mut closed);
        assert_eq!(refused.record.verdict, Verdict::Refused);
        assert_eq!(refused.record.reason, "proxy-silent");
        assert_eq!(refused.record.remote, FAR_V4.parse().unwrap());
        assert!(!refused.established);
        assert_eq!(refused.record.bytes_sent, Some(0));
    }
}
