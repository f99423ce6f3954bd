//! Workloads that are let go while connections of theirs live.

use std::io::{Read as _, Write as _};

use mesh_bpf::{ClosedConnection, Verdict};
use tests::wait;

use crate::stage::{FAR_V4, Proxy, WORKLOAD, plays};

const SENT: usize = 1_000;
const ANSWERED: usize = 500;

fn assert_bytes(closed: &ClosedConnection) {
    let record = &closed.record;
    let bytes = (record.bytes_sent, record.bytes_received);
    assert_eq!(bytes, (Some(SENT as u64), Some(ANSWERED as u64)));
    assert_eq!(
        (record.verdict, record.workload),
        (Verdict::Redirected, WORKLOAD)
    );
    assert_eq!(record.remote, FAR_V4.parse().unwrap());
    assert!(closed.established);
}

plays! {
    fn a_connection_that_outlives_its_workload_has_a_record(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        let id = application.ask(&format!("connect {FAR_V4}")).unwrap();
        let (mut stream, _) = proxy.accept(&instance);
        application.ask(&format!("send {id} {SENT}")).unwrap();
        stream.read_exact(&mut [0; SENT]).unwrap();
        stream.write_all(&[0; ANSWERED]).unwrap();
        application.ask(&format!("receive {id} {ANSWERED}")).unwrap();
        wait::until_true("its acknowledgement", || {
            Ok(instance.connections()?[0].bytes_sent == Some(SENT as u64))
        })
        .unwrap();
        let outlived = instance.release(WORKLOAD).unwrap();
        let [one] = &outlived[..] else { panic!("{outlived:?}") };
        assert!(one.released);
        assert_bytes(one);
        assert_eq!(stage.entries("CONNECTIONS"), 0);
        // It goes on, and has no other record.
        application.ask(&format!("send {id} 1")).unwrap();
        stream.read_exact(&mut [0; 1]).unwrap();
        drop(stream);
        application.ask(&format!("close {id}")).unwrap();
        assert_eq!(closed.next_record().unwrap(), None);
        assert_eq!(instance.release(WORKLOAD).unwrap(), [], "they are told once");
    }

    fn what_was_decided_before_an_end_gets_there_and_is_watched(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut closed = instance.closed().unwrap();
        let mut application = stage.application();
        let id = application.ask(&format!("connect {FAR_V4}")).unwrap();
        instance.stop(WORKLOAD).unwrap();
        let attempt = application.ask(&format!("attempt {FAR_V4}")).unwrap();
        assert_eq!(attempt, "InProgress", "new ones are its own");
        let (mut stream, origin) = proxy.accept(&instance);
        assert_eq!(origin.unwrap().destination, FAR_V4.parse().unwrap());
        application.ask(&format!("send {id} {SENT}")).unwrap();
        stream.read_exact(&mut [0; SENT]).unwrap();
        stream.write_all(&[0; ANSWERED]).unwrap();
        drop(stream);
        application.ask(&format!("receive {id} {ANSWERED}")).unwrap();
        application.ask(&format!("close {id}")).unwrap();
        let one = wait::until("its record", || {
            let record = closed.next_record()?;
            Ok(record.filter(|one| one.record.verdict == Verdict::Redirected))
        })
        .unwrap();
        assert!(!one.released);
        assert_bytes(&one);
    }
}
