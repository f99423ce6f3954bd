//! Sockets that a workload's processes hold and that were made outside it: the kernel never asks
//! the workload's programs about them, so they are found by looking.

pub(crate) mod processes;

use std::{
    collections::{HashMap, HashSet},
    fs,
    net::SocketAddr,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use serde::Serialize;

use self::processes::Holder;
use crate::{
    BpfError, Direction, cgroup,
    diag::{self, TcpSocket, TcpState},
    local::{self, LocalNetwork},
    netns,
};

/// The one word for why such a socket is not redirected.
pub const REASON: &str = "made-outside";
/// What the word stands for. The two cannot be told apart: a socket does not say who had it first.
pub const EXPLANATION: &str = "made before its process was moved into the workload, or passed into \
                               it (socket activation, SCM_RIGHTS)";

/// A TCP socket that a process of a workload holds and that was made outside the workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unredirected {
    /// A process that holds it; there may be others.
    pub pid: u32,
    /// The process's name (`/proc/PID/comm`).
    pub command: String,
    /// The kernel's cookie of the socket.
    pub cookie: u64,
    /// Its state.
    pub state: TcpState,
    /// Who opened the connection: the peer, where a socket listens on its port.
    pub direction: Direction,
    /// The user who made it.
    pub uid: u32,
    /// Its own end.
    pub local: SocketAddr,
    /// The other end; unspecified for a socket that listens or is only bound.
    pub remote: SocketAddr,
    /// The kernel's id of the cgroup in which it was made.
    pub made_in_id: u64,
    /// That cgroup, if it is still there.
    pub made_in: Option<PathBuf>,
    /// The other end is local to the namespace, so that the rules would leave it alone anyway. The
    /// proxy's own connections to the application are such.
    pub stays_local: bool,
}

