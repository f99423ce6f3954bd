//! Proxies that have fallen silent, and the end of the connections that they hold: whoever waits for
//! one of these would wait for ever.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    time::Duration,
};

use ebpf_abi::NEVER_SILENT;

use crate::{
    BpfError, cgroup,
    connection::boot_ns,
    diag::{self, TcpSocket, TcpState},
    maps::{self, Maps, name, workloads::Enrolled},
    netns, pins,
};

/// The heartbeats of an instance, read from its pins: it needs no daemon that runs.
#[derive(Debug)]
pub struct Heartbeats {
    maps: Maps,
    /// The cgroup in which the proxies' sockets are made.
    proxy_cgroup_id: u64,
}

/// A workload whose proxy is silent: it should have beaten by now, and did not say that it rests.
#[derive(Clone, Debug)]
pub struct Silent {
    /// The workload's id.
    pub id: u32,
    /// The workload's name.
    pub name: String,
    /// When it should have beaten at the latest, in nanoseconds since boot; another one after it has
    /// beaten again.
    pub deadline_ns: u64,
    netns: Option<PathBuf>,
    ports: Ports,
}

/// What one look at the heartbeats shows.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// Every silent one.
    pub silent: Vec<Silent>,
    /// How long none of the others can become silent; none where there are no others.
    pub quiet_for: Option<Duration>,
}

/// How a proxy's sockets are told to be a workload's, where several share a namespace.
#[derive(Clone, Debug, Default)]
struct Ports {
    /// Local ports of the connections that it accepted: its own, and those that are steered to it.
    accepted: HashSet<u16>,
    /// Another workload's proxy, which is well, is in the same namespace: connections to upstreams
    /// may be that one's.
    shares_namespace: bool,
}

impl Heartbeats {
    /// Opens the pins of an instance whose proxies' sockets are made in this cgroup.
    pub fn open(bpffs: &Path, instance: &str, proxy_cgroup: &Path) -> Result<Self, BpfError> {
        let pins = pins::present(bpffs, instance)?.ok_or_else(|| BpfError::NoInstance {
            name: instance.to_owned(),
        })?;
        Ok(Self {
            maps: Maps::open(&pins)?,
            proxy_cgroup_id: cgroup::id(proxy_cgroup)?,
        })
    }

    /// Looks at the heartbeat of every workload whose proxy has one.
    pub fn look(&self) -> Result<Look, BpfError> {
        let now = boot_ns();
        let mut silent: Vec<(Enrolled, u64)> = Vec::new();
        let mut well: Vec<Enrolled> = Vec::new();
        let mut next: Option<u64> = None;
        for workload in self.maps.enrolled()? {
            match self.maps.deadline(workload.id)? {
                // It rests, or has not begun; or it is not ours.
                0 | NEVER_SILENT => {}
                deadline if deadline > now => {
                    next = Some(next.map_or(deadline, |next| next.min(deadline)));
                    well.push(workload);
                }
                deadline => silent.push((workload, deadline)),
            }
        }
        let silent = silent.into_iter().map(|(workload, deadline_ns)| {
            let shares_namespace = well.iter().any(|other| workload.shares_netns(other));
            Ok(Silent {
                ports: Ports {
                    accepted: self.accepted_ports(workload.id)?,
                    shares_namespace,
                },
                id: workload.id,
                name: workload.name,
                deadline_ns,
                netns: workload.netns,
            })
        });
        Ok(Look {
            silent: silent.collect::<Result<_, BpfError>>()?,
            quiet_for: next.map(|next| Duration::from_nanos(next - now)),
        })
    }

    /// Resets the connections that a silent proxy holds for its workload: those that it accepted or
    /// has yet to accept, and those to its upstreams. Both ends see it: the proxy when it runs on,
    /// application and upstream at once, as `ECONNRESET`. Returns how many there were; none if it
    /// has beaten meanwhile.
    pub fn reset(&self, silent: &Silent) -> Result<usize, BpfError> {
        netns::inside(silent.netns.as_deref(), || {
            let sockets = diag::tcp_sockets()?;
            let held = self.held(&sockets, &silent.ports);
            if self.maps.deadline(silent.id)? != silent.deadline_ns {
                return Ok(0);
            }
            diag::destroy(held)
        })
    }

    fn held<'a>(&self, sockets: &'a [TcpSocket], ports: &Ports) -> Vec<&'a TcpSocket> {
        let is_ours = |socket: &&TcpSocket| socket.cgroup_id == Some(self.proxy_cgroup_id);
        let (listening, others): (Vec<_>, Vec<_>) = sockets
            .iter()
            .filter(is_ours)
            .partition(|socket| socket.state == TcpState::Listening);
        let listening: HashSet<u16> = listening.iter().map(|socket| socket.local.port()).collect();
        let is_held = |socket: &&TcpSocket| {
            let port = socket.local.port();
            // One that nobody has accepted yet has no holder; in any other state that means closed.
            let waits = matches!(socket.state, TcpState::Established | TcpState::CloseWait);
            let has_holder = socket.inode != 0 || waits;
            let is_upstream = !ports.shares_namespace && !listening.contains(&port);
            socket.state.is_connection()
                && has_holder
                && (ports.accepted.contains(&port) || is_upstream)
        };
        others.into_iter().filter(is_held).collect()
    }

    fn accepted_ports(&self, id: u32) -> Result<HashSet<u16>, BpfError> {
        let Some(index) = self.maps.policy_index(id)? else {
            return Ok(HashSet::new());
        };
        let policies = self.maps.policies.lock().expect("no holder panics");
        let policy =
            maps::found(policies.get(&index, 0)).map_err(BpfError::map("read", name::POLICIES))?;
        let Some(policy) = policy else {
            return Ok(HashSet::new());
        };
        let own = [policy.egress_port, policy.ingress_port];
        Ok(own.into_iter().chain(policy.app_ports.iter()).collect())
    }
}
