//! What a daemon shows of its traffic as it passes: `ferromesh tap`, `ferromesh explain --live`, and in one
//! word why a request failed.

use rustix::process::Signal;
use serde_json::{Value, json};
use tests::{
    capability,
    daemon::Daemon,
    network::Purpose,
    process::Process,
    scenario::{Scenario, URL, assert_redirected},
    wait,
};

/// The cluster of `serviceB`.
const CLUSTER: &str = "cds_egress_apps_serviceB_http2_80";
/// What must never be shown.
const SECRET: &str = "s3cr3t";

/// `ferromesh tap` with these flags, once it watches.
fn tap(scenario: &Scenario, daemon: &Daemon, name: &str, flags: &[&str]) -> Process {
    let log = scenario.service_a.directory().join(format!("{name}.log"));
    let command = daemon.command("tap", flags).unwrap();
    let mut tap = Process::spawn("ferromesh tap", command, &log).unwrap();
    wait::until_true("the watcher", || {
        tap.ensure_running()?;
        Ok(tap.log().contains("watching"))
    })
    .unwrap();
    tap
}

/// What a watcher printed for machines.
fn objects(tap: &Process) -> Vec<Value> {
    let log = tap.log();
    let lines = log.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What a person is shown of the requests: a line each, without the query.
fn assert_three_lines(shown: &str) {
    let lines: Vec<&str> = shown
        .lines()
        .filter(|line| line.contains(" GET "))
        .collect();
    assert_eq!(lines.len(), 3, "{shown}");
    for line in lines {
        assert!(line.contains(" serviceA     egress  "), "{line}");
        assert!(
            line.contains(" serviceb.apps.local/colour?key=… → "),
            "{line}"
        );
        assert!(line.contains(": 200, "), "{line}");
    }
}

/// What a program is shown of them: an object each, without what its headers keep secret.
fn assert_three_objects(objects: &[Value]) {
    assert_eq!(objects.len(), 3, "{objects:#?}");
    for object in objects {
        assert_eq!(object["status"], 200, "{object:#}");
        assert_eq!(
            object["virtual_service"], "serviceb.apps.local",
            "{object:#}"
        );
        let hidden = json!({ "name": "authorization", "value": "[redacted]" });
        let headers = object["headers"].as_array().unwrap();
        assert!(headers.contains(&hidden), "{object:#}");
    }
}

#[test]
fn requests_are_shown_as_they_pass_without_their_secrets() {
    if !capability::namespace_ring() {
        return;
    }
    let (scenario, daemon) = Scenario::redirected(|settings| settings).unwrap();
    let wanted = [
        "--service",
        "serviceb.apps.local",
        "--header",
        "x-user=anne",
    ];
    let ends = ["--count", "3"];
    let mut people = tap(&scenario, &daemon, "people", &[&wanted[..], &ends].concat());
    let mut machines = tap(
        &scenario,
        &daemon,
        "machines",
        &[&wanted[..], &ends, &["--json"]].concat(),
    );
    let mut ingress = tap(&scenario, &daemon, "ingress", &["--direction", "ingress"]);
    let stranger = tap(&scenario, &daemon, "stranger", &["--workload", "nobody"]);
    let warned = stranger.log();
    let warning = "no workload `nobody` is enrolled yet; those that are: serviceA\n";
    assert!(warned.contains(warning), "{warned}");
    let secret = format!("authorization: Bearer {SECRET}");
    let curl = scenario.curl().args(["--header", &secret]);
    let (anne, bert) = ("x-user: anne", "x-user: bert");
    for user in [bert, anne, anne, anne] {
        let url = format!("{URL}colour?key={SECRET}");
        let answer = curl.clone().args(["--header", user]).get(&url).unwrap();
        assert!(answer.is_ok(), "{answer:?}");
    }
    for watcher in [&mut people, &mut machines] {
        let ended = watcher.wait(wait::DEADLINE).unwrap();
        assert!(ended.success(), "{ended}: {}", watcher.log());
        let said = watcher.log();
        assert!(!said.contains(SECRET), "{said}");
        assert!(said.contains(", 3 shown, 1 not asked for"), "{said}");
        assert!(
            said.contains("for each request that was looked at"),
            "{said}"
        );
    }
    assert_three_lines(&people.log());
    assert_three_objects(&objects(&machines));
    ingress.signal(Signal::INT).unwrap();
    assert!(ingress.wait(wait::DEADLINE).unwrap().success());
    let said = ingress.log();
    assert!(said.contains("0 requests passed, 0 shown"), "{said}");
}

#[test]
fn a_request_that_fails_says_why_in_one_word_wherever_one_looks() {
    if !capability::namespace_ring() {
        return;
    }
    let mut scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.documents.set_weights(100, 0).unwrap();
    let access_log = json!({ "accessLog": { "file": { "path": "/dev/stdout" } } });
    let node = |node: &mut Value| node["spec"]["logging"] = access_log;
    scenario
        .documents
        .edit("virtualNodeName", "serviceA", node)
        .unwrap();
    let settings = scenario.daemon_a().env("FERROMESH_ACCESS_LOG_REASON", "on");
    let mut daemon = settings.start().unwrap();
    assert_redirected(&scenario, &daemon);
    let flags = ["--status", "5xx", "--reason", "connect-refused", "--json"];
    let mut watcher = tap(&scenario, &daemon, "failures", &flags);
    scenario.web_b.stop().unwrap();
    let answer = scenario.curl().get(URL).unwrap();
    assert_eq!(answer.status, 503, "{answer:?}");
    let shown: Value = wait::until("the failed request", || {
        watcher.ensure_running()?;
        Ok(objects(&watcher).pop())
    })
    .unwrap();
    assert_eq!(shown["status"], 503, "{shown:#}");
    assert_eq!(shown["reason"], "connect-refused", "{shown:#}");
    assert_eq!(shown["cluster"], CLUSTER, "{shown:#}");
    let name = format!("request_failure.egress.{CLUSTER}.connect-refused");
    assert_eq!(daemon.stat(&name).unwrap(), 1);
    let metrics = daemon.admin("/stats/prometheus").unwrap();
    let metric = format!(
        "ferromesh_request_failure{{reason=\"connect-refused\",direction=\"egress\",\
         envoy_cluster_name=\"{CLUSTER}\"}} 1"
    );
    assert!(metrics.lines().any(|line| line == metric), "{metrics}");
    wait::until_true("the line of the access log", || {
        let log = daemon.log();
        let mut lines = log.lines().filter(|line| line.contains("\" 503 "));
        Ok(lines.any(|line| line.ends_with(" connect-refused")))
    })
    .unwrap();
    daemon.kill().unwrap();
    let ended = watcher.wait(wait::DEADLINE).unwrap();
    assert_eq!(ended.code(), Some(1), "{ended}");
    let said = watcher.log();
    assert!(said.contains("the daemon has ended"), "{said}");
    let dead = daemon.ask("tap", &[]).unwrap();
    assert_eq!(dead.status.code(), Some(1));
    assert!(
        dead.stderr.contains("no daemon of instance"),
        "{}",
        dead.stderr
    );
}

/// What `explain --live` says of a request to `serviceB`.
fn explained(daemon: &Daemon) -> String {
    let said = daemon.ask("explain", &["--live", URL]).unwrap();
    assert!(said.status.success(), "{}", said.stderr);
    said.stdout
}

fn assert_explained(daemon: &Daemon, words: &[&str]) {
    let text = explained(daemon);
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
}

fn assert_unexplained(daemon: &Daemon, options: &[&str], why: &str) {
    let arguments = [&["--live"], options, &[URL]].concat();
    let said = daemon.ask("explain", &arguments).unwrap();
    assert_eq!(said.status.code(), Some(1));
    assert!(said.stderr.contains(why), "{}", said.stderr);
}

/// Asks for the service until its endpoint is ejected; what is said of that endpoint.
fn ejected(scenario: &Scenario, daemon: &Daemon) -> Value {
    wait::until("the ejection", || {
        // One of four goes to the other service.
        scenario.curl().get(URL)?;
        let said = daemon.ask("explain", &["--live", "--json", URL])?;
        let said: Value = serde_json::from_str(&said.stdout)?;
        assert_eq!(said["explanation"]["outcome"], "routed", "{said:#}");
        let clusters = said["live"]["clusters"].as_array().cloned();
        let mut clusters = clusters.unwrap_or_default().into_iter();
        let cluster = clusters.find(|cluster| cluster["name"] == CLUSTER);
        Ok(cluster.and_then(|cluster| cluster["unfit"].get(0).cloned()))
    })
    .unwrap()
}

#[test]
fn a_request_is_explained_by_what_is_in_force_and_not_by_what_was_refused() {
    if !capability::namespace_ring() {
        return;
    }
    let mut scenario = Scenario::start(Purpose::Test).unwrap();
    let seconds = |value: u32| json!({ "unit": "s", "value": value });
    let detection = json!({ "maxServerErrors": 1, "interval": seconds(10),
        "baseEjectionDuration": seconds(300), "maxEjectionPercent": 100 });
    let node = |node: &mut Value| node["spec"]["listeners"][0]["outlierDetection"] = detection;
    let documents = &scenario.documents;
    documents.edit("virtualNodeName", "serviceB", node).unwrap();
    let mut daemon = scenario.daemon_a().start().unwrap();
    assert_redirected(&scenario, &daemon);
    let first = daemon.configuration().unwrap().generation;
    let share = "75 % (75 of 100) to cds_egress_apps_serviceB_http2_80";
    let fit = format!("{CLUSTER}: 1 of 1 endpoints fit");
    let generation = format!("generation {first} in force");
    assert_explained(&daemon, &[share, &fit, &generation]);

    scenario.documents.set_weights(0, 100).unwrap();
    daemon
        .wait_configuration("the new weights", |now| now.generation > first)
        .unwrap();
    let all = "100 % (100 of 100) to cds_egress_apps_serviceBv2_http2_80";
    assert_explained(&daemon, &[all]);

    let back = daemon.ask("rollback", &[]).unwrap();
    assert!(back.status.success(), "{}", back.stderr);
    scenario.documents.write("broken.json", "{").unwrap();
    daemon
        .wait_configuration("the refusal", |now| !now.problems.is_empty())
        .unwrap();
    assert_explained(&daemon, &[share, "REFUSED"]);

    scenario.web_b.stop().unwrap();
    let unfit = ejected(&scenario, &daemon);
    assert!(
        unfit["reason"].as_str().is_some_and(|why| !why.is_empty()),
        "{unfit:#}"
    );
    let unfit = format!("{CLUSTER}: 0 of 1 endpoints fit");
    assert_explained(&daemon, &[&unfit, "UNFIT"]);

    assert_unexplained(&daemon, &["--workload", "none"], "no workload `none` runs");
    daemon.kill().unwrap();
    assert_unexplained(&daemon, &[], "no daemon runs as instance");
}
