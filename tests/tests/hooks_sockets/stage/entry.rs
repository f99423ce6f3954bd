//! How a process of a test comes to where it plays: it enters a cgroup, a network namespace and an
//! owner by itself, and then begins anew, so that all its threads are there.

use std::{
    env, fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use nix::sched::{CloneFlags, unshare};

/// The cgroup to enter; unset by a process that is there.
const CGROUP: &str = "FERROMESH_HOOKS_CGROUP";
const NETWORK: &str = "FERROMESH_HOOKS_OWN_NETWORK";
const CGROUP_ROOT: &str = "FERROMESH_HOOKS_OWN_CGROUP_ROOT";
const OWNER: &str = "FERROMESH_HOOKS_OWNER";

/// What a process enters beside its cgroup.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// A network namespace of its own, with nothing but a loopback interface that is down.
    OwnNetwork,
    /// A cgroup namespace of its own: the cgroup that it entered is its root.
    OwnCgroupRoot,
    /// The rights of a user and a group, and of no others.
    Owner { uid: u32, gid: u32 },
}

/// This executable, to run one of its functions in a cgroup, with [`enter`] as the first thing
/// that it does.
pub(crate) fn command(function: &str, cgroup: &Path, ways: &[Way]) -> Command {
    let mut command = again(function);
    command.env(CGROUP, cgroup);
    for way in ways {
        match way {
            Way::OwnNetwork => command.env(NETWORK, "1"),
            Way::OwnCgroupRoot => command.env(CGROUP_ROOT, "1"),
            Way::Owner { uid, gid } => command.env(OWNER, format!("{uid}:{gid}")),
        };
    }
    command
}

fn again(function: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", function, "--nocapture", "--test-threads", "1"]);
    command
}

/// Goes where [`command`] said. It returns in the process that began anew there.
pub(crate) fn enter() {
    let Some(cgroup) = env::var_os(CGROUP).map(PathBuf::from) else {
        return;
    };
    fs::write(cgroup.join("cgroup.procs"), "0").unwrap();
    if env::var_os(NETWORK).is_some() {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
    }
    if env::var_os(CGROUP_ROOT).is_some() {
        unshare(CloneFlags::CLONE_NEWCGROUP).unwrap();
    }
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(env::args_os().skip(1));
    if let Ok(owner) = env::var(OWNER) {
        let (uid, gid) = owner.split_once(':').unwrap();
        command.uid(uid.parse().unwrap()).gid(gid.parse().unwrap());
    }
    for entered in [CGROUP, NETWORK, CGROUP_ROOT, OWNER] {
        command.env_remove(entered);
    }
    panic!("cannot begin anew: {}", command.exec());
}
