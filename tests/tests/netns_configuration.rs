//! Bad documents: refused with place and mend, the last good configuration in force, at runtime
//! and after a restart. And good ones that are rolled back.

use serde_json::{Value, json};
use tests::{
    capability,
    daemon::Daemon,
    documents::Documents,
    network::Purpose,
    scenario::{FROM_APPLICATION, Scenario, URL},
};

/// One way to make the documents bad.
struct Mistake {
    what: &'static str,
    /// Words of the problem: the file or the field, and the rule or the mend.
    said: &'static [&'static str],
    make: fn(&Documents) -> anyhow::Result<()>,
}

fn weighted_targets(route: &mut Value) -> &mut Value {
    &mut route["spec"]["http2Route"]["action"]["weightedTargets"]
}

const MISTAKES: [Mistake; 6] = [
    Mistake {
        what: "a weight of 101",
        said: &["weightedTargets[0].weight", "101", "100"],
        make: |documents| {
            documents.edit("routeName", "serviceB", |route| {
                weighted_targets(route)[0]["weight"] = json!(101);
            })
        },
    },
    Mistake {
        what: "a virtual node that is not there",
        said: &["weightedTargets", "serviceX"],
        make: |documents| {
            documents.edit("routeName", "serviceB", |route| {
                weighted_targets(route)[0]["virtualNode"] = json!("serviceX");
            })
        },
    },
    Mistake {
        what: "JSON that ends too early",
        said: &["create-route.json:", "JSON"],
        make: |documents| {
            let file = documents.file_of("routeName", "serviceB")?;
            let text = documents.read(&file)?;
            documents.write(&file, &text[..text.len() / 2])
        },
    },
    Mistake {
        what: "a port out of range",
        said: &["portMapping.port", "70000", "65535"],
        make: |documents| {
            documents.edit("virtualNodeName", "serviceB", |node| {
                node["spec"]["listeners"][0]["portMapping"]["port"] = json!(70000);
            })
        },
    },
    Mistake {
        what: "a name inside spec",
        said: &["spec", "virtualRouterName", "out of"],
        make: |documents| {
            documents.edit("virtualRouterName", "serviceB", |router| {
                router["spec"]["virtualRouterName"] = json!("serviceB");
            })
        },
    },
    Mistake {
        what: "two files for one resource",
        said: &["create-virtual-router-again.json", "serviceB"],
        make: |documents| {
            let file = documents.file_of("virtualRouterName", "serviceB")?;
            documents.write("create-virtual-router-again.json", &documents.read(&file)?)
        },
    },
];

/// The text of every document, to put it back.
fn texts(documents: &Documents) -> Vec<(String, String)> {
    let files = std::fs::read_dir(documents.directory()).unwrap();
    files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .map(|file| (file.clone(), documents.read(&file).unwrap()))
        .collect()
}

fn put_back(documents: &Documents, good: &[(String, String)]) {
    for (file, _) in texts(documents) {
        if !good.iter().any(|(name, _)| *name == file) {
            documents.remove(&file).unwrap();
        }
    }
    for (file, text) in good {
        if documents.read(file).unwrap() != *text {
            documents.write(file, text).unwrap();
        }
    }
}

fn assert_named(mistake: &Mistake, problems: &[String]) {
    let text = problems.join("\n");
    for word in mistake.said {
        assert!(
            text.contains(word),
            "{}: no `{word}` in:\n{text}",
            mistake.what
        );
    }
}

/// Traffic goes through the proxy and where the good documents say: to serviceBv2 alone.
fn assert_last_good_in_force(scenario: &Scenario, daemon: &Daemon, what: &str) {
    assert_all_to("serviceBv2", scenario, daemon, what);
}

/// Traffic goes through the proxy, and all of it to one server.
fn assert_all_to(server: &str, scenario: &Scenario, daemon: &Daemon, what: &str) {
    let before = daemon.stat(FROM_APPLICATION).unwrap();
    let answers = scenario.curl().many(URL, 20).unwrap();
    assert_eq!(
        daemon.stat(FROM_APPLICATION).unwrap(),
        before + 20,
        "{what}"
    );
    assert_eq!(answers.from(server), 20, "{what}: {:?}", answers.failures());
}

