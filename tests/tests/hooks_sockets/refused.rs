//! Connections that end in the connect hook: TCP never hears of them, and each has a record.

use mesh_bpf::{Instance, Verdict};
use mesh_model::redirect::RedirectRules;
use tests::wait;

use crate::stage::{FAR_V4, FAR_V6, Proxy, WORKLOAD, assert_counted, plays};

/// The next closing record.
fn closing(instance: &Instance) -> mesh_bpf::ClosedConnection {
    let mut closed = instance.closed().unwrap();
    wait::until("a closing record", || Ok(closed.next_record()?)).unwrap()
}

plays! {
    fn a_denied_connection_has_a_record(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&RedirectRules { ipv6: true, ..proxy.rules() });
        // Bound to an interface without an address of its own by which it could reach the proxy.
        instance.set_local_addresses(WORKLOAD, &[]).unwrap();
        let mut application = stage.application_as(4242, 4343);
        for to in [FAR_V4, FAR_V6] {
            let refusal = application.ask(&format!("connect {to} device=own0")).unwrap_err();
            assert!(refusal.starts_with("PermissionDenied"), "{refusal}");
            let closed = closing(&instance);
            let record = &closed.record;
            assert_eq!(record.verdict, Verdict::Refused);
            assert_eq!(record.reason, "bound-to-device");
            assert_eq!(record.workload, WORKLOAD);
            assert_eq!(record.remote, to.parse().unwrap());
            assert_eq!(record.local.is_ipv4(), record.remote.is_ipv4());
            assert_eq!((record.uid, record.gid), (Some(4242), Some(4343)));
            assert_ne!(record.cookie, 0);
            assert_eq!((record.bytes_sent, record.bytes_received), (Some(0), Some(0)));
            assert!(!closed.established);
        }
        assert_counted(&instance, "egress refused bound-to-device", 2);
        assert_eq!(stage.entries("CONNECTIONS"), 0);
    }
}
