//! Everything that goes into the archive, before secrets are taken out. What cannot be had is
//! named and left out.

mod admin;
mod daemon;

use std::{
    fmt::Display,
    fs,
    path::{Path, PathBuf},
};

use ferromesh_proto::control::{ConnectionsRequest, StatusRequest, StatusResponse};
use mesh_bpf::{
    cgroup,
    inspect::{InstanceReport, inspect},
    survey::{namespace, pinned},
};
use rustix::system::uname;
use serde::Serialize;
use serde_json::json;

use crate::{
    cli::BundleArgs,
    commands::{
        self,
        check::{self, Subject},
        status::BPFFS,
    },
    control,
    runtime_dir::RuntimeDir,
};

/// How many names of documents are listed.
const DOCUMENTS: usize = 10_000;
/// The most of the contents of all documents, in bytes.
const DOCUMENT_BYTES: u64 = 32 << 20;

/// Files by name, and what is not among them.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) files: Vec<(String, String)>,
    pub(super) left_out: Vec<String>,
}

impl Gathered {
    fn text(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.files.push((name.into(), text.into()));
    }

    fn json(&mut self, name: &str, value: &impl Serialize) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.text(name, text),
            Err(error) => self.without(name, error),
        }
    }

    fn without(&mut self, what: &str, why: impl Display) {
        self.left_out.push(format!("{what}: {why}"));
    }
}

pub(super) fn gather(args: &BundleArgs) -> Gathered {
    let instance = &args.instance.instance;
    let mut gathered = Gathered::default();
    host(&mut gathered);
    let report = check::look(&Subject {
        instance: instance.clone(),
        workload_cgroup: None,
        workloads: None,
    });
    gathered.text("check.txt", report.to_string());
    gathered.json("check.json", &report);
    match pinned::all(Path::new(BPFFS)) {
        Ok(pinned) => gathered.json("pins.json", &pinned),
        Err(error) => gathered.without("pins.json", error),
    }
    // Links, maps with their sizes, rules and counters are all in the report of the pins.
    let kernel = match inspect(Path::new(BPFFS), instance) {
        Ok(Some(kernel)) => {
            gathered.json("kernel.json", &kernel);
            places(&mut gathered, &kernel);
            Some(kernel)
        }
        Ok(None) => {
            gathered.without("kernel.json", format!("no instance `{instance}` has pins"));
            None
        }
        Err(error) => {
            gathered.without("kernel.json", format!("{:#}", anyhow::Error::new(error)));
            None
        }
    };
    let status = status(&mut gathered, instance);
    daemon::gather(&mut gathered, args, status.as_ref());
    if let Some(status) = &status {
        admin::gather(&mut gathered, status, kernel.as_ref());
        documents(&mut gathered, args, status);
    }
    gathered.without("environment of the workloads' processes", "never looked at");
    gathered.without("payload of connections", "never looked at");
    if !args.with_documents {
        gathered.without("contents of documents", "give --with-documents for them");
    }
    gathered
}

fn host(gathered: &mut Gathered) {
    let system = uname();
    gathered.text(
        "version.txt",
        format!(
            "ferromesh {}\nmap layout {}\n{} {} {}\n",
            env!("CARGO_PKG_VERSION"),
            pinned::OWN_VERSION,
            system.sysname().to_string_lossy(),
            system.release().to_string_lossy(),
            system.machine().to_string_lossy(),
        ),
    );
    for (name, path) in [
        ("os-release.txt", "/etc/os-release"),
        ("mountinfo.txt", "/proc/self/mountinfo"),
        ("kernel-command-line.txt", "/proc/cmdline"),
        ("memory.txt", "/proc/meminfo"),
    ] {
        match fs::read_to_string(path) {
            Ok(text) => gathered.text(name, text),
            Err(error) => gathered.without(name, error),
        }
    }
}

/// Cgroups and namespaces of the workloads.
fn places(gathered: &mut Gathered, kernel: &InstanceReport) {
    let workloads = kernel.workloads.iter().map(|workload| {
        let processes = cgroup::processes(&workload.cgroup);
        let processes = processes.into_iter().map(|pid| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            let netns = fs::read_link(namespace::of_process(pid)).unwrap_or_default();
            json!({ "pid": pid, "name": name.trim(), "netns": netns })
        });
        json!({
            "workload": workload.name,
            "cgroup": workload.cgroup,
            "cgroup_id": cgroup::id(&workload.cgroup).ok(),
            "netns": workload.netns,
            "processes": processes.take(1000).collect::<Vec<_>>(),
        })
    });
    let workloads: Vec<_> = workloads.collect();
    gathered.json("places.json", &workloads);
}

/// What the daemon says of itself, and its live connections.
fn status(gathered: &mut Gathered, instance: &str) -> Option<StatusResponse> {
    let asked = commands::block_on(async {
        let socket = RuntimeDir::of(instance).control_socket();
        let Some(mut client) = control::connect(socket).await? else {
            return Ok(None);
        };
        let status = client.status(StatusRequest {}).await?.into_inner();
        let connections = client.connections(ConnectionsRequest {}).await;
        Ok(Some((status, connections)))
    });
    match asked.and_then(|asked| asked) {
        Ok(Some((status, connections))) => {
            gathered.json("status.json", &status);
            match connections {
                Ok(connections) => {
                    gathered.json("connections.json", &connections.into_inner().connections);
                }
                Err(error) => gathered.without("connections.json", error),
            }
            Some(status)
        }
        Ok(None) => {
            gathered.without(
                "status.json",
                "no daemon runs; kernel.json is from its pins",
            );
            None
        }
        Err(error) => {
            gathered.without("status.json", format!("{error:#}"));
            None
        }
    }
}

/// The names of the documents, and their contents where that is wanted. All workloads of an instance
/// read one set of them.
fn documents(gathered: &mut Gathered, args: &BundleArgs, status: &StatusResponse) {
    let configured = (status.workloads.iter()).find_map(|workload| workload.configuration.as_ref());
    let Some(configuration) = configured else {
        return;
    };
    let source = Path::new(&configuration.source);
    let mut files = files(source);
    files.sort();
    if files.len() > DOCUMENTS {
        gathered.without(
            "names of documents",
            format!("those behind the first {DOCUMENTS}"),
        );
        files.truncate(DOCUMENTS);
    }
    let names = files.iter().map(|file| {
        let bytes = fs::metadata(file).map_or(0, |metadata| metadata.len());
        format!("{bytes:>10} {}\n", file.display())
    });
    let names: Vec<String> = names.collect();
    gathered.text("documents.txt", names.concat());
    if args.with_documents {
        contents(gathered, source, &files);
    }
}

/// The contents of documents, as many as there is room for.
fn contents(gathered: &mut Gathered, source: &Path, files: &[PathBuf]) {
    let mut left = DOCUMENT_BYTES;
    for file in files {
        let bytes = fs::metadata(file).map_or(0, |metadata| metadata.len());
        let path = file.display().to_string();
        let Some(rest) = left.checked_sub(bytes) else {
            gathered.without(&path, "there is no room for it");
            continue;
        };
        left = rest;
        let name = file.strip_prefix(source).unwrap_or(file);
        match fs::read_to_string(file) {
            Ok(text) => gathered.text(format!("documents/{}", name.display()), text),
            Err(error) => gathered.without(&path, error),
        }
    }
}

/// The files below a directory; links are not followed.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(one) = waiting.pop() {
        for entry in fs::read_dir(one).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => waiting.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
        if found.len() > DOCUMENTS {
            break;
        }
    }
    found
}