#[test]
fn bad_documents_leave_the_last_good_configuration_in_force() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.documents.set_weights(0, 100).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    assert_last_good_in_force(&scenario, &daemon, "the first configuration");
    let good = texts(&scenario.documents);
    let before = daemon.configuration().unwrap();
    assert_eq!(before.problems, Vec::<String>::new());
    for mistake in &MISTAKES {
        (mistake.make)(&scenario.documents).unwrap();
        let refused = daemon
            .wait_configuration(mistake.what, |now| !now.problems.is_empty())
            .unwrap();
        assert_eq!(refused.generation, before.generation, "{}", mistake.what);
        assert_named(mistake, &refused.problems);
        assert_last_good_in_force(&scenario, &daemon, mistake.what);
        put_back(&scenario.documents, &good);
        daemon
            .wait_configuration("the mended documents", |now| now.problems.is_empty())
            .unwrap();
    }
    scenario.documents.set_weights(100, 0).unwrap();
    daemon
        .wait_configuration("good documents again", |now| {
            now.generation > before.generation
        })
        .unwrap();
    let answers = scenario.curl().many(URL, 20).unwrap();
    assert_eq!(answers.from("serviceB"), 20, "{:?}", answers.failures());
}

#[test]
fn a_restart_over_bad_documents_runs_the_last_good_ones_and_says_so() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.documents.set_weights(0, 100).unwrap();
    let mut daemon = scenario.daemon_a().start().unwrap();
    assert_last_good_in_force(&scenario, &daemon, "the first configuration");
    let good = texts(&scenario.documents);
    for mistake in [&MISTAKES[0], &MISTAKES[2]] {
        daemon.kill().unwrap();
        (mistake.make)(&scenario.documents).unwrap();
        daemon.restart().unwrap();
        let said = daemon.configuration().unwrap();
        assert!(said.from_last_good, "{}", mistake.what);
        assert_named(mistake, &said.problems);
        let page = daemon.ask("status", &[]).unwrap().stdout;
        assert!(page.contains("last good"), "{page}");
        assert_last_good_in_force(&scenario, &daemon, mistake.what);
        put_back(&scenario.documents, &good);
        daemon
            .wait_configuration("the mended documents", |now| {
                now.problems.is_empty() && !now.from_last_good
            })
            .unwrap();
    }
}

/// Runs `ferromesh rollback`, which has to succeed, and returns what it prints.
fn roll_back(daemon: &Daemon, arguments: &[&str]) -> String {
    let said = daemon.ask("rollback", arguments).unwrap();
    assert!(said.status.success(), "{arguments:?}: {}", said.stderr);
    said.stdout
}

#[test]
fn a_rollback_turns_live_traffic_back_and_holds_over_restarts_until_the_documents_change() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.documents.set_weights(100, 0).unwrap();
    let mut daemon = scenario.daemon_a().start().unwrap();
    assert_all_to("serviceB", &scenario, &daemon, "the first weights");
    let first = daemon.configuration().unwrap().generation;
    let load = scenario.curl().load(URL, 1);
    scenario.documents.set_weights(0, 100).unwrap();
    let second = daemon
        .wait_configuration("the new weights", |now| now.generation > first)
        .unwrap();
    let said = roll_back(&daemon, &[]);
    let named = format!("with the documents of generation {first}");
    assert!(said.contains(&named), "{said}");
    let answers = load.stop().unwrap();
    assert_eq!(answers.failures(), []);
    assert_all_to("serviceB", &scenario, &daemon, "the rollback");
    let rolled_back = daemon.configuration().unwrap();
    assert_eq!(rolled_back.rolled_back_to, Some(first));
    assert_eq!(rolled_back.generation, second.generation + 1);
    let page = daemon.ask("status", &[]).unwrap().stdout;
    assert!(page.contains("ROLLED BACK"), "{page}");

    let good = texts(&scenario.documents);
    for (what, mistake) in [("a restart", None), ("a bad edit", Some(&MISTAKES[0]))] {
        daemon.kill().unwrap();
        if let Some(mistake) = mistake {
            (mistake.make)(&scenario.documents).unwrap();
        }
        daemon.restart().unwrap();
        assert_eq!(
            daemon.configuration().unwrap().rolled_back_to,
            Some(first),
            "{what}"
        );
        assert_all_to("serviceB", &scenario, &daemon, what);
    }
    put_back(&scenario.documents, &good);
    daemon
        .wait_configuration("the mended documents", |now| now.problems.is_empty())
        .unwrap();
    assert_all_to("serviceB", &scenario, &daemon, "what was set aside");

    let unknown = daemon.ask("rollback", &["99"]).unwrap();
    assert!(!unknown.status.success());
    assert!(unknown.stderr.contains("kept are"), "{}", unknown.stderr);
    let listed = roll_back(&daemon, &["--list"]);
    assert!(listed.contains("changed create-route.json"), "{listed}");

    roll_back(&daemon, &["--release"]);
    assert_all_to("serviceBv2", &scenario, &daemon, "the release");
    roll_back(&daemon, &[&first.to_string()]);
    assert_all_to("serviceB", &scenario, &daemon, "a rollback by number");
    scenario.documents.set_weights(1, 99).unwrap();
    let changed = daemon
        .wait_configuration("the changed documents", |now| now.rolled_back_to.is_none())
        .unwrap();
    assert!(changed.generation > rolled_back.generation);
}
