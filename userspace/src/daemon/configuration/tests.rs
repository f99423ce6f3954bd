use std::{fs, path::Path};

use clap::Parser as _;
use mesh_config::source::directory::Directory;
use tempfile::TempDir;

use super::*;
use crate::{
    cli::{Cli, Command},
    settings::{Environment, Settings},
};

/// A daemon's directories, and the daemon's configuration started over them again and again.
struct Scene {
    directory: TempDir,
    flags: Vec<&'static str>,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        fs::create_dir(directory.path().join("mesh")).expect("a directory");
        Self {
            directory,
            flags: Vec::new(),
        }
    }

    fn at(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn settings(&self) -> Settings {
        let (mesh, state) = (self.at("mesh"), self.at("state"));
        let own = [
            "ferromesh",
            "run",
            "--mesh-config",
            &mesh,
            "--state-dir",
            &state,
            "--workload-cgroup",
            "/c",
            "--resource",
            "mesh/apps/virtualNode/a",
        ];
        let cli = Cli::try_parse_from(own.iter().chain(&self.flags)).expect("valid flags");
        let Command::Run(args) = cli.command else {
            panic!("not run")
        };
        Settings::new(*args, &Environment::new()).expect("valid settings")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(Path::new(&self.at("mesh")).join(name), text).expect("written");
    }

    /// The node as it listens on one port.
    fn listen(&self, port: u16) {
        self.write("a.json", &node("a", &port.to_string()));
    }

    fn start(&self) -> Running {
        self.try_start().expect("something to run")
    }

    fn try_start(&self) -> anyhow::Result<Running> {
        let mut directory = Directory::new(self.at("mesh"));
        let settings = self.settings();
        let workload = settings.workload.as_ref().expect("a workload of its own");
        let read = directory
            .read()
            .map_err(|error| Problems(vec![format!("{:#}", anyhow::Error::new(error))]));
        let mut configuration = Configuration::load(workload, &Source::new(&settings), read)?;
        configuration.persist();
        Ok(Running {
            configuration,
            directory,
        })
    }

    /// Cuts a kept generation short.
    fn tear(&self, generation: u64) {
        let path = format!("{}/generations/{generation:08}.json.lz4", self.at("state"));
        let whole = fs::read(&path).expect("kept");
        fs::write(&path, &whole[..whole.len() / 2]).expect("torn");
    }
}

fn node(name: &str, port: &str) -> String {
    format!(
        r#"{{"meshName": "apps", "virtualNodeName": "{name}", "spec": {{
            "listeners": [{{"portMapping": {{"port": {port}, "protocol": "http"}}}}],
            "serviceDiscovery": {{"dns": {{"hostname": "{name}.local"}}}}}}}}"#
    )
}

struct Running {
    configuration: Configuration,
    directory: Directory,
}

impl Running {
    /// Reads the documents as the watch would, and takes them.
    fn take(&mut self) {
        let documents = self.directory.read().expect("readable");
        self.configuration.take(documents);
        self.configuration.persist();
    }

    fn roll_back(&mut self, generation: Option<u64>) -> Result<(), String> {
        let changed = self.configuration.roll_back(generation);
        self.configuration.persist();
        changed.map(drop).map_err(|error| format!("{error:#}"))
    }

    /// The number and the port in force, and what is rolled back to.
    fn state(&self) -> (u64, u16, Option<u64>) {
        let state = self.configuration.lock();
        let mut ports = state.in_force.rules.app_ports.iter().copied();
        let generation = state.in_force.snapshot.generation;
        (
            generation,
            ports.next().expect("a port"),
            state.rolled_back_to,
        )
    }

    fn problems(&self) -> Vec<String> {
        let state = self.configuration.lock();
        let refused = state.refused.as_ref();
        refused.map_or_else(Vec::new, |refused| refused.problems.clone())
    }
}

/// Three generations: ports 8001, 8002 and 8003.
fn three() -> (Scene, Running) {
    let scene = Scene::new();
    scene.listen(8001);
    let mut running = scene.start();
    for port in [8002, 8003] {
        scene.listen(port);
        running.take();
    }
    assert_eq!(running.state(), (3, 8003, None));
    (scene, running)
}

#[test]
fn a_rollback_holds_until_the_documents_change() {
    let (scene, mut running) = three();
    running.roll_back(None).expect("2 is kept");
    assert_eq!(running.state(), (4, 8002, Some(2)));
    running.take();
    assert_eq!(running.state(), (4, 8002, Some(2)), "nothing has changed");
    scene.write("b.json", &node("b", "8003"));
    running.take();
    assert_eq!(running.state(), (5, 8003, None));
}

