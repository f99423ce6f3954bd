//! What workloads are, kept beside their rules for whoever finds the pins without a daemon.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use aya::maps::{HashMap, MapData};
use ebpf_abi::{NameBytes, PathBytes, WorkloadRecord};

use crate::{
    BpfError,
    maps::{self, Maps, name},
};

/// A workload as it was enrolled.
#[derive(Clone, Debug)]
pub(crate) struct Enrolled {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) cgroup: PathBuf,
    pub(crate) netns: Option<PathBuf>,
    pub(crate) netns_cookie: u64,
}

impl Enrolled {
    /// Whether both are in one network namespace: by the cookies, where both are known, else by the
    /// paths, of which one may have named another namespace before.
    pub(crate) fn shares_netns(&self, other: &Self) -> bool {
        if self.netns_cookie != 0 && other.netns_cookie != 0 {
            return self.netns_cookie == other.netns_cookie;
        }
        self.netns == other.netns
    }
}

impl Maps {
    pub(crate) fn note_workload(&self, workload: &Enrolled) -> Result<(), BpfError> {
        let netns = workload.netns.as_deref().unwrap_or(Path::new(""));
        let record = WorkloadRecord {
            name: padded::<{ size_of::<NameBytes>() }>(workload.name.as_bytes()),
            cgroup: padded::<{ size_of::<PathBytes>() }>(workload.cgroup.as_os_str().as_bytes()),
            netns: padded::<{ size_of::<PathBytes>() }>(netns.as_os_str().as_bytes()),
            netns_cookie: workload.netns_cookie,
        };
        let mut workloads = self.workloads.lock().expect("no holder panics");
        workloads
            .insert(workload.id, record, 0)
            .map_err(BpfError::map("write", name::WORKLOADS))
    }

    pub(crate) fn forget_workload(&self, id: u32) -> Result<(), BpfError> {
        let mut workloads = self.workloads.lock().expect("no holder panics");
        maps::found(workloads.remove(&id))
            .map(drop)
            .map_err(BpfError::map("write", name::WORKLOADS))
    }

    /// The cookie of a workload's network namespace; 0 where the kernel does not tell, or there is no
    /// such workload.
    pub(crate) fn netns_cookie(&self, id: u32) -> Result<u64, BpfError> {
        let workloads = self.workloads.lock().expect("no holder panics");
        let record =
            maps::found(workloads.get(&id, 0)).map_err(BpfError::map("read", name::WORKLOADS))?;
        Ok(record.map_or(0, |record| record.netns_cookie))
    }

    /// Every enrolled workload, by id.
    pub(crate) fn enrolled(&self) -> Result<Vec<Enrolled>, BpfError> {
        enrolled(&self.workloads.lock().expect("no holder panics"))
    }
}

/// Every workload in the map, by id.
pub(crate) fn enrolled(
    workloads: &HashMap<MapData, u32, WorkloadRecord>,
) -> Result<Vec<Enrolled>, BpfError> {
    let mut enrolled: Vec<Enrolled> = maps::entries(workloads, name::WORKLOADS)?
        .into_iter()
        .map(|(id, record)| {
            let netns = path(&record.netns);
            Enrolled {
                id,
                name: String::from_utf8_lossy(unpadded(&record.name)).into_owned(),
                cgroup: path(&record.cgroup),
                netns: (!netns.as_os_str().is_empty()).then_some(netns),
                netns_cookie: record.netns_cookie,
            }
        })
        .collect();
    enrolled.sort_by_key(|workload| workload.id);
    Ok(enrolled)
}

/// The bytes with zeros behind, at least one; what does not fit is left out.
fn padded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut padded = [0; N];
    let kept = bytes.len().min(N - 1);
    padded[..kept].copy_from_slice(&bytes[..kept]);
    padded
}

fn unpadded(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(unpadded(bytes)))
}

#[cfg(test)]
mod tests;
