//! Why: explanations, watched decisions, the look at a host, and what support gets, beside a
//! daemon through which requests go.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::Signal;
use serde_json::Value;
use tests::{
    capability,
    cgroup::Cgroup,
    daemon::{Daemon, binary, uninstall},
    host::Place,
    network::Purpose,
    process::{self, Output, Process},
    scenario::{FROM_APPLICATION, Scenario, URL},
    wait,
    web::{Speaks, WebServer},
};

/// One request that has to go through the proxy, so that what follows means something.
fn assert_redirects(scenario: &Scenario, daemon: &Daemon) {
    let before = daemon.stat(FROM_APPLICATION).unwrap();
    let answer = scenario.curl().get(URL).unwrap();
    assert_eq!(
        daemon.stat(FROM_APPLICATION).unwrap(),
        before + 1,
        "{answer:?}"
    );
}

/// A command of ferromesh in the namespace of `serviceA`, for the daemon's instance.
fn ask(scenario: &Scenario, daemon: &Daemon, words: &[&str]) -> Output {
    let (command, arguments) = words.split_first().unwrap();
    let mut inside = scenario.service_a.netns().command(binary().unwrap());
    inside
        .args([command, "--instance", daemon.instance()])
        .args(arguments);
    process::output(&mut inside).unwrap()
}

fn explain(scenario: &Scenario, daemon: &Daemon, who: &[&str], to: &str) -> Value {
    let words = [&["explain-connect", "--json"], who, &[to]].concat();
    let said = ask(scenario, daemon, &words);
    assert!(said.status.success(), "{said:?}");
    let answer: Value = serde_json::from_str(&said.stdout).unwrap();
    answer["explanation"].clone()
}

/// A process that does nothing, in one place of `serviceA`, once it is there.
fn sleeper(scenario: &Scenario, place: Place) -> Process {
    let log = scenario.service_a.directory().join("sleep.log");
    let mut command = scenario.service_a.command(place, "sleep");
    command.arg("1000");
    let sleeper = Process::spawn("sleep", command, &log).unwrap();
    let name = format!("/proc/{}/comm", sleeper.pid());
    wait::until_true("the process to be in its place", || {
        Ok(fs::read_to_string(&name)?.trim() == "sleep")
    })
    .unwrap();
    sleeper
}

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

#[test]
fn an_explanation_names_the_rule_with_the_daemon_alive_and_dead() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let settings = scenario
        .daemon_a()
        .env("APPMESH_EGRESS_IGNORED_PORTS", "8081");
    let mut daemon = settings.start().unwrap();
    assert_redirects(&scenario, &daemon);
    let cgroup = scenario.service_a.cgroup(Place::Workload);
    let cgroup = cgroup.to_str().unwrap();
    let who = ["--cgroup", cgroup];
    let b = scenario.service_b.v4();
    let to_b = format!("{b}:80");

    let redirected = explain(&scenario, &daemon, &who, &to_b);
    assert_eq!(redirected["verdict"], "redirected", "{redirected:#}");
    let target = redirected["target"].as_str().unwrap();
    assert!(target.starts_with("127.") && target.ends_with(":15001"));
    let ignored = explain(&scenario, &daemon, &who, &format!("{b}:8081"));
    assert_eq!(ignored["reason"], "ignored-port", "{ignored:#}");
    let own = format!("{}:80", scenario.service_a.v4());
    let local = explain(&scenario, &daemon, &who, &own);
    assert_eq!(local["reason"], "local-destination", "{local:#}");

    // A process of the workload, by its number, and one beside it.
    let inside = sleeper(&scenario, Place::Workload);
    let pid = inside.pid().to_string();
    let process = explain(&scenario, &daemon, &["--pid", &pid], &to_b);
    assert_eq!(process["verdict"], "redirected", "{process:#}");
    assert_eq!(process["notes"], Value::Array(vec![]), "{process:#}");
    let outside = sleeper(&scenario, Place::Outside);
    let pid = outside.pid().to_string();
    let stranger = explain(&scenario, &daemon, &["--pid", &pid], &to_b);
    assert_eq!(stranger["reason"], "not-enrolled", "{stranger:#}");
    assert_eq!(stranger["workloads"][0]["name"], "serviceA");

    daemon.kill().unwrap();
    let refused = explain(&scenario, &daemon, &who, &to_b);
    assert_eq!(refused["verdict"], "refused", "{refused:#}");
    assert_eq!(refused["reason"], "proxy-absent");
    let text = ask(
        &scenario,
        &daemon,
        &[&["explain-connect"][..], &who, &[&to_b]].concat(),
    );
    for word in ["REFUSED", "proxy-absent", "ECONNREFUSED", "mode is refuse"] {
        assert!(text.stdout.contains(word), "no {word} in {}", text.stdout);
    }
    let name = ask(
        &scenario,
        &daemon,
        &[&["explain-connect"][..], &who, &["serviceb.apps.local:80"]].concat(),
    );
    assert_eq!(name.status.code(), Some(2));
    assert!(name.stderr.contains("getent ahosts"), "{}", name.stderr);
}