#[test]
fn a_rollback_holds_over_restarts() {
    let (scene, mut running) = three();
    running.roll_back(Some(1)).expect("1 is kept");
    assert_eq!(scene.start().state(), (4, 8001, Some(1)));
    let mut running = scene.start();
    assert_eq!(running.state(), (4, 8001, Some(1)));
    scene.listen(8004);
    running.take();
    assert_eq!(running.state(), (5, 8004, None));
}

#[test]
fn a_change_while_the_daemon_is_down_ends_a_rollback() {
    let (scene, mut running) = three();
    running.roll_back(None).expect("2 is kept");
    scene.listen(8004);
    assert_eq!(scene.start().state(), (5, 8004, None));
}

#[test]
fn a_bad_change_leaves_a_rollback_as_it_is_also_over_a_restart() {
    let (scene, mut running) = three();
    running.roll_back(None).expect("2 is kept");
    scene.write("a.json", "{");
    running.take();
    assert_eq!(running.state(), (4, 8002, Some(2)));
    assert!(!running.problems().is_empty());
    let mut running = scene.start();
    assert_eq!(running.state(), (4, 8002, Some(2)));
    assert!(!running.problems().is_empty());
    scene.listen(8003);
    running.take();
    assert_eq!(running.state(), (4, 8002, Some(2)), "still set aside");
    assert_eq!(running.problems(), Vec::<String>::new());
}

#[test]
fn each_rollback_goes_further_back_and_a_number_goes_anywhere() {
    let (_scene, mut running) = three();
    running.roll_back(None).expect("2 is kept");
    running.roll_back(None).expect("1 is kept");
    assert_eq!(running.state(), (5, 8001, Some(1)));
    let error = running.roll_back(None).expect_err("the first");
    assert_eq!(
        error,
        "no generation before 1 is kept; kept are 5, 4, 3, 2, 1"
    );
    running.roll_back(Some(4)).expect("4 is kept");
    assert_eq!(running.state(), (6, 8002, Some(2)), "4 was back to 2");
    running.roll_back(Some(3)).expect("3 is kept");
    assert_eq!(
        running.state(),
        (7, 8003, None),
        "the directory holds these documents"
    );
}

#[test]
fn a_release_takes_what_the_directory_holds() {
    let (scene, mut running) = three();
    let error = running.configuration.release().expect_err("not held");
    assert_eq!(error.to_string(), "nothing is rolled back");
    running.roll_back(None).expect("2 is kept");
    let fresh = running.configuration.release().expect("good documents");
    running.configuration.persist();
    assert!(fresh.is_some());
    assert_eq!(running.state(), (5, 8003, None));
    assert_eq!(scene.start().state(), (5, 8003, None));
}

#[test]
fn a_release_to_bad_documents_is_refused_with_their_problems() {
    let (scene, mut running) = three();
    running.roll_back(None).expect("2 is kept");
    scene.listen(0);
    running.take();
    let error = running.configuration.release().expect_err("port 0");
    let error = format!("{error:#}");
    assert!(
        error.contains("the rollback to generation 2 goes on") && error.contains("a.json:"),
        "{error}"
    );
    assert_eq!(running.state(), (4, 8002, Some(2)));
}

#[test]
fn a_generation_that_is_not_kept_is_refused_with_those_that_are() {
    let (scene, mut running) = three();
    let error = running.roll_back(Some(9)).expect_err("unknown");
    assert_eq!(error, "generation 9 is not kept; kept are 3, 2, 1");
    let error = running.roll_back(Some(3)).expect_err("in force");
    assert_eq!(error, "generation 3 is in force already");
    scene.tear(1);
    let error = running.roll_back(Some(1)).expect_err("torn");
    assert!(
        error.starts_with("generation 1 cannot be used; nothing has changed: ")
            && error.contains("00000001.json.lz4 is damaged"),
        "{error}"
    );
    assert_eq!(running.state(), (3, 8003, None));
}

#[test]
fn a_generation_that_does_not_apply_any_more_is_refused_with_its_problems() {
    let mut scene = Scene::new();
    scene.flags = vec!["--var", "PORT=8001"];
    scene.write("a.json", &node("a", "$PORT"));
    assert_eq!(scene.start().state(), (1, 8001, None));
    scene.flags.clear();
    scene.listen(8002);
    let mut running = scene.start();
    let error = running.roll_back(None).expect_err("no value");
    assert!(
        error.starts_with("generation 1 does not apply any more; nothing has changed: a.json:")
            && error.contains("`PORT` has no value"),
        "{error}"
    );
    assert_eq!(running.state(), (2, 8002, None));
}

