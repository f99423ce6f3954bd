//! Instances of Ferromesh: whole, half removed, without their daemon, of another version.

use std::{collections::BTreeSet, fs, io, path::Path};

use ferromesh_proto::control::StatusRequest;
use mesh_bpf::{
    cgroup,
    inspect::{InstanceReport, ProxyState, WorkloadReport, inspect},
    survey::pinned::{self, OWN_VERSION, PinnedInstance},
    switch::Switch,
};
use mesh_model::redirect::OnProxyDown;

use super::{Finding, Scene};
use crate::{
    commands::{self, status::BPFFS},
    control,
    runtime_dir::RuntimeDir,
};

/// How the cgroups that daemons make for themselves begin.
const CGROUP_PREFIX: &str = "ferromesh-";

pub(super) fn look(scene: &Scene) -> Vec<Finding> {
    let pinned = match pinned::all(Path::new(BPFFS)) {
        Ok(pinned) => pinned,
        Err(error) => {
            return vec![Finding::unseen(
                "instance",
                "pins",
                format!("{:#}", anyhow::Error::new(error)),
            )];
        }
    };
    let mut findings: Vec<Finding> = pinned.iter().flat_map(judge).collect();
    findings.extend(leftovers(&pinned));
    if !pinned.iter().any(|one| one.name == scene.instance) {
        findings.push(Finding::ok(
            "instance",
            format!("nothing is loaded for `{}` yet", scene.instance),
        ));
    }
    findings
}

/// The process id that the daemon of an instance wrote down.
pub(crate) fn recorded_pid(instance: &str) -> Option<u32> {
    let lock = fs::read_to_string(RuntimeDir::of(instance).lock_file()).ok()?;
    lock.trim().parse().ok()
}

fn judge(pinned: &PinnedInstance) -> Vec<Finding> {
    let name = &pinned.name;
    let uninstall = format!("ferromesh uninstall --instance {name}");
    if pinned.abi_version != OWN_VERSION {
        return vec![Finding::error(
            "instance",
            format!(
                "`{name}` is held by maps of version {}, and this is version {OWN_VERSION}",
                pinned.abi_version
            ),
            uninstall,
        )];
    }
    let mut findings = Vec::new();
    if pinned.links.is_empty() {
        findings.push(Finding::error(
            "instance",
            format!(
                "`{name}` has {} maps and no link: half removed",
                pinned.maps
            ),
            &uninstall,
        ));
        return findings;
    }
    for link in pinned.links.iter().filter(|link| !link.attached) {
        findings.push(Finding::error(
            "instance",
            format!(
                "`{name}`: the link {} ({}) is attached to nothing: its cgroup or namespace has gone",
                link.pin.display(),
                link.program
            ),
            format!("start the daemon again, or: {uninstall}"),
        ));
    }
    match inspect(Path::new(BPFFS), name) {
        Ok(Some(report)) => findings.extend(alive(&report)),
        Ok(None) => {}
        Err(error) => findings.push(Finding::error(
            "instance",
            format!("`{name}` is half removed: {:#}", anyhow::Error::new(error)),
            uninstall,
        )),
    }
    findings
}

/// What of an instance with maps and links does not hold together.
fn alive(report: &InstanceReport) -> Vec<Finding> {
    let name = &report.name;
    let (daemon, answers) = daemon(name);
    let mut findings = vec![daemon];
    for workload in &report.workloads {
        findings.extend(gone_cgroup(name, workload));
        findings.extend(switched(name, workload));
        findings.extend(silent(name, workload, answers));
    }
    findings
}

fn gone_cgroup(instance: &str, workload: &WorkloadReport) -> Option<Finding> {
    if workload.cgroup.is_dir() {
        return None;
    }
    Some(Finding::error(
        "instance",
        format!(
            "`{instance}`: the cgroup {} of workload {} has gone",
            workload.cgroup.display(),
            workload.name
        ),
        format!(
            "make the cgroup again, or let it go: ferromesh workload remove {} --instance \
             {instance}; if the daemon was started for it, stop the daemon and run ferromesh \
             uninstall --instance {instance}",
            workload.name
        ),
    ))
}

