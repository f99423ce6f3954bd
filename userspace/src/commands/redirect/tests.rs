use mesh_bpf::{
    inspect::ProxyState,
    switch::{Switch, SwitchReport},
};

use super::Lines;

fn line(switch: Switch, configured: Option<bool>, proxy: ProxyState) -> String {
    let redirecting = match switch {
        Switch::AsConfigured => configured == Some(true),
        Switch::On => configured.is_some(),
        Switch::Off => false,
    };
    let report = SwitchReport {
        id: 0,
        workload: "web".to_owned(),
        redirecting,
        switch,
        configured,
        proxy,
    };
    Lines(&[report]).to_string()
}

#[test]
fn every_course_has_its_sentence() {
    use Switch::{AsConfigured, Off, On};
    let up = ProxyState::Up;
    assert_eq!(line(AsConfigured, Some(true), up), "web: redirecting\n");
    assert_eq!(line(On, Some(true), up), "web: redirecting\n");
    assert!(line(AsConfigured, Some(false), up).contains("APPMESH_START_ENABLED"));
    assert!(line(On, Some(false), up).contains("switched on although"));
    assert!(line(Off, Some(true), up).contains("switched off"));
    assert!(line(On, None, up).contains("no rules"));
}

#[test]
fn a_silent_proxy_is_told_where_it_matters() {
    assert!(line(Switch::On, Some(true), ProxyState::Silent).contains("SILENT"));
    assert!(!line(Switch::Off, Some(true), ProxyState::Silent).contains("SILENT"));
}

#[test]
fn an_instance_without_workloads_says_so() {
    assert_eq!(Lines(&[]).to_string(), "no workload is enrolled\n");
}
