//! What the machine must have, and what is said when it has not.

use std::{path::Path, thread};

use mesh_bpf::{BpfError, Instance, uninstall};
use rustix::{
    mount::{UnmountFlags, unmount},
    thread::{CapabilitySet, capabilities, set_capabilities},
};

use tests::capability::BPFFS;

use crate::stage::{FAR_V4, Proxy, WORKLOAD, fail, object, plays};

plays! {
    fn privileges(stage) {
        let settings = stage.settings();
        // Capabilities are a thread's own.
        let refused = thread::spawn(move || {
            let mut sets = capabilities(None).unwrap();
            let each = CapabilitySet::BPF | CapabilitySet::NET_ADMIN | CapabilitySet::PERFMON;
            sets.effective.remove(each | CapabilitySet::SYS_ADMIN);
            set_capabilities(None, sets).unwrap();
            Instance::open(&settings, object()).unwrap_err()
        });
        assert_eq!(
            refused.join().unwrap().to_string(),
            "loading eBPF programs needs root, or the capabilities CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON"
        );
    }

    fn a_bpf_file_system_that_is_mounted_if_it_is_missing(stage) {
        let directory = tempfile::tempdir().unwrap();
        let mut settings = stage.settings();
        settings.bpffs = directory.path().to_owned();
        let proxy = Proxy::listen();
        let opened = Instance::open(&settings, object()).and_then(|instance| {
            instance.enrol(&stage.spec(), &proxy.rules(), 1, &[])?;
            instance.beat(WORKLOAD)?;
            Ok(instance)
        });
        let connected = opened.as_ref().ok().map(|instance| {
            stage.application().ask(&format!("connect {FAR_V4}")).unwrap();
            proxy.accept(instance).1
        });
        uninstall::uninstall(directory.path(), &stage.name).unwrap();
        unmount(directory.path(), UnmountFlags::DETACH).unwrap();
        opened.unwrap_or_else(|error| fail(&error));
        assert!(connected.unwrap().is_some());
    }

    fn a_bpf_file_system_that_cannot_be_mounted(stage) {
        let mut settings = stage.settings();
        settings.bpffs = "/no/such/directory".into();
        let refused = Instance::open(&settings, object()).unwrap_err();
        assert!(matches!(refused, BpfError::NoBpffs { .. }), "{refused}");
        assert!(refused.to_string().ends_with("run: mount -t bpf bpf /no/such/directory"));
    }

    fn an_object_in_the_build(stage) {
        let refused = Instance::open(&stage.settings(), &[]).unwrap_err();
        assert!(matches!(refused, BpfError::NoObject), "{refused}");
        let garbage = Instance::open(&stage.settings(), b"no object at all").unwrap_err();
        assert!(matches!(garbage, BpfError::Object(_)), "{garbage}");
        assert!(!Path::new(BPFFS).join("ferromesh").join(&stage.name).exists(), "nothing is left");
    }

    fn a_cgroup_for_the_proxy(stage) {
        let mut settings = stage.settings();
        settings.proxy_cgroup = "/proc".into();
        let refused = Instance::open(&settings, object()).unwrap_err();
        assert!(matches!(refused, BpfError::NotACgroup { .. }), "{refused}");
        assert!(!Path::new(BPFFS).join("ferromesh").join(&stage.name).exists());
    }
}
