//! `ferromesh check`.

use std::process::Command;

use serde_json::Value;
use tests::{
    capability,
    cgroup::Cgroup,
    daemon::{Daemon, binary, uninstall},
    host::Place,
    process::{self, Output},
    scenario::Scenario,
    wait,
    web::{Speaks, WebServer},
};

use crate::ask;

/// The facts of a level that the check finds, with their mends.
fn findings(said: &Output, level: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(&said.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", said.stderr));
    let all = report["findings"].as_array().unwrap();
    let of_level = all.iter().filter(|finding| finding["level"] == level);
    of_level
        .map(|finding| format!("{} → {}", finding["fact"], finding["mend"]))
        .collect()
}

fn has(findings: &[String], words: &[&str]) -> bool {
    let mut all = findings.iter();
    all.any(|finding| words.iter().all(|word| finding.contains(word)))
}

/// What others than Ferromesh may have left in the namespace of `serviceA`: chains and a rule of
/// routing that take connections too.
fn litter(scenario: &Scenario) {
    let netns = scenario.service_a.netns();
    for (program, chain) in [
        ("iptables-nft", "APPMESH_EGRESS"),
        ("iptables-legacy", "ISTIO_OUTPUT"),
        ("ip6tables-nft", "APPMESH_INGRESS"),
    ] {
        let mut make = netns.command(program);
        process::run(make.args(["-t", "nat", "-N", chain])).unwrap();
    }
    netns
        .configure(&[
            "rule add fwmark 0x1234 lookup 100".to_owned(),
            "route add local default dev lo table 100".to_owned(),
        ])
        .unwrap();
}

#[test]
fn a_check_finds_what_is_in_the_way_and_what_was_half_removed() {
    if !capability::namespace_ring() {
        return;
    }
    let (scenario, mut daemon) = Scenario::redirected(|settings| settings).unwrap();
    let well = ask(&scenario, &daemon, &["check", "--json"]);
    let instance = format!("`{}`", daemon.instance());
    let errors = findings(&well, "error");
    assert!(
        !has(&errors, &[&instance]) && !has(&errors, &["chain"]),
        "{errors:#?}"
    );
    assert!(has(
        &findings(&well, "ok"),
        &["the caller's namespace", "15001", "free or Ferromesh's"]
    ));
    assert!(has(&findings(&well, "ok"), &["the kernel takes all"]));

    litter(&scenario);
    daemon.kill().unwrap();
    let ill = wait::until("the end of the heartbeat", || {
        let said = ask(&scenario, &daemon, &["check", "--json"]);
        Ok(has(&findings(&said, "error"), &[&instance, "silent"]).then_some(said))
    })
    .unwrap();
    assert_eq!(ill.status.code(), Some(1));
    let errors = findings(&ill, "error");
    for words in [
        &["APPMESH_EGRESS", "IPv4, nf_tables", "iptables-nft-save"][..],
        &["APPMESH_INGRESS", "IPv6, nf_tables", "ip6tables-nft-save"],
        &["ISTIO_OUTPUT", "iptables-legacy", "Istio"],
        &[&instance, "no daemon runs"],
        &[&instance, "silent", "new connections are refused"],
    ] {
        assert!(has(&errors, words), "no {words:?} in {errors:#?}");
    }
    let warnings = findings(&ill, "warning");
    assert!(
        has(&warnings, &["0x1234", "table 100", "rule del"]),
        "{warnings:#?}"
    );

    let text = ask(&scenario, &daemon, &["check"]).stdout;
    assert!(text.contains("ERROR") && text.contains("→"), "{text}");
}

#[test]
fn a_port_that_another_process_has_is_named_with_that_process() {
    if !capability::namespace_ring() {
        return;
    }
    let (scenario, _daemon) = Scenario::redirected(|settings| settings).unwrap();
    let b = &scenario.service_b;
    let ports = [(15001, Speaks::Http1)];
    let _other = WebServer::start(b, Place::Outside, "other", &ports).unwrap();
    let mut check = b.netns().command(binary().unwrap());
    let said = process::output(check.args(["check", "--json", "--instance", "nobodys"])).unwrap();
    let errors = findings(&said, "error");
    assert!(
        has(&errors, &["15001", "nginx (pid ", "--egress-port"]),
        "{errors:#?}"
    );
    assert_eq!(said.status.code(), Some(1));
}

/// Attaches the daemon's `connect4` to a cgroup as the only program there, and says its id.
fn claim(daemon: &Daemon, cgroup: &Cgroup) -> String {
    let status = daemon.ask_json("status").unwrap();
    let links = status["kernel"]["links"].as_array().unwrap();
    let connect = links
        .iter()
        .find(|link| link["pin"].as_str().unwrap().ends_with("/connect4"))
        .unwrap();
    let id = connect["program_id"].to_string();
    let bpftool = capability::find("bpftool").expect("bpftool is installed");
    let mut attach = Command::new(&bpftool);
    attach.args(["cgroup", "attach"]).arg(cgroup.path());
    process::run(attach.args(["connect4", "id", &id])).unwrap();
    id
}

/// `ferromesh run` for a workload, to its end.
fn run_to_end(scenario: &Scenario, instance: &str, workload: &str) -> Output {
    let mut run = scenario
        .service_b
        .command(Place::Outside, binary().unwrap());
    run.args(["run", "--instance", instance, "--workload-cgroup", workload]);
    run.args(["--resource", "mesh/apps/virtualNode/serviceB"]);
    run.arg("--mesh-config").arg(scenario.documents.directory());
    let state = scenario.network.directory().join("state-claimed");
    run.arg("--state-dir").arg(&state);
    let said = process::output(&mut run);
    uninstall(instance).unwrap();
    said.unwrap()
}

#[test]
fn a_program_that_has_a_cgroup_for_itself_is_named_where_it_is_in_the_way() {
    if !capability::namespace_ring() {
        return;
    }
    let (scenario, daemon) = Scenario::redirected(|settings| settings).unwrap();
    let above = Cgroup::create(&format!("fmt-{}-claimed", std::process::id())).unwrap();
    let below = above.child("workload").unwrap();
    let id = claim(&daemon, &above);

    let workload = below.path().to_str().unwrap();
    let place = above.path().to_str().unwrap();
    let mut check = scenario.service_b.netns().command(binary().unwrap());
    check.args([
        "check",
        "--json",
        "--instance",
        "claimed",
        "--workload-cgroup",
        workload,
    ]);
    let said = process::output(&mut check).unwrap();
    let errors = findings(&said, "error");
    let detach = format!("bpftool cgroup detach {place} connect4 id {id}");
    assert!(
        has(&errors, &["for itself", "on_connect4", place, &detach]),
        "{errors:#?}"
    );

    let said = run_to_end(
        &scenario,
        &format!("{}-claimed", daemon.instance()),
        workload,
    );
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    for word in ["on_connect4", place, "BPF_F_ALLOW_MULTI", &detach] {
        assert!(said.stderr.contains(word), "no {word} in {}", said.stderr);
    }
}
