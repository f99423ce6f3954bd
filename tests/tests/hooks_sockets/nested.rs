//! Workloads in cgroups that see themselves as the root, one within the other, as containers in the
//! nodes of kind and in Docker in Docker have them.

use crate::stage::{Agent, FAR_V4, Proxy, WORKLOAD, Way, plays};

plays! {
    fn a_cgroup_namespace_within_another_is_part_of_the_workload(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        // Three levels: a node, in it a pod, in it a container of the pod.
        let container = stage.workload_cgroup.join("node/pod/container");
        std::fs::create_dir_all(&container).unwrap();
        for cgroup in container.ancestors().take(3) {
            let mut application = Agent::start(cgroup, &[Way::OwnCgroupRoot]);
            assert_eq!(application.ask("cgroup").unwrap(), "/", "it sees no more than its own");
            application.ask(&format!("connect {FAR_V4}")).unwrap();
            let (_stream, origin) = proxy.accept(&instance);
            let origin = origin.expect("a redirected connection has an origin");
            assert_eq!(origin.destination, FAR_V4.parse().unwrap());
            assert_eq!(origin.workload, WORKLOAD);
        }
        for cgroup in container.ancestors().take(3) {
            mesh_bpf::cgroup::remove(cgroup).unwrap();
        }
    }

    fn a_workload_within_another_is_refused_and_the_other_stays(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let inner = stage.workload_cgroup.join("inner");
        std::fs::create_dir(&inner).unwrap();
        let mut spec = stage.spec();
        spec.id = WORKLOAD + 1;
        spec.name = "inner".to_owned();
        spec.cgroup.clone_from(&inner);
        let refused = instance.enrol(&spec, &proxy.rules(), 1, &[]).unwrap_err().to_string();
        assert!(refused.contains("beside each other"), "{refused}");

        stage.application().ask(&format!("connect {FAR_V4}")).unwrap();
        let (_stream, origin) = proxy.accept(&instance);
        assert_eq!(origin.expect("it is still redirected").workload, WORKLOAD);
        mesh_bpf::cgroup::remove(&inner).unwrap();
    }
}
