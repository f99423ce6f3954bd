//! Network namespaces by name.

use std::{
    fs::File,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use anyhow::{Context as _, Result};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::process;

/// Where `ip netns` keeps namespaces by name.
pub const DIRECTORY: &str = "/run/netns";

/// A network namespace with a loopback interface that is up. Dropping it removes the name; the
/// kernel ends the namespace with its last process.
#[derive(Debug)]
pub struct Netns {
    name: String,
    kept: bool,
}

impl Netns {
    /// Makes one. The name must be free on the machine.
    pub fn create(name: &str) -> Result<Self> {
        process::run(Command::new("ip").args(["netns", "add", name]))?;
        let netns = Self {
            name: name.to_owned(),
            kept: false,
        };
        netns.configure(&["link set lo up"])?;
        Ok(netns)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that stands for it.
    pub fn path(&self) -> PathBuf {
        Path::new(DIRECTORY).join(&self.name)
    }

    /// Runs commands of ip(8) in it, in order, each as it stands behind `ip`.
    pub fn configure<S: AsRef<str>>(&self, commands: &[S]) -> Result<()> {
        let mut batch = String::new();
        for command in commands {
            batch.push_str(command.as_ref());
            batch.push('\n');
        }
        process::run_with_input(
            Command::new("ip").args(["-n", &self.name, "-batch", "-"]),
            &batch,
        )?;
        Ok(())
    }

    /// A program that runs in it, with the machine's mounts: its cgroup tree stays visible, which
    /// `ip netns exec` would hide.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net={}", self.path().display()))
            .arg(program);
        command
    }

    /// Runs something in it, on a thread of its own; what that opens stays in it.
    pub fn inside<T: Send>(&self, action: impl FnOnce() -> T + Send) -> Result<T> {
        let path = self.path();
        let netns = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        let enter_and_act = || {
            let kind = Some(LinkNameSpaceType::Network);
            move_into_link_name_space(netns.as_fd(), kind).context("cannot enter a namespace")?;
            Ok(action())
        };
        thread::scope(|scope| {
            let entered = scope.spawn(enter_and_act).join();
            entered.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Leaves it in place when this guard is dropped.
    pub fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Err(error) = remove(&self.name) {
            eprintln!("{error:#}");
        }
    }
}

/// Removes a namespace's name.
pub fn remove(name: &str) -> Result<()> {
    process::run(Command::new("ip").args(["netns", "delete", name]))?;
    Ok(())
}