#[test]
fn a_restart_over_the_same_documents_has_the_same_number() {
    let (scene, _running) = three();
    let again = scene.start();
    assert_eq!(again.state(), (3, 8003, None));
    assert!(!again.configuration.in_force().from_last_good);
}

#[test]
fn a_restart_over_bad_documents_runs_the_last_good_ones() {
    let (scene, mut running) = three();
    scene.listen(0);
    running.take();
    assert_eq!(running.state(), (3, 8003, None));
    let mut again = scene.start();
    assert_eq!(again.state(), (3, 8003, None));
    assert!(again.configuration.in_force().from_last_good);
    assert!(
        again.problems()[0].contains("a.json:"),
        "{:?}",
        again.problems()
    );
    scene.listen(8003);
    again.take();
    assert_eq!(again.state(), (3, 8003, None));
    assert!(!again.configuration.in_force().from_last_good);
}

#[test]
fn a_directory_that_is_gone_at_the_start_is_bad_documents() {
    let (scene, _running) = three();
    fs::rename(scene.at("mesh"), scene.at("away")).expect("renamed");
    let again = scene.start();
    assert_eq!(again.state(), (3, 8003, None));
    assert!(
        again.problems()[0].contains("cannot read"),
        "{:?}",
        again.problems()
    );
}

#[test]
fn a_change_that_means_nothing_here_keeps_the_number_and_is_kept() {
    let (scene, mut running) = three();
    scene.write("b.json", &node("b", "9000"));
    running.take();
    assert_eq!(running.state(), (3, 8003, None));
    scene.write("c.json", "{");
    let again = scene.start();
    assert_eq!(again.state(), (3, 8003, None));
    let names: Vec<&str> = (again.configuration.documents.files.iter())
        .map(|file| file.name.as_str())
        .collect();
    assert_eq!(names, ["a.json", "b.json"]);
}

#[test]
fn a_damaged_generation_is_named_and_the_one_before_runs() {
    let (scene, _running) = three();
    scene.tear(3);
    scene.listen(0);
    let again = scene.start();
    assert_eq!(again.state(), (2, 8002, None));
    let troubles = again.configuration.lock().unkept.clone();
    assert!(
        troubles.len() == 1 && troubles[0].contains("00000003.json.lz4 is damaged"),
        "{troubles:?}"
    );
    scene.listen(8005);
    let next = scene.start();
    assert_eq!(next.state(), (4, 8005, None), "no number is given twice");
}

#[test]
fn a_damaged_rollback_is_made_up_for_by_what_it_went_back_to() {
    let (scene, mut running) = three();
    running.roll_back(None).expect("2 is kept");
    running.roll_back(Some(1)).expect("1 is kept");
    scene.tear(5);
    assert_eq!(scene.start().state(), (4, 8002, Some(2)));
}

#[test]
fn without_any_good_documents_every_reason_is_said() {
    let (scene, _running) = three();
    for generation in 1..=3 {
        scene.tear(generation);
    }
    scene.listen(0);
    let error = scene.try_start().map(|_| ()).expect_err("nothing to run");
    let error = format!("{error:#}");
    for reason in ["a.json:", "00000001", "00000002", "00000003"] {
        assert!(error.contains(reason), "{reason}: {error}");
    }
}

#[test]
fn a_rollback_that_cannot_go_on_never_turns_into_what_was_set_aside() {
    let mut scene = Scene::new();
    scene.flags = vec!["--var", "PORT=8001"];
    scene.write("a.json", &node("a", "$PORT"));
    let mut running = scene.start();
    scene.listen(8002);
    running.take();
    running.roll_back(None).expect("1 is kept");
    assert_eq!(running.state(), (3, 8001, Some(1)));
    scene.flags.clear();
    let error = scene
        .try_start()
        .map(|_| ())
        .expect_err("PORT has no value");
    let error = format!("{error:#}");
    assert!(
        error.contains("is set aside by a rollback; change it"),
        "{error}"
    );
    scene.listen(8003);
    assert_eq!(scene.start().state(), (4, 8003, None));
}

#[test]
fn a_disk_that_keeps_nothing_costs_no_traffic_and_is_said() {
    let scene = Scene::new();
    fs::write(scene.at("state"), "a file in the way").expect("a file");
    scene.listen(8001);
    let mut running = scene.start();
    assert_eq!(running.state(), (1, 8001, None));
    let troubles = running.configuration.lock().unkept.clone();
    assert!(troubles[0].contains("cannot keep"), "{troubles:?}");
    fs::remove_file(scene.at("state")).expect("removed");
    running.take();
    assert_eq!(running.configuration.lock().unkept, Vec::<String>::new());
    assert_eq!(scene.start().state(), (1, 8001, None));
}