impl Unredirected {
    /// Whether it is a connection that goes past the rules: what strict closes. A listening socket
    /// does not: what comes for it is steered by its port, whoever made it.
    pub fn evades(&self) -> bool {
        self.state.is_connection() && !self.stays_local
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The sockets, by process and own end.
    pub sockets: Vec<Unredirected>,
    /// There were more processes, descriptors or namespaces than are looked at: there may be more
    /// sockets.
    pub truncated: bool,
}

/// The sockets of a workload that were made outside it. It looks in the workload's network
/// namespace (none is the caller's own) and in those of its processes.
///
/// A socket that is neither bound nor connected is in no table of the kernel; it is found once it
/// connects.
pub fn find(cgroup: &Path, netns: Option<&Path>) -> Result<Found, BpfError> {
    search(cgroup, netns, false).map(|(found, _)| found)
}

/// [`find`], and ends (`SOCK_DESTROY`) those that evade the rules. Returns what was found, with
/// those that were ended, and how many they were.
pub fn close(cgroup: &Path, netns: Option<&Path>) -> Result<(Found, usize), BpfError> {
    search(cgroup, netns, true)
}

fn search(cgroup: &Path, netns: Option<&Path>, closes: bool) -> Result<(Found, usize), BpfError> {
    let subtree = cgroup::subtree(cgroup)?;
    let inside: HashSet<u64> = subtree.iter().map(|(id, _)| *id).collect();
    let holders = processes::holders(subtree.iter().map(|(_, path)| path.as_path()))?;
    let mut found = Found {
        truncated: holders.truncated,
        ..Found::default()
    };
    let mut ended = 0;
    for namespace in namespaces_of(netns, &holders.namespaces) {
        let looked = netns::inside(namespace.as_deref(), || {
            look(&inside, &holders.by_inode, closes)
        });
        match looked {
            Ok((sockets, number)) => {
                found.sockets.extend(sockets);
                ended += number;
            }
            // A process's namespace ends with the process; the workload's own has to be there.
            Err(error) if namespace.as_deref() == netns => return Err(error),
            Err(BpfError::File { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    found
        .sockets
        .sort_by_key(|socket| (socket.pid, socket.local, socket.cookie));
    name_cgroups(&mut found.sockets)?;
    Ok((found, ended))
}

/// The namespaces to look in, each once, the workload's first.
fn namespaces_of(netns: Option<&Path>, of_processes: &[PathBuf]) -> Vec<Option<PathBuf>> {
    let first = netns.map(Path::to_owned);
    let others = of_processes.iter().cloned().map(Some);
    each_once([first].into_iter().chain(others))
}

/// The network namespaces of some workloads, each by its cgroup and its own namespace (none is the
/// caller's), and those of their processes; each once.
pub(crate) fn namespaces<'a>(
    workloads: impl Iterator<Item = (&'a Path, Option<&'a Path>)>,
) -> Vec<Option<PathBuf>> {
    let mut all = Vec::new();
    for (cgroup, netns) in workloads {
        all.push(netns.map(Path::to_owned));
        let subtree = cgroup::subtree(cgroup).unwrap_or_default();
        all.extend(
            processes::namespaces(subtree.iter().map(|(_, path)| path.as_path()))
                .into_iter()
                .map(Some),
        );
    }
    each_once(all)
}

fn each_once(namespaces: impl IntoIterator<Item = Option<PathBuf>>) -> Vec<Option<PathBuf>> {
    let mut seen = HashSet::new();
    let mut once = Vec::new();
    for namespace in namespaces {
        let path = namespace.as_deref().unwrap_or(Path::new(netns::OWN));
        // One that went away is asked in vain, and says so.
        let is_new = fs::metadata(path).map_or(true, |file| seen.insert((file.dev(), file.ino())));
        if is_new {
            once.push(namespace);
        }
    }
    once
}

/// Looks in the calling thread's namespace.
fn look(
    inside: &HashSet<u64>,
    holders: &HashMap<u32, Holder>,
    closes: bool,
) -> Result<(Vec<Unredirected>, usize), BpfError> {
    let sockets = diag::tcp_sockets()?;
    let local = local::networks()?;
    let is_listening = |socket: &&TcpSocket| socket.state == TcpState::Listening;
    let listening = sockets.iter().filter(is_listening);
    let ports: HashSet<u16> = listening.map(|socket| socket.local.port()).collect();
    let mut found = Vec::new();
    let mut evading: Vec<&TcpSocket> = Vec::new();
    for socket in &sockets {
        let Some(holder) = holders.get(&socket.inode) else {
            continue;
        };
        let made_in = socket.cgroup_id.ok_or(BpfError::NoSocketCgroups)?;
        if inside.contains(&made_in) {
            continue;
        }
        let unredirected = Unredirected {
            pid: holder.pid,
            command: holder.command.clone(),
            cookie: socket.cookie,
            state: socket.state,
            direction: if ports.contains(&socket.local.port()) {
                Direction::Ingress
            } else {
                Direction::Egress
            },
            uid: socket.uid,
            local: socket.local,
            remote: socket.remote,
            made_in_id: made_in,
            made_in: None,
            stays_local: is_local(&local, socket.remote),
        };
        if unredirected.evades() {
            evading.push(socket);
        }
        found.push(unredirected);
    }
    let ended = if closes { diag::destroy(evading)? } else { 0 };
    Ok((found, ended))
}

/// Says where the sockets were made, by path.
fn name_cgroups(sockets: &mut [Unredirected]) -> Result<(), BpfError> {
    if sockets.is_empty() {
        return Ok(());
    }
    let all: HashMap<u64, PathBuf> = cgroup::subtree(&cgroup::mount_point()?)?
        .into_iter()
        .collect();
    for socket in sockets {
        socket.made_in = all.get(&socket.made_in_id).cloned();
    }
    Ok(())
}

fn is_local(local: &[LocalNetwork], remote: SocketAddr) -> bool {
    let address = remote.ip();
    address.is_unspecified()
        || address.is_loopback()
        || local.iter().any(|entry| entry.network.contains(&address))
}
