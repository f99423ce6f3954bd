//! Maps that are full: what does not fit is refused and counted, and nothing is misled.

use mesh_bpf::{BpfError, Instance, Limits, Verdict};
use mesh_model::redirect::RedirectRules;
use tests::syscall;

use crate::stage::{Agent, FAR_V4, Proxy, Stage, WORKLOAD, enrol, fail, object, plays};

/// An instance with maps of a test's own sizes and the workload enrolled.
pub(crate) fn sized(
    stage: &Stage,
    rules: &RedirectRules,
    size: impl FnOnce(&mut Limits),
) -> Instance {
    let mut settings = stage.settings();
    settings.heartbeat = std::time::Duration::from_mins(10);
    size(&mut settings.limits);
    let instance = Instance::open(&settings, object()).unwrap_or_else(|error| fail(&error));
    instance.beat(WORKLOAD).unwrap();
    enrol(&instance, &stage.spec(), rules);
    instance
}

/// How often something could not be kept.
fn lost(instance: &Instance, reason: &str) -> u64 {
    let counters = instance.counters(WORKLOAD).unwrap();
    let mut lost = counters
        .iter()
        .filter(|counter| counter.verdict == Verdict::Lost);
    lost.find(|counter| counter.reason == reason)
        .map_or(0, |counter| counter.count)
}

plays! {
    fn a_flow_that_does_not_fit_has_no_origin(stage) {
        let mut stranger = Agent::stranger();
        let said = stranger.ask("listen 0.0.0.0:0").unwrap();
        let port: u16 = said.rsplit(':').next().unwrap().parse().unwrap();
        let away = RedirectRules { egress_port: port, ..RedirectRules::default() };
        let instance = sized(stage, &away, |limits| limits.flows = 1);
        let mut application = stage.application();
        // Nobody takes this flow, so it fills the map.
        application.ask(&format!("connect {FAR_V4}")).unwrap();
        let proxy = Proxy::listen();
        instance.set_rules(WORKLOAD, &proxy.rules(), 2).unwrap();
        application.ask(&format!("connect {FAR_V4}")).unwrap();
        let (_stream, origin) = proxy.accept(&instance);
        assert_eq!(origin, None, "which a proxy refuses");
        assert_eq!(lost(&instance, "flow-table-full"), 1);
    }

    fn a_connection_that_does_not_fit_works_and_is_not_listed(stage) {
        let proxy = Proxy::listen();
        let instance = sized(stage, &proxy.rules(), |limits| limits.connections = 2);
        let mut application = stage.application();
        for _ in 0..3 {
            application.ask(&format!("connect {FAR_V4}")).unwrap();
            let (_stream, origin) = proxy.accept(&instance);
            assert_eq!(origin.unwrap().destination, FAR_V4.parse().unwrap());
        }
        assert_eq!(instance.connections().unwrap().len(), 2);
        assert_eq!(lost(&instance, "connection-table-full"), 1);
    }

    fn closing_records_that_nobody_reads_are_counted(stage) {
        let proxy = Proxy::listen();
        let page = u32::try_from(rustix::param::page_size()).unwrap();
        let instance = sized(stage, &proxy.rules(), |limits| limits.closed_bytes = page);
        let mut application = stage.application();
        let connections = u64::from(page / 64);
        for _ in 0..connections {
            let id = application.ask(&format!("connect {FAR_V4}")).unwrap();
            application.ask(&format!("reset {id}")).unwrap();
        }
        stage.wait_empty("CONNECTIONS");
        let mut closed = instance.closed().unwrap();
        let mut kept = 0;
        while closed.next_record().unwrap().is_some() {
            kept += 1;
        }
        assert!(kept > 0);
        assert_eq!(kept + lost(&instance, "closed-buffer-full"), connections);
    }

    fn sources_that_do_not_fit_keep_no_workload_out(stage) {
        let proxy = Proxy::listen();
        let instance = sized(stage, &proxy.rules(), |limits| limits.sources = 2);
        assert_eq!(stage.entries("SOURCES"), 2);
        let mut application = stage.application();
        let id = application.ask(&format!("connect {FAR_V4}")).unwrap();
        let (_stream, origin) = proxy.accept(&instance);
        assert_eq!(origin.unwrap().destination, FAR_V4.parse().unwrap());
        // The widest prefix is one of those kept.
        let shown = application.ask(&format!("local {id}")).unwrap();
        assert!(shown.starts_with(crate::stage::OWN_V4), "{shown}");
        instance.release(WORKLOAD).unwrap();
        assert_eq!(stage.entries("SOURCES"), 0);
    }

    fn rules_are_in_force_although_the_old_ones_cannot_be_removed(stage) {
        let proxy = Proxy::listen();
        let before = RedirectRules { app_ports: [8080].into(), ..proxy.rules() };
        let instance = stage.enrolled(&before);
        // No entry of it is written or removed by anybody any more.
        let pins = std::path::Path::new(tests::capability::BPFFS).join("ferromesh");
        let pin = pins.join(&stage.name).join("v2/maps/STEERED");
        syscall::freeze(aya::maps::MapData::from_pin(pin).unwrap().fd()).unwrap();
        instance.set_rules(WORKLOAD, &proxy.rules(), 2).unwrap();
        let report = stage.report();
        assert_eq!(report.workloads[0].rules.as_ref().unwrap().generation, 2);
        instance.set_rules(WORKLOAD, &proxy.rules(), 3).unwrap();
        assert_eq!(stage.entries("POLICIES"), 1, "what can be removed is");
    }

    fn full_maps_keep_the_rules_that_were_in_force(stage) {
        let proxy = Proxy::listen();
        let instance = sized(stage, &proxy.rules(), |limits| limits.networks = 8);
        let mut many = proxy.rules();
        for third in 0..100 {
            many.ignored_networks.insert(format!("10.0.{third}.0/24").parse().unwrap());
        }
        let refused = instance.set_rules(WORKLOAD, &many, 2).unwrap_err();
        assert!(matches!(refused, BpfError::Full { map: "NETWORKS", .. }), "{refused}");
        let report = stage.report();
        assert_eq!(report.workloads[0].rules.as_ref().unwrap().generation, 1);
        assert_eq!(stage.entries("NETWORKS"), 2);
        let mut application = stage.application();
        application.ask(&format!("connect {FAR_V4}")).unwrap();
        proxy.accept(&instance);
    }
}
