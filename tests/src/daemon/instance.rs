//! What a daemon leaves on the host by the name of its instance, and how that is removed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{
    capability::{self, BPFFS},
    cgroup, process,
};

/// Where daemons keep their control sockets, by instance.
pub const RUNTIME_DIRECTORY: &str = "/run/ferromesh";

/// The daemon's binary: `FERROMESH_BIN`, else the release build, else the debug build.
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("FERROMESH_BIN") {
        let path = PathBuf::from(path);
        // Relative to where cargo was called, which is not where it runs tests.
        let path = capability::repository().join(path);
        anyhow::ensure!(
            path.is_file(),
            "FERROMESH_BIN names no file: {}",
            path.display()
        );
        return Ok(path);
    }
    ["release", "debug"]
        .map(|profile| {
            capability::repository()
                .join("target")
                .join(profile)
                .join("ferromesh")
        })
        .into_iter()
        .find(|path| path.is_file())
        .context("the daemon, built by `cargo xtask build`")
}

/// Where the pins of an instance are.
pub fn pins(instance: &str) -> PathBuf {
    Path::new(BPFFS).join("ferromesh").join(instance)
}

/// The directories of an instance: pins, control socket, and the cgroup that a daemon makes for
/// itself.
pub fn directories(instance: &str) -> Result<[PathBuf; 3]> {
    Ok([
        pins(instance),
        Path::new(RUNTIME_DIRECTORY).join(instance),
        cgroup::mount_point()?.join(format!("ferromesh-{instance}")),
    ])
}

/// Runs `ferromesh uninstall` for an instance of which something is there, and removes by hand what
/// that left.
pub fn uninstall(instance: &str) -> Result<()> {
    let directories = directories(instance)?;
    if !directories.iter().any(|directory| directory.exists()) {
        return Ok(());
    }
    let mut command = Command::new(binary()?);
    let said = process::output(command.args(["uninstall", "--instance", instance]))?;
    if !said.status.success() {
        eprintln!("uninstall of {instance} failed: {}", said.stderr.trim());
    }
    for directory in directories {
        if !directory.exists() {
            continue;
        }
        eprintln!("uninstall of {instance} left {}", directory.display());
        if directory.join("cgroup.procs").exists() {
            cgroup::remove_tree(&directory)?;
        } else {
            fs::remove_dir_all(&directory)
                .with_context(|| format!("cannot remove {}", directory.display()))?;
        }
    }
    Ok(())
}