#[test]
fn a_request_is_seen_while_it_is_watched_and_the_watcher_ends_as_it_is_told() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    let log = scenario.service_a.directory().join("trace.log");
    let mut command = Command::new(binary().unwrap());
    command.args(["trace", "--json", "--instance", daemon.instance()]);
    command.args(["--workload", "serviceA", "--filter", "port=80"]);
    let mut trace = Process::spawn("ferromesh trace", command, &log).unwrap();
    wait::until_true("the watcher", || {
        trace.ensure_running()?;
        Ok(trace.log().contains("watching"))
    })
    .unwrap();
    assert_redirects(&scenario, &daemon);
    let seen: Value = wait::until("the decision", || {
        let log = trace.log();
        let line = log.lines().find(|line| line.starts_with('{'));
        Ok(line.and_then(|line| serde_json::from_str(line).ok()))
    })
    .unwrap();
    assert_eq!(seen["verdict"], "redirected", "{seen:#}");
    assert_eq!(seen["workload"], "serviceA", "{seen:#}");
    assert_eq!(seen["process"]["name"], "curl", "{seen:#}");

    let second = daemon.ask("trace", &["--seconds", "1"]).unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(
        second.stderr.contains("watched already"),
        "{}",
        second.stderr
    );
    trace.signal(Signal::TERM).unwrap();
    assert!(trace.wait(wait::DEADLINE).unwrap().success());
    let third = daemon.ask("trace", &["--seconds", "1"]).unwrap();
    assert!(third.status.success(), "{}", third.stderr);
}

#[test]
fn a_check_finds_what_is_in_the_way_and_what_was_half_removed() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let mut daemon = scenario.daemon_a().start().unwrap();
    assert_redirects(&scenario, &daemon);
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
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    assert_redirects(&scenario, &daemon);
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

#[test]
fn a_program_that_has_a_cgroup_for_itself_is_named_where_it_is_in_the_way() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    assert_redirects(&scenario, &daemon);
    let status = daemon.ask_json("status").unwrap();
    let links = status["kernel"]["links"].as_array().unwrap();
    let connect = links
        .iter()
        .find(|link| link["pin"].as_str().unwrap().ends_with("/connect4"))
        .unwrap();
    let id = connect["program_id"].to_string();
    let above = Cgroup::create(&format!("fmt-{}-claimed", std::process::id())).unwrap();
    let below = above.child("workload").unwrap();
    let bpftool = capability::find("bpftool").expect("bpftool is installed");
    let mut attach = Command::new(&bpftool);
    attach.args(["cgroup", "attach"]).arg(above.path());
    process::run(attach.args(["connect4", "id", &id])).unwrap();

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

    let mut run = scenario
        .service_b
        .command(Place::Outside, binary().unwrap());
    let instance = format!("{}-claimed", daemon.instance());
    run.args([
        "run",
        "--instance",
        &instance,
        "--workload-cgroup",
        workload,
    ]);
    run.args(["--resource", "mesh/apps/virtualNode/serviceB"]);
    run.arg("--mesh-config").arg(scenario.documents.directory());
    let state = scenario.network.directory().join("state-claimed");
    run.arg("--state-dir").arg(&state);
    let said = process::output(&mut run);
    uninstall(&instance).unwrap();
    let said = said.unwrap();
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    for word in ["on_connect4", place, "BPF_F_ALLOW_MULTI", &detach] {
        assert!(said.stderr.contains(word), "no {word} in {}", said.stderr);
    }
}

#[test]
fn a_bundle_has_what_support_needs_and_no_secret() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let node = scenario.documents.directory().join("notes.txt");
    fs::write(
        &node,
        "DB_PASSWORD=SECRETdocument\nX=http://u:SECRETinfo@h/\n",
    )
    .unwrap();
    let settings = scenario
        .daemon_a()
        .env("AWS_SESSION_TOKEN", "SECRETtoken")
        .env("PLAIN", "SECRETplain");
    let daemon = settings.start().unwrap();
    assert_redirects(&scenario, &daemon);
    let mut application = scenario.service_a.command(Place::Workload, "sleep");
    application.arg("1000").env("DB_PASSWORD", "SECRETworkload");
    let log = scenario.service_a.directory().join("application.log");
    let _application = Process::spawn("sleep", application, &log).unwrap();

    let directory = scenario.network.directory();
    let archive = directory.join("bundle.tar.gz");
    let path = archive.to_str().unwrap();
    let said = daemon
        .ask("bundle", &["--output", path, "--with-documents"])
        .unwrap();
    assert!(said.status.success(), "{}", said.stderr);
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&archive).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let again = daemon.ask("bundle", &["--output", path]).unwrap();
    assert_eq!(again.status.code(), Some(1), "a file that is there stays");

    let inside = unpacked(&archive, directory);
    for name in [
        "manifest.txt",
        "check.txt",
        "status.json",
        "connections.json",
        "kernel.json",
        "settings.txt",
        "daemon.log",
        "stats-serviceA.txt",
        "documents.txt",
        "documents/notes.txt",
        "version.txt",
        "places.json",
    ] {
        let file = inside.join(name);
        assert!(
            file.is_file(),
            "no {name}: {}",
            fs::read_to_string(inside.join("manifest.txt")).unwrap()
        );
        assert!(fs::metadata(&file).unwrap().len() > 0, "{name} is empty");
    }
    let settings = fs::read_to_string(inside.join("settings.txt")).unwrap();
    assert!(
        settings.contains("AWS_SESSION_TOKEN (value left out)"),
        "{settings}"
    );
    let stats = fs::read_to_string(inside.join("stats-serviceA.txt")).unwrap();
    assert!(stats.contains(FROM_APPLICATION), "{stats}");
    let mut grep = Command::new("grep");
    let found = process::output(grep.args(["-r", "SECRET"]).arg(&inside)).unwrap();
    assert_eq!(found.stdout, "");
}

fn unpacked(archive: &Path, directory: &Path) -> PathBuf {
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(archive).arg("-C").arg(directory);
    process::run(&mut tar).unwrap();
    directory.join("ferromesh-bundle")
}
