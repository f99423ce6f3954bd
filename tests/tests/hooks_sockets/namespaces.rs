//! Workloads in network namespaces of their own, with equal addresses and ports.

use mesh_bpf::{ProxyKind, WorkloadSpec, local};

use crate::stage::{Agent, FAR_V4, Proxy, Stage, Way, fail, inside, plays, tells_namespaces_apart};

/// A workload with a namespace of its own, in which the proxy listens too.
struct Tenant {
    spec: WorkloadSpec,
    proxy: Proxy,
    application: Agent,
}

impl Tenant {
    /// The proxy's port is the same in every namespace, as in life.
    fn move_in(stage: &Stage, id: u32, port: u16) -> Self {
        let cgroup = stage.workload_cgroup.join(id.to_string());
        mesh_bpf::cgroup::create(&cgroup).unwrap();
        let mut application = Agent::start(&cgroup, &[Way::OwnNetwork]);
        let netns = application.netns();
        application.ask("up lo").unwrap();
        let proxy = inside(&netns, move || Proxy::listen_on(port));
        let spec = WorkloadSpec {
            id,
            name: format!("tenant-{id}"),
            cgroup,
            netns: Some(netns),
            proxy: ProxyKind::Internal,
        };
        Self {
            spec,
            proxy,
            application,
        }
    }
}

plays! {
    fn equal_tuples_are_told_apart(stage) {
        if !tells_namespaces_apart() {
            return;
        }
        let instance = stage.instance();
        let mut tenants = [1, 2].map(|id| Tenant::move_in(stage, id, 15001));
        for tenant in &tenants {
            let netns = tenant.spec.netns.as_deref().unwrap();
            let local = inside(netns, || local::networks().unwrap());
            instance
                .enrol(&tenant.spec, &tenant.proxy.rules(), 1, &local)
                .unwrap_or_else(|error| fail(&error));
        }
        for (number, tenant) in tenants.iter_mut().enumerate() {
            // One source, one target, two destinations' worth of origins: only the namespace
            // differs.
            let order = format!("connect {FAR_V4} from=127.0.0.1:40000");
            tenant.application.ask(&order).unwrap();
            assert_eq!(stage.report().workloads.len(), 2);
            assert_eq!(instance.connections().unwrap().len(), number + 1);
        }
        for tenant in &tenants {
            let (stream, origin) = tenant.proxy.accept(&instance);
            assert_eq!(stream.peer_addr().unwrap(), "127.0.0.1:40000".parse().unwrap());
            assert_eq!(origin.unwrap().workload, tenant.spec.id);
        }
        let live = instance.connections().unwrap();
        assert!(live.iter().all(|record| record.bytes_sent == Some(0)), "{live:?}");
        assert_ne!(live[0].netns_cookie, live[1].netns_cookie);
    }

    fn one_workload_s_proxy_and_rules_are_not_another_s(stage) {
        if !tells_namespaces_apart() {
            return;
        }
        let instance = stage.instance();
        let mut tenants = [1, 2].map(|id| Tenant::move_in(stage, id, 15001));
        for tenant in &tenants {
            instance.enrol(&tenant.spec, &tenant.proxy.rules(), 1, &[]).unwrap();
        }
        let mut rules = tenants[0].proxy.rules();
        rules.enabled = false;
        instance.set_rules(1, &rules, 2).unwrap();
        let [first, second] = &mut tenants;
        let direct = first.application.ask(&format!("connect {FAR_V4}")).unwrap_err();
        assert!(direct.starts_with("NetworkUnreachable"), "{direct}");
        second.application.ask(&format!("connect {FAR_V4}")).unwrap();
        instance.release(1).unwrap();
        second.application.ask(&format!("connect {FAR_V4}")).unwrap();
        assert_eq!(stage.report().workloads.len(), 1);
    }
}
