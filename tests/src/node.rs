//! A daemon that serves many workloads: started without one of its own, told of them afterwards.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    sync::Arc,
};

use anyhow::{Context as _, Result, ensure};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    client::Curl,
    daemon::{ADMIN_PORT, RUNTIME_DIRECTORY, binary, uninstall},
    documents::Documents,
    host::{Host, Place, without_redirect},
    network::{GATEWAY, Network},
    process::{self, Process},
    scenario::{FROM_APPLICATION, URL},
    wait,
};

/// A daemon. Dropping it kills it and uninstalls its instance.
#[derive(Debug)]
pub struct Node {
    process: Process,
    instance: String,
    documents: PathBuf,
    directory: PathBuf,
    arguments: Vec<String>,
    /// None for the machine's own network namespace.
    on: Option<Arc<Host>>,
}

impl Node {
    /// Starts it beside a network, with more arguments, and waits until it answers.
    pub fn start(network: &Network, documents: &Documents, arguments: &[&str]) -> Result<Self> {
        Self::start_on(network, None, documents, arguments)
    }

    /// The same in the network namespace of a host.
    pub fn start_on(
        network: &Network,
        on: Option<&Arc<Host>>,
        documents: &Documents,
        arguments: &[&str],
    ) -> Result<Self> {
        let instance = format!("{}-node", network.id());
        let directory = network.directory().to_owned();
        let documents = documents.directory().to_owned();
        let arguments: Vec<_> = arguments.iter().map(|word| (*word).to_owned()).collect();
        let on = on.map(Arc::clone);
        let parts = (&instance, &documents, &directory, &arguments, on.as_deref());
        let process = launch(parts)?;
        let mut node = Self {
            process,
            instance,
            documents,
            directory,
            arguments,
            on,
        };
        node.wait_ready()?;
        Ok(node)
    }

    fn wait_ready(&mut self) -> Result<()> {
        let socket = Path::new(RUNTIME_DIRECTORY).join(&self.instance);
        let socket = socket.join("control.sock");
        wait::until_true("the daemon to answer", || {
            self.process.ensure_running()?;
            if !socket.exists() {
                return Ok(false);
            }
            let said = self.ask(&["status", "--json"])?;
            let said = said
                .status
                .success()
                .then(|| serde_json::from_str(&said.stdout));
            let said: Option<Value> = said.transpose()?;
            Ok(said.is_some_and(|said| said["daemon"]["starting"] == false))
        })
    }

    /// The name under which its pins and its control socket are.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Ends it with SIGKILL, starts it again, and waits until it answers.
    pub fn kill_and_restart(&mut self) -> Result<()> {
        self.kill_and_launch(&[])?;
        self.wait_ready()
    }

    /// Ends it with SIGKILL and starts it again with more arguments, without waiting for anything.
    pub fn kill_and_launch(&mut self, more: &[&str]) -> Result<()> {
        self.process.kill()?;
        let more = more.iter().map(|word| (*word).to_owned());
        self.arguments.extend(more);
        self.process = launch((
            &self.instance,
            &self.documents,
            &self.directory,
            &self.arguments,
            self.on.as_deref(),
        ))?;
        Ok(())
    }

    /// Sends SIGTERM.
    pub fn terminate(&mut self) -> Result<()> {
        self.process.signal(Signal::TERM)
    }

    /// Waits until it has ended.
    pub fn wait_ended(&mut self) -> Result<()> {
        let status = self.wait_status()?;
        ensure!(status.success(), "{status}: {}", self.log());
        Ok(())
    }

    /// Waits until it has ended, whatever it says of that.
    pub fn wait_status(&mut self) -> Result<ExitStatus> {
        self.process.wait(wait::DEADLINE)
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> Result<bool> {
        self.process.is_running()
    }

    /// Runs `ferromesh WORDS… --instance …`.
    pub fn ask(&self, words: &[&str]) -> Result<process::Output> {
        process::output(&mut self.command(words)?)
    }

    /// The command line of [`Node::ask`].
    pub fn command(&self, words: &[&str]) -> Result<Command> {
        let mut command = Command::new(binary()?);
        command.args(words).args(["--instance", &self.instance]);
        Ok(command)
    }

    /// Enrols the workload of a host: the virtual node of the same name in the mesh `apps`.
    pub fn add(&self, name: &str, host: &Host) -> Result<()> {
        self.try_add(name, host, Place::Workload, &[])
            .and_then(succeeded)
            .map(drop)
    }

    /// The same for another place of the host, with more arguments, whatever comes of it.
    pub fn try_add(
        &self,
        name: &str,
        host: &Host,
        place: Place,
        more: &[&str],
    ) -> Result<process::Output> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let (cgroup, netns) = (text(host.cgroup(place)), text(&host.netns().path()));
        let (root, resource) = (text(&files_root(host)?), resource(host));
        let mut words = vec!["workload", "add", name, "--cgroup", &cgroup];
        words.extend(["--netns", &netns, "--resource", &resource]);
        words.extend(["--files-root", &root]);
        let ports = "APPMESH_APP_PORTS=9";
        if without_redirect() {
            words.extend(["--env", ports]);
        }
        words.extend(more);
        self.ask(&words)
    }

