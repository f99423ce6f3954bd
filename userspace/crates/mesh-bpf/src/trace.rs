//! Decisions as the programs take them, for one watcher at a time.

use std::{
    collections::HashMap,
    fmt,
    fs::File,
    net::SocketAddr,
    os::fd::{AsFd, BorrowedFd},
    path::Path,
    time::Duration,
};

use aya::maps::{Array, MapData, RingBuf};
use ebpf_abi::{Decided, Tracing, verdict::EGRESS};
use rustix::fs::{FlockOperation, flock};
use serde::Serialize;

use crate::{
    BpfError, Direction, Verdict,
    address::socket_address,
    connection::{boot_ns, reason_name},
    counter,
    maps::{self, Maps, name},
    pins, sys,
};

/// For how long decisions are written down after the watcher's last sign of life.
const HELD: Duration = Duration::from_secs(2);

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// How long ago it was taken.
    #[serde(skip)]
    pub age: Duration,
    /// The workload's id.
    pub workload_id: u32,
    /// The workload's name.
    pub workload: String,
    /// Who opened the connection.
    pub direction: Direction,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why, in one word.
    pub reason: &'static str,
    /// Egress: the address that was dialled. Ingress: the peer.
    pub remote: SocketAddr,
    /// Ingress: the address that the peer dialled.
    pub local: Option<SocketAddr>,
    /// Egress: the process that connects.
    pub process: Option<Process>,
    /// The generation of the rules; 0 without rules.
    pub generation: u64,
}

/// Who connects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Process {
    /// The process id, in the host's numbers.
    pub pid: u32,
    /// The name of the task.
    pub name: String,
    /// The real user.
    pub uid: u32,
    /// The real group.
    pub gid: u32,
    /// The id of the task's cgroup, which may not be that of the socket.
    pub cgroup_id: u64,
}

/// The watcher of an instance's decisions. Dropping it ends the writing; when it is killed, that ends
/// by itself after two seconds.
pub struct Tracer {
    ring: RingBuf<MapData>,
    tracing: Array<MapData, Tracing>,
    maps: Maps,
    names: HashMap<u32, String>,
    began_ns: u64,
    lost_before: u64,
    /// Held for its lock.
    _lock: File,
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer").finish_non_exhaustive()
    }
}

impl Tracer {
    /// Begins to watch. The daemon may be dead: decisions are the kernel's.
    ///
    /// # Errors
    /// If there is no such instance, its maps cannot be read, or another watches.
    pub fn start(bpffs: &Path, instance: &str) -> Result<Self, BpfError> {
        let pins = pins::present(bpffs, instance)?.ok_or_else(|| BpfError::NoInstance {
            name: instance.to_owned(),
        })?;
        let lock = File::open(pins.root()).map_err(BpfError::file("open", pins.root()))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(BpfError::Watched {
                instance: instance.to_owned(),
            });
        }
        let maps = Maps::open(&pins)?;
        let mut tracer = Self {
            ring: maps::open(&pins, name::TRACE)?,
            tracing: maps::open(&pins, name::TRACING)?,
            names: HashMap::new(),
            began_ns: boot_ns(),
            lost_before: lost(&maps)?,
            maps,
            _lock: lock,
        };
        tracer.keep_on()?;
        Ok(tracer)
    }

    /// Has decisions written down for another two seconds. Call it at least once a second.
    pub fn keep_on(&mut self) -> Result<(), BpfError> {
        let held = u64::try_from(HELD.as_nanos()).expect("two seconds");
        self.hold_until(boot_ns() + held)
    }

    fn hold_until(&mut self, until_ns: u64) -> Result<(), BpfError> {
        self.tracing
            .set(0, Tracing { until_ns }, 0)
            .map_err(BpfError::map("write", name::TRACING))
    }

    /// The next decision, if one waits.
    pub fn next_decision(&mut self) -> Result<Option<Decision>, BpfError> {
        loop {
            let decided: Decided = match self.ring.next() {
                Some(item) => {
                    sys::read_record(&item).map_err(BpfError::ask("a traced decision"))?
                }
                None => return Ok(None),
            };
            // What an earlier watcher left is passed over.
            if decided.at_ns >= self.began_ns {
                let workload = self.name_of(decided.workload)?;
                return Ok(Some(decision(&decided, workload)));
            }
        }
    }

    /// How many decisions were not written down since the beginning because the buffer was full.
    pub fn lost(&self) -> Result<u64, BpfError> {
        Ok(lost(&self.maps)?.saturating_sub(self.lost_before))
    }

    /// Workloads come and go while decisions are watched.
    fn name_of(&mut self, id: u32) -> Result<String, BpfError> {
        if !self.names.contains_key(&id) {
            let enrolled = self.maps.enrolled()?;
            self.names = enrolled.into_iter().map(|one| (one.id, one.name)).collect();
        }
        Ok(self
            .names
            .get(&id)
            .cloned()
            .unwrap_or_else(|| format!("#{id}")))
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // It ends by itself soon after.
        if let Err(error) = self.hold_until(0) {
            tracing::debug!("{error}");
        }
    }
}

/// Readable when a decision waits.
impl AsFd for Tracer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }
}

/// How many decisions of all workloads were not written down.
fn lost(maps: &Maps) -> Result<u64, BpfError> {
    let enrolled = maps.enrolled()?;
    let lost = enrolled
        .iter()
        .map(|workload| counter::untraced(maps, workload.id));
    lost.sum()
}

fn decision(decided: &Decided, workload: String) -> Decision {
    let is_egress = decided.direction == EGRESS;
    Decision {
        age: Duration::from_nanos(boot_ns().saturating_sub(decided.at_ns)),
        workload_id: decided.workload,
        workload,
        direction: Direction::from_number(decided.direction),
        verdict: Verdict::from_number(decided.verdict),
        reason: reason_name(decided.reason),
        remote: socket_address(decided.address, decided.port),
        local: (!is_egress).then(|| socket_address(decided.local, decided.local_port)),
        process: is_egress.then(|| Process {
            pid: decided.pid,
            name: task_name(&decided.comm),
            uid: decided.uid,
            gid: decided.gid,
            cgroup_id: decided.cgroup_id,
        }),
        generation: decided.generation,
    }
}

/// The name of a task, padded with zeros. It is any process's choice: what a terminal would obey is
/// shown as a question mark.
fn task_name(comm: &[u8; 16]) -> String {
    let name = comm.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name)
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

#[cfg(test)]
mod tests;