fn switched(instance: &str, workload: &WorkloadReport) -> Option<Finding> {
    let name = &workload.name;
    let Some(rules) = &workload.rules else {
        return Some(Finding::error(
            "instance",
            format!("`{instance}`: workload {name} has no rules, so nothing of it is redirected"),
            "start the daemon again",
        ));
    };
    match workload.switch {
        Switch::Off => Some(Finding::warning(
            "instance",
            format!("`{instance}`: an operator switched redirection of workload {name} off"),
            format!("ferromesh redirect --instance {instance} --workload {name} on"),
        )),
        Switch::AsConfigured if !rules.enabled => Some(Finding::warning(
            "instance",
            format!("`{instance}`: redirection of workload {name} is off by its rules"),
            format!("ferromesh redirect --instance {instance} --workload {name} on"),
        )),
        Switch::On | Switch::AsConfigured => None,
    }
}

/// What the new connections of a workload do whose proxy is down.
fn silent(instance: &str, workload: &WorkloadReport, daemon_answers: bool) -> Option<Finding> {
    if workload.proxy != ProxyState::Silent {
        return None;
    }
    let rules = workload.rules.as_ref()?;
    let consequence = match rules.on_proxy_down {
        OnProxyDown::Refuse => "new connections are refused",
        OnProxyDown::Bypass => "new connections go direct",
    };
    Some(Finding::error(
        "instance",
        format!(
            "`{instance}`: the proxy of workload {} is silent: {consequence}",
            workload.name
        ),
        if daemon_answers {
            "look at the daemon's log; `ferromesh bundle` gathers what support needs"
        } else {
            "start the daemon again"
        },
    ))
}

/// Whether the daemon of an instance answers.
fn daemon(name: &str) -> (Finding, bool) {
    let mend = format!("start it again, or: ferromesh uninstall --instance {name}");
    match commands::block_on(ask(name)).and_then(|asked| asked) {
        Ok(Some(pid)) => (
            Finding::ok(
                "instance",
                format!("`{name}`: the daemon (pid {pid}) answers"),
            ),
            true,
        ),
        Ok(None) => (
            Finding::error(
                "instance",
                format!("`{name}` is attached and no daemon runs"),
                mend,
            ),
            false,
        ),
        Err(error) => (
            Finding::error(
                "instance",
                format!("`{name}`: the daemon is there and does not answer: {error:#}"),
                mend,
            ),
            false,
        ),
    }
}

async fn ask(instance: &str) -> anyhow::Result<Option<u32>> {
    let socket = RuntimeDir::of(instance).control_socket();
    let Some(mut client) = control::connect(socket).await? else {
        return Ok(None);
    };
    Ok(Some(
        client.status(StatusRequest {}).await?.into_inner().pid,
    ))
}

/// Directories and cgroups of instances that have no pins any more.
fn leftovers(pinned: &[PinnedInstance]) -> Vec<Finding> {
    let known: BTreeSet<&str> = pinned.iter().map(|one| one.name.as_str()).collect();
    let mut findings = Vec::new();
    match RuntimeDir::instances() {
        Ok(running) => {
            for name in running.iter().filter(|name| !known.contains(name.as_str())) {
                if is_dead(name) {
                    findings.push(Finding::warning(
                        "instance",
                        format!("/run/ferromesh/{name} is of a daemon that has gone"),
                        format!("ferromesh uninstall --instance {name}"),
                    ));
                }
            }
        }
        Err(error) => findings.push(Finding::unseen("instance", "/run/ferromesh", error)),
    }
    let Ok(root) = cgroup::mount_point() else {
        return findings;
    };
    for name in names_in(&root) {
        let Some(instance) = name.strip_prefix(CGROUP_PREFIX) else {
            continue;
        };
        let directory = root.join(&name);
        if !known.contains(instance) && cgroup::processes(&directory).is_empty() {
            findings.push(Finding::warning(
                "instance",
                format!(
                    "the cgroup {} is empty and of no instance",
                    directory.display()
                ),
                format!("ferromesh uninstall --instance {instance}"),
            ));
        }
    }
    findings
}

/// Whether nobody listens on the control socket of an instance.
fn is_dead(instance: &str) -> bool {
    let socket = RuntimeDir::of(instance).control_socket();
    std::os::unix::net::UnixStream::connect(socket).is_err_and(|error| {
        matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
        )
    })
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort_unstable();
    names
}