    /// Releases a workload, and waits until nothing of it is left.
    pub fn remove(&self, name: &str) -> Result<()> {
        self.ask(&["workload", "remove", name])
            .and_then(succeeded)
            .map(drop)
    }

    /// The workloads that it knows, by name: what `ferromesh workload list` says of each.
    pub fn list(&self) -> Result<Vec<Value>> {
        let said = self.ask(&["workload", "list", "--json"])?;
        let list: Value = serde_json::from_str(&said.stdout)
            .with_context(|| format!("the list is {:?} {:?}", said.stdout, said.stderr))?;
        let workloads = list["workloads"].as_array();
        Ok(workloads.context("a list of workloads")?.clone())
    }

    /// What the list says of one workload; nothing if it does not name it.
    pub fn find(&self, name: &str) -> Result<Option<Value>> {
        let mut list = self.list()?.into_iter();
        Ok(list.find(|workload| workload["name"] == name))
    }

    /// Waits until a workload is in a state.
    pub fn wait_state(&self, name: &str, state: &str) -> Result<Value> {
        wait::until(format!("workload {name} to be {state}"), || {
            Ok(self
                .find(name)?
                .filter(|workload| workload["state"] == state))
        })
    }

    /// Waits until no workload of a name is known.
    pub fn wait_gone(&self, name: &str) -> Result<()> {
        wait::until_true(format!("workload {name} to be gone"), || {
            Ok(self.find(name)?.is_none())
        })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("log of {}:\n{}", self.instance, self.process.log());
        }
        let ended = self.process.kill().and_then(|()| uninstall(&self.instance));
        if let Err(error) = ended {
            eprintln!("{error:#}");
        }
    }
}

type Parts<'a> = (
    &'a String,
    &'a PathBuf,
    &'a PathBuf,
    &'a Vec<String>,
    Option<&'a Host>,
);

fn launch((instance, documents, directory, arguments, on): Parts<'_>) -> Result<Process> {
    let mut command = match on {
        Some(host) => host.command(Place::Daemon, binary()?),
        None => Command::new(binary()?),
    };
    command
        .args(["run", "--instance", instance, "--mesh-config"])
        .arg(documents)
        .arg("--state-dir")
        .arg(directory.join("state-node"))
        .args(arguments);
    Process::spawn("ferromesh run", command, &directory.join("node.log"))
}

/// The resource that a host is.
pub fn resource(host: &Host) -> String {
    format!("mesh/apps/virtualNode/{}", host.name())
}

/// A workload of a host as the enrolment file has it.
///
/// # Panics
/// The host's own files cannot be made.
pub fn entry(name: &str, host: &Host, cgroup: &Path, environment: &Value) -> Value {
    json!({
        "name": name,
        "resource": resource(host),
        "cgroup": cgroup,
        "netns": host.netns().path(),
        "filesRoot": files_root(host).expect("a directory can be made"),
        "environment": environment,
    })
}

/// The root of a host's own files, in which its resolv.conf is.
pub fn files_root(host: &Host) -> Result<PathBuf> {
    let root = host.directory().join("root");
    let made = std::fs::create_dir_all(root.join("etc"));
    made.and_then(|()| {
        let nameserver = format!("nameserver {GATEWAY}\n");
        std::fs::write(root.join("etc/resolv.conf"), nameserver)
    })
    .with_context(|| format!("cannot make {}", root.display()))?;
    Ok(root)
}

/// A counter of the workload of a host, from its own admin interface; 0 if it was never counted.
pub fn stat(host: &Host, name: &str) -> Result<u64> {
    let answer = admin(host, &format!("/stats?filter={name}"))?;
    let value = answer.lines().find_map(|line| {
        let (line_name, value) = line.rsplit_once(": ")?;
        (line_name == name).then(|| value.trim().parse().ok())?
    });
    Ok(value.unwrap_or(0))
}

/// What the admin interface in the namespace of a host answers to a path.
pub fn admin(host: &Host, path: &str) -> Result<String> {
    let mut curl = host.netns().command("curl");
    curl.args(["--disable", "--silent", "--show-error", "--fail"])
        .args(["--max-time", "10", "--noproxy", "*"])
        .arg(format!("http://127.0.0.1:{ADMIN_PORT}{path}"));
    process::run(&mut curl)
}

/// What a command said, as an error unless it succeeded.
pub fn succeeded(said: process::Output) -> Result<process::Output> {
    anyhow::ensure!(
        said.status.success(),
        "{}: {}",
        said.status,
        said.stderr.trim()
    );
    Ok(said)
}

/// Sends requests as the application of a host, and asserts that the proxy has seen each and that none
/// has failed.
pub fn assert_through(host: &Arc<Host>, requests: usize) {
    let before = stat(host, FROM_APPLICATION).expect("the proxy counts");
    let answers = Curl::new(host).http2().many(URL, requests);
    let answers = answers.expect("curl runs");
    let counted = stat(host, FROM_APPLICATION).expect("the proxy counts") - before;
    assert_eq!(counted, requests as u64, "{answers:?}");
    assert_eq!(answers.failures(), []);
}
