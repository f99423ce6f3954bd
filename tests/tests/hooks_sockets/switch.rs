//! Redirection switched on and off for new connections, by the pins alone.

use std::{os::fd::AsFd as _, path::Path};

use mesh_bpf::{
    BpfError, Instance,
    switch::{self, Switch},
};
use mesh_model::redirect::RedirectRules;
use tests::capability::BPFFS;

use crate::stage::{Agent, FAR_V4, OWN_V4, Proxy, Stage, WORKLOAD, assert_counted, plays};

fn turn(stage: &Stage, on: bool) -> switch::SwitchReport {
    let mut reports = switch::set(Path::new(BPFFS), &stage.name, Some("played"), on).unwrap();
    assert_eq!(reports.len(), 1);
    reports.remove(0)
}

/// That a connection which nothing but redirection answers is redirected.
fn is_redirected(instance: &Instance, proxy: &Proxy, application: &mut Agent) {
    application.ask(&format!("connect {FAR_V4}")).unwrap();
    let (_stream, origin) = proxy.accept(instance);
    assert_eq!(origin.unwrap().destination, FAR_V4.parse().unwrap());
}

fn goes_direct(application: &mut Agent) {
    let attempt = application.ask(&format!("attempt {FAR_V4}")).unwrap();
    assert_eq!(attempt, "InProgress", "it went out");
}

plays! {
    fn off_and_on_without_a_daemon(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application();
        let id = application.ask(&format!("connect {FAR_V4}")).unwrap();
        let (mut stream, _) = proxy.accept(&instance);
        drop(instance);
        let report = turn(stage, false);
        assert_eq!((report.redirecting, report.switch), (false, Switch::Off));
        goes_direct(&mut application);
        // What lives goes on.
        std::io::Write::write_all(&mut stream, b"abc").unwrap();
        application.ask(&format!("receive {id} 3")).unwrap();
        // The next daemon does not switch it on again.
        let instance = stage.enrolled(&proxy.rules());
        goes_direct(&mut application);
        assert_counted(&instance, "egress direct switched-off", 2);
        assert_eq!(stage.report().workloads[0].switch, Switch::Off);
        let report = turn(stage, true);
        assert_eq!((report.redirecting, report.switch), (true, Switch::On));
        is_redirected(&instance, &proxy, &mut application);
    }

    fn on_although_the_rules_begin_with_off(stage) {
        let proxy = Proxy::listen();
        let rules = RedirectRules { enabled: false, ..proxy.rules() };
        let instance = stage.enrolled(&rules);
        let mut application = stage.application();
        goes_direct(&mut application);
        assert_counted(&instance, "egress direct disabled", 1);
        let before = switch::read(Path::new(BPFFS), &stage.name, None).unwrap();
        assert_eq!((before[0].redirecting, before[0].configured), (false, Some(false)));
        assert!(turn(stage, true).redirecting);
        is_redirected(&instance, &proxy, &mut application);
        // Rules that come later do not undo it.
        instance.set_rules(WORKLOAD, &rules, 2).unwrap();
        is_redirected(&instance, &proxy, &mut application);
    }

    fn off_for_what_comes(stage) {
        let proxy = Proxy::listen();
        let rules = RedirectRules { app_ports: [8080].into(), ..proxy.rules() };
        let instance = stage.enrolled(&rules);
        instance.steer_ingress(WORKLOAD, proxy.v4.as_fd(), None).unwrap();
        let mut application = stage.application();
        let said = application.ask("listen 0.0.0.0:8080").unwrap();
        let listener = said.split(' ').next().unwrap().to_owned();
        let mut client = Agent::neighbour();
        turn(stage, false);
        client.ask(&format!("connect {OWN_V4}:8080")).unwrap();
        application.ask(&format!("accept {listener}")).unwrap();
        assert_counted(&instance, "ingress direct switched-off", 1);
        turn(stage, true);
        client.ask(&format!("connect {OWN_V4}:8080")).unwrap();
        proxy.accept(&instance);
    }

    fn off_while_the_proxy_is_down(stage) {
        let instance = stage.enrolled(&RedirectRules::default());
        instance.rest(WORKLOAD).unwrap();
        turn(stage, false);
        goes_direct(&mut stage.application());
    }

    fn a_workload_that_is_released_leaves_its_switch_to_nobody(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        turn(stage, false);
        instance.release(WORKLOAD).unwrap();
        let local = mesh_bpf::local::networks().unwrap();
        instance.enrol(&stage.spec(), &proxy.rules(), 2, &local).unwrap();
        instance.beat(WORKLOAD).unwrap();
        is_redirected(&instance, &proxy, &mut stage.application());
    }

    fn what_is_not_there_cannot_be_switched(stage) {
        let bpffs = Path::new(BPFFS);
        let refused = switch::set(bpffs, "no-such-instance", None, false).unwrap_err();
        assert!(matches!(refused, BpfError::NoInstance { .. }), "{refused}");
        let _instance = stage.enrolled(&RedirectRules::default());
        let refused = switch::set(bpffs, &stage.name, Some("other"), false).unwrap_err();
        assert!(matches!(refused, BpfError::NoWorkload { .. }), "{refused}");
        assert_eq!(switch::read(bpffs, &stage.name, None).unwrap().len(), 1);
    }
}
