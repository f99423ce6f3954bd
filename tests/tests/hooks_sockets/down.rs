//! What a workload gets while its proxy is down: refused at once, or let through, as it chose.

use std::time::{Duration, Instant};

use mesh_bpf::{Instance, ProxyKind, WorkloadSpec, local};
use mesh_model::redirect::{OnProxyDown, RedirectRules};
use tests::wait;

use crate::stage::{
    Agent, FAR_V4, FAR_V6, Proxy, Stage, WORKLOAD, assert_counted, enrol, fail, object, plays,
};

/// A stage whose proxy beats once and may then be silent for so long.
fn beating(stage: &Stage, rules: &RedirectRules, heartbeat: Duration) -> Instance {
    let mut settings = stage.settings();
    settings.heartbeat = heartbeat;
    let instance = Instance::open(&settings, object()).unwrap_or_else(|error| fail(&error));
    enrol(&instance, &stage.spec(), rules);
    instance
}

/// Every way of connecting is refused, and at once.
fn assert_refused(stage: &Stage) {
    let mut application = stage.application();
    let ways = [
        (
            FAR_V4,
            [
                "",
                " v6",
                " nonblocking",
                " from=192.0.2.1:0",
                " device=own0",
            ]
            .as_slice(),
        ),
        (
            FAR_V6,
            ["", " nonblocking", " from=[2001:db8::1]:0", " device=own0"].as_slice(),
        ),
    ];
    for (to, ways) in ways {
        for how in ways {
            let began = Instant::now();
            let refusal = application.ask(&format!("connect {to}{how}")).unwrap_err();
            assert!(
                refusal.starts_with("ConnectionRefused"),
                "{to}{how}: {refusal}"
            );
            let took = began.elapsed();
            assert!(took < Duration::from_secs(3), "{to}{how}: {took:?}");
        }
    }
    stage.wait_empty("FLOWS");
    stage.wait_empty("CONNECTIONS");
}

/// A connection goes where it was going: to an agent of nobody's, on an address that is not local
/// by the rules.
fn assert_bypassed(stage: &Stage) {
    let mut stranger = Agent::stranger();
    let said = stranger.ask("listen 192.0.2.1:0").unwrap();
    let (listener, address) = said.split_once(' ').unwrap();
    let mut application = stage.application();
    let id = application.ask(&format!("connect {address}")).unwrap();
    stranger.ask(&format!("accept {listener}")).unwrap();
    assert_eq!(application.ask(&format!("peer {id}")).unwrap(), address);
}

fn rules(port: u16, on_proxy_down: OnProxyDown) -> RedirectRules {
    RedirectRules {
        ipv6: true,
        egress_port: port,
        on_proxy_down,
        ..RedirectRules::default()
    }
}

/// A port on which nobody listens.
fn free_port() -> u16 {
    Proxy::listen().port
}

plays! {
    fn refused_without_a_listener(stage) {
        let instance = stage.enrolled(&rules(free_port(), OnProxyDown::Refuse));
        assert_refused(stage);
        assert_counted(&instance, "egress refused proxy-absent", 9);
    }

    fn refused_by_a_proxy_that_never_beat(stage) {
        let proxy = Proxy::listen();
        let rules = rules(proxy.port, OnProxyDown::Refuse);
        let instance = beating(stage, &rules, Duration::from_mins(10));
        assert_refused(stage);
        assert_counted(&instance, "egress refused proxy-silent", 9);
        instance.beat(WORKLOAD).unwrap();
        let mut application = stage.application();
        application.ask(&format!("connect {FAR_V4}")).unwrap();
        instance.rest(WORKLOAD).unwrap();
        application.ask(&format!("connect {FAR_V4}")).unwrap_err();
    }

    fn refused_when_the_heartbeat_is_over(stage) {
        let proxy = Proxy::listen();
        let rules = rules(proxy.port, OnProxyDown::Refuse);
        let instance = beating(stage, &rules, Duration::from_millis(50));
        instance.beat(WORKLOAD).unwrap();
        let mut application = stage.application();
        wait::until_true("a proxy that counts as silent", || {
            Ok(application.ask(&format!("connect {FAR_V4}")).is_err())
        })
        .unwrap();
        drop(application);
        assert_refused(stage);
    }

    fn bypassed_without_a_listener(stage) {
        let instance = stage.enrolled(&rules(free_port(), OnProxyDown::Bypass));
        instance.set_local_addresses(WORKLOAD, &[]).unwrap();
        assert_bypassed(stage);
        assert_counted(&instance, "egress direct proxy-absent", 1);
    }

    fn bypassed_when_the_heartbeat_is_over(stage) {
        let proxy = Proxy::listen();
        let rules = rules(proxy.port, OnProxyDown::Bypass);
        let instance = beating(stage, &rules, Duration::from_mins(10));
        instance.set_local_addresses(WORKLOAD, &[]).unwrap();
        assert_bypassed(stage);
        assert_counted(&instance, "egress direct proxy-silent", 1);
    }

    fn an_external_proxy_has_no_heartbeat(stage) {
        let proxy = Proxy::listen();
        let instance = stage.instance();
        let local = local::networks().unwrap();
        let rules = rules(proxy.port, OnProxyDown::Refuse);
        let external = WorkloadSpec { proxy: ProxyKind::External, ..stage.spec() };
        instance.enrol(&external, &rules, 1, &local).unwrap();
        // Neither says anything of a proxy that has no heartbeat.
        instance.beat(WORKLOAD).unwrap();
        instance.rest(WORKLOAD).unwrap();
        let mut application = stage.application();
        application.ask(&format!("connect {FAR_V4}")).unwrap();
        let (_stream, origin) = proxy.accept(&instance);
        assert_eq!(origin.unwrap().destination, FAR_V4.parse().unwrap());
        drop(proxy);
        drop(application);
        assert_refused(stage);
    }

    fn a_proxy_of_ours_after_an_external_one_is_down_until_it_beats(stage) {
        let proxy = Proxy::listen();
        let instance = stage.instance();
        let local = local::networks().unwrap();
        let rules = rules(proxy.port, OnProxyDown::Refuse);
        let external = WorkloadSpec { proxy: ProxyKind::External, ..stage.spec() };
        instance.enrol(&external, &rules, 1, &local).unwrap();
        let mut application = stage.application();
        application.ask(&format!("connect {FAR_V4}")).unwrap();
        instance.enrol(&stage.spec(), &rules, 2, &local).unwrap();
        application.ask(&format!("connect {FAR_V4}")).unwrap_err();
        assert_counted(&instance, "egress refused proxy-silent", 1);
        instance.beat(WORKLOAD).unwrap();
        application.ask(&format!("connect {FAR_V4}")).unwrap();
    }
}
