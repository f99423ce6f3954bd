//! The daemon's process: how it was started, and the end of its log.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use ferromesh_proto::control::StatusResponse;

use super::Gathered;
use crate::{
    cli::BundleArgs,
    commands::{bundle::redact::is_shown, check},
};

/// The most of a log, in bytes.
const LOG_END: u64 = 256 << 10;

pub(super) fn gather(gathered: &mut Gathered, args: &BundleArgs, status: Option<&StatusResponse>) {
    let instance = &args.instance.instance;
    let pid = status
        .map(|status| status.pid)
        .or_else(|| check::recorded_pid(instance).filter(|pid| is_ferromesh(*pid)));
    match pid {
        Some(pid) => settings(gathered, pid),
        None => gathered.without("settings.txt", "no daemon runs"),
    }
    let log = args.log.clone().or_else(|| pid.and_then(log_of));
    match log {
        Some(path) => match end_of(&path) {
            Ok(text) => gathered.text("daemon.log", text),
            Err(error) => gathered.without("daemon.log", error),
        },
        None => gathered.without(
            "daemon.log",
            "the daemon writes to no file; name one with --log, or see journalctl -u ferromesh",
        ),
    }
}

/// Whether a process is what this one is: a number may have been given out again.
fn is_ferromesh(pid: u32) -> bool {
    let name = |process: &str| fs::read_to_string(format!("/proc/{process}/comm")).ok();
    name(&pid.to_string()).is_some_and(|found| Some(found) == name("self"))
}

/// The daemon's command line, the variables that it was started with (of those that are not the
/// mesh's, only the names), and its limits.
fn settings(gathered: &mut Gathered, pid: u32) {
    let words = |file: &str| {
        let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let words = bytes
            .split(|&byte| byte == 0)
            .filter(|word| !word.is_empty());
        words
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect::<Vec<_>>()
    };
    let mut variables: Vec<String> = words("environ")
        .iter()
        .map(|variable| {
            let name = variable.split('=').next().unwrap_or_default();
            if is_shown(name) {
                variable.clone()
            } else {
                format!("{name} (value left out)")
            }
        })
        .collect();
    variables.sort_unstable();
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
    let cgroup = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    gathered.text(
        "settings.txt",
        format!(
            "pid {pid}\n\ncommand line:\n  {}\n\nenvironment:\n  {}\n\ncgroup:\n{cgroup}\n{limits}",
            words("cmdline").join(" "),
            variables.join("\n  ")
        ),
    );
}

/// The file that the daemon's log goes to; none if it is no file.
fn log_of(pid: u32) -> Option<PathBuf> {
    let path = PathBuf::from(format!("/proc/{pid}/fd/2"));
    let is_file = fs::metadata(&path).is_ok_and(|metadata| metadata.is_file());
    is_file.then_some(path)
}

fn end_of(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_END)))?;
    let mut bytes = Vec::new();
    file.take(LOG_END).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
