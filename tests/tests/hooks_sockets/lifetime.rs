//! Instances and workloads from their beginning to their end.

use std::path::Path;

use mesh_bpf::{BpfError, Instance, WorkloadSpec, inspect, local, uninstall};
use mesh_model::redirect::RedirectRules;
use tests::capability::BPFFS;

use crate::stage::{Agent, FAR_V4, Proxy, WORKLOAD, fail, object, plays};

plays! {
    fn programs_stay_when_the_daemon_ends(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let before = stage.report();
        drop(instance);
        let mut application = stage.application();
        application.ask(&format!("connect {FAR_V4}")).unwrap();
        // The next daemon takes the links over, and what was redirected meanwhile with them.
        let instance = stage.enrolled(&RedirectRules { ipv6: true, ..proxy.rules() });
        let (_stream, origin) = proxy.accept(&instance);
        assert_eq!(origin.unwrap().destination, FAR_V4.parse().unwrap());
        let after = stage.report();
        let ids = |report: &inspect::InstanceReport| {
            report.links.iter().map(|link| link.id).collect::<Vec<_>>()
        };
        let programs = |report: &inspect::InstanceReport| {
            report.links.iter().map(|link| link.program_id).collect::<Vec<_>>()
        };
        assert_eq!(ids(&after), ids(&before), "the links are the same");
        assert!(programs(&after).iter().all(|id| !programs(&before).contains(id)));
        application.ask(&format!("connect {FAR_V4}")).unwrap();
        proxy.accept(&instance);
    }

    fn a_report_from_the_pins_alone(stage) {
        let proxy = Proxy::listen();
        let mut rules = proxy.rules();
        rules.app_ports = [80, 8080].into();
        rules.ignored_gid = Some(77);
        drop(stage.enrolled(&rules));
        let report = stage.report();
        assert_eq!(report.name, stage.name);
        assert_eq!(report.links.len(), 10);
        assert!(report.links.iter().all(|link| link.attached && link.id != 0));
        assert_eq!(report.maps.len(), 20);
        let [workload] = &report.workloads[..] else { panic!("{:?}", report.workloads) };
        assert_eq!((workload.id, workload.name.as_str()), (WORKLOAD, "played"));
        assert_eq!(workload.cgroup, stage.workload_cgroup);
        assert_eq!(workload.proxy, inspect::ProxyState::Up);
        let said = workload.rules.as_ref().unwrap();
        assert_eq!(said.generation, 1);
        assert_eq!(said.egress_port, proxy.port);
        assert_eq!(said.app_ports, [80, 8080]);
        assert_eq!(said.ignored_ports, [22]);
        assert_eq!(said.ignored_gid, Some(77));
        assert_eq!(said.ignored_uid, None);
        let networks: Vec<String> = said.ignored_networks.iter().map(ToString::to_string).collect();
        assert_eq!(networks, ["169.254.169.254/32", "169.254.170.2/32"]);
        let listed = inspect::list_instances(Path::new(BPFFS)).unwrap();
        assert!(listed.contains(&stage.name));
        assert!(inspect::inspect(Path::new(BPFFS), "no-such-instance").unwrap().is_none());
    }

    fn a_released_workload_is_as_it_was(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application();
        let id = application.ask(&format!("connect {FAR_V4}")).unwrap();
        let (mut stream, _) = proxy.accept(&instance);
        instance.release(WORKLOAD).unwrap();
        // The connection that lives goes on.
        std::io::Write::write_all(&mut stream, b"abc").unwrap();
        application.ask(&format!("receive {id} 3")).unwrap();
        let attempt = application.ask(&format!("attempt {FAR_V4}")).unwrap();
        assert_eq!(attempt, "InProgress", "it went out");
        let report = stage.report();
        assert_eq!(report.links.len(), 2);
        assert!(report.workloads.is_empty());
        for map in [
            "CONNECTIONS", "FLOWS", "POLICIES", "NETWORKS", "LOCAL_NETWORKS", "OWN_ADDRESSES", "SOURCES", "STEERED"] {
            assert_eq!(stage.entries(map), 0, "{map}");
        }
        // And may come back.
        let local = local::networks().unwrap();
        instance.enrol(&stage.spec(), &proxy.rules(), 2, &local).unwrap();
        instance.beat(WORKLOAD).unwrap();
        application.ask(&format!("connect {FAR_V4}")).unwrap();
        proxy.accept(&instance);
    }

    fn uninstalling_leaves_nothing(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let removed = uninstall::uninstall(Path::new(BPFFS), &stage.name).unwrap();
        assert_eq!((removed.links, removed.maps), (10, 20));
        // Its own six, and the directory of all instances if it was the last.
        assert!([6, 7].contains(&removed.directories), "{removed:?}");
        // The daemon still holds its maps, and nothing is attached.
        let mut application = stage.application();
        let attempt = application.ask(&format!("attempt {FAR_V4}")).unwrap();
        assert_eq!(attempt, "InProgress", "it went out");
        drop(instance);
        assert!(inspect::inspect(Path::new(BPFFS), &stage.name).unwrap().is_none());
        let again = uninstall::uninstall(Path::new(BPFFS), &stage.name).unwrap();
        assert_eq!((again.links, again.maps), (0, 0));
    }

    fn a_cgroup_that_went_and_came_back_is_attached_again(stage) {
        let proxy = Proxy::listen();
        let instance = stage.instance();
        let spec = WorkloadSpec { cgroup: stage.workload_cgroup.join("brief"), ..stage.spec() };
        let local = local::networks().unwrap();
        mesh_bpf::cgroup::create(&spec.cgroup).unwrap();
        instance.enrol(&spec, &proxy.rules(), 1, &local).unwrap();
        mesh_bpf::cgroup::remove(&spec.cgroup).unwrap();
        tests::wait::until_true("links to nothing", || {
            let report = stage.report();
            Ok(report.links.iter().filter(|link| !link.attached).count() == 7)
        })
        .unwrap();
        mesh_bpf::cgroup::create(&spec.cgroup).unwrap();
        instance.enrol(&spec, &proxy.rules(), 2, &local).unwrap();
        assert!(stage.report().links.iter().all(|link| link.attached));
        let mut application = Agent::start(&spec.cgroup, &[]);
        application.ask(&format!("connect {FAR_V4}")).unwrap();
        proxy.accept(&instance);
        drop(application);
        instance.release(WORKLOAD).unwrap();
        mesh_bpf::cgroup::remove(&spec.cgroup).unwrap();
    }

    fn a_workload_that_cannot_be_enrolled_is_left_as_it_was(stage) {
        let instance = stage.instance();
        let spec = WorkloadSpec { netns: Some("/etc/hostname".into()), ..stage.spec() };
        instance.enrol(&spec, &RedirectRules::default(), 1, &[]).unwrap_err();
        let report = stage.report();
        assert_eq!(report.links.len(), 2, "those of the proxy");
        assert!(report.workloads.is_empty());
        assert_eq!(stage.entries("POLICIES"), 0);
    }

    fn the_whole_machine_is_no_workload(stage) {
        let instance = stage.instance();
        let root = mesh_bpf::cgroup::mount_point().unwrap();
        for cgroup in [root.clone(), root.join("."), root.join("../unified")] {
            if !cgroup.exists() {
                continue;
            }
            let spec = WorkloadSpec { cgroup, ..stage.spec() };
            let refused = instance.enrol(&spec, &RedirectRules::default(), 1, &[]).unwrap_err();
            assert!(matches!(refused, BpfError::RootCgroup { .. }), "{refused}");
        }
        let spec = WorkloadSpec { cgroup: "/tmp".into(), ..stage.spec() };
        let refused = instance.enrol(&spec, &RedirectRules::default(), 1, &[]).unwrap_err();
        assert!(matches!(refused, BpfError::NotACgroup { .. }), "{refused}");
    }

    fn the_proxy_is_no_part_of_a_workload(stage) {
        let instance = stage.instance();
        let spec = WorkloadSpec { cgroup: stage.proxy_cgroup.clone(), ..stage.spec() };
        let refused = instance.enrol(&spec, &RedirectRules::default(), 1, &[]).unwrap_err();
        assert!(matches!(refused, BpfError::ProxyInWorkload { .. }), "{refused}");
    }

    fn maps_of_another_version_are_not_touched(stage) {
        let other = Path::new(BPFFS).join("ferromesh").join(&stage.name).join("v999");
        std::fs::create_dir_all(&other).unwrap();
        let refused = Instance::open(&stage.settings(), object()).unwrap_err();
        assert!(matches!(refused, BpfError::OtherVersion { found: 999, .. }), "{refused}");
        uninstall::uninstall(Path::new(BPFFS), &stage.name).unwrap();
        Instance::open(&stage.settings(), object()).unwrap_or_else(|error| fail(&error));
    }
}
