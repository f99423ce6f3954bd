//! Which rights a daemon needs, and that it needs no others.

use std::{path::Path, thread};

use mesh_bpf::{Instance, uninstall};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
use tests::capability::BPFFS;

use crate::stage::{FAR_V4, Proxy, WORKLOAD, object, plays};

/// What a container's `securityContext.capabilities.add` has to name. `CAP_PERFMON` is what the
/// verifier asks for before it takes arithmetic with pointers, which without it might leak addresses
/// to speculation.
const ENOUGH: CapabilitySet = CapabilitySet::BPF
    .union(CapabilitySet::NET_ADMIN)
    .union(CapabilitySet::PERFMON);

/// Runs something with these rights alone, on a thread of its own: capabilities are a thread's.
fn with<T: Send>(rights: CapabilitySet, action: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let limited = scope.spawn(|| {
            let sets = CapabilitySets {
                permitted: rights,
                effective: rights,
                inheritable: CapabilitySet::empty(),
            };
            set_capabilities(None, sets).unwrap();
            action()
        });
        limited.join().unwrap()
    })
}

plays! {
    fn three_are_enough(stage) {
        let proxy = Proxy::listen();
        with(ENOUGH, || {
            let instance = stage.enrolled(&proxy.rules());
            let mut application = stage.application();
            application.ask(&format!("connect {FAR_V4}")).unwrap();
            let (_stream, origin) = proxy.accept(&instance);
            assert_eq!(origin.unwrap().destination, FAR_V4.parse().unwrap());
            assert_eq!(instance.connections().unwrap().len(), 1);
            drop(instance.closed().unwrap());
            drop(application);
            // The next daemon takes over what this one leaves.
            drop(instance);
            let instance = stage.enrolled(&proxy.rules());
            assert_eq!(stage.report().workloads.len(), 1);
            instance.release(WORKLOAD).unwrap();
            uninstall::uninstall(Path::new(BPFFS), &stage.name).unwrap();
        });
    }

    fn none_of_them_can_be_missed(stage) {
        for (missing, named) in [
            (CapabilitySet::BPF, "CAP_BPF"),
            (CapabilitySet::NET_ADMIN, "CAP_NET_ADMIN"),
            (CapabilitySet::PERFMON, "CAP_PERFMON"),
        ] {
            let rights = ENOUGH.difference(missing);
            let refused = with(rights, || Instance::open(&stage.settings(), object()).unwrap_err());
            assert!(refused.to_string().ends_with(&format!(" {named}")), "{refused}");
        }
    }
}
