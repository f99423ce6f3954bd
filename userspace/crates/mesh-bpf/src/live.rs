//! Live connections from the pins and the network namespaces, whether or not a daemon lives.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use ebpf_abi::{Connection, PASSIVE};

use crate::{
    BpfError, ClosedConnection, ConnectionRecord, Direction,
    connection::boot_ns,
    maps::{self, Maps, name, workloads::Enrolled},
    netns, pins, tcp_info, unredirected,
};

/// The pins of one instance, open to list its connections again and again.
#[derive(Debug)]
pub struct Live {
    maps: Maps,
}

/// What is listed at one moment.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The names of the workloads that are enrolled, by their ids.
    pub workloads: BTreeMap<u32, String>,
    /// The connections of all of them, the oldest first.
    pub connections: Vec<ConnectionRecord>,
}

impl Live {
    /// Opens the pins of an instance; none if it has none on this kernel.
    ///
    /// # Errors
    /// The pins are of another version or cannot be opened.
    pub fn open(bpffs: &Path, instance: &str) -> Result<Option<Self>, BpfError> {
        let Some(pins) = pins::present(bpffs, instance)? else {
            return Ok(None);
        };
        let maps = Maps::open(&pins)?;
        Ok(Some(Self { maps }))
    }

    /// Every live connection, with counts from the workloads' network namespaces and from those of
    /// their processes. `daemon` stands for the namespace of workloads that were enrolled without
    /// one; without it that is the caller's own.
    ///
    /// # Errors
    /// The maps cannot be read. A namespace that cannot be asked costs its connections their counts,
    /// nothing else.
    pub fn list(&self, daemon: Option<&Path>) -> Result<Listing, BpfError> {
        let enrolled = self.maps.enrolled()?.into_iter();
        Ok(Listing {
            connections: connections(&self.maps, daemon)?,
            workloads: enrolled
                .map(|workload| (workload.id, workload.name))
                .collect(),
        })
    }
}

/// The live connections of an instance, as [`Live::list`] says.
pub(crate) fn connections(
    maps: &Maps,
    daemon: Option<&Path>,
) -> Result<Vec<ConnectionRecord>, BpfError> {
    let mut workloads = maps.enrolled()?;
    for workload in &mut workloads {
        if workload.netns.is_none() {
            workload.netns = daemon.map(Path::to_owned);
        }
    }
    let seen = {
        let connections = maps.connections.lock().expect("no holder panics");
        maps::entries(&connections, name::CONNECTIONS)?
    };
    let unseen: Vec<_> = workloads.iter().flat_map(unseen).collect();
    let counts = if seen.is_empty() && unseen.is_empty() {
        HashMap::new()
    } else {
        counts(&workloads)
    };
    let now = boot_ns();
    let mut records: Vec<ConnectionRecord> = seen
        .iter()
        .map(|(cookie, connection)| record(*cookie, connection, now, &counts))
        .collect();
    for mut record in unseen {
        if let Some(counts) = counts.get(&record.cookie) {
            record.add_counts(counts, record.direction == Direction::Ingress);
        }
        records.push(record);
    }
    records.sort_by_key(|record| std::cmp::Reverse(record.age));
    Ok(records)
}

/// The connections of a workload that nobody watches any more, as they stand: closing records in the
/// place of those that the kernel will not write.
pub(crate) fn outlived(maps: &Maps, id: u32) -> Result<Vec<ClosedConnection>, BpfError> {
    let mut seen = {
        let connections = maps.connections.lock().expect("no holder panics");
        maps::entries(&connections, name::CONNECTIONS)?
    };
    seen.retain(|(_, connection)| connection.workload == id);
    if seen.is_empty() {
        return Ok(Vec::new());
    }
    let mut workloads = maps.enrolled()?;
    workloads.retain(|workload| workload.id == id);
    let counts = counts(&workloads);
    let now = boot_ns();
    let outlived = seen.iter().map(|(cookie, connection)| {
        let counted = counts.get(cookie);
        ClosedConnection {
            record: record(*cookie, connection, now, &counts),
            established: counted.is_none_or(tcp_info::Counts::is_established),
            released: true,
            ended_ns: now,
        }
    });
    Ok(outlived.collect())
}

fn record(
    cookie: u64,
    connection: &Connection,
    now_ns: u64,
    counts: &HashMap<u64, tcp_info::Counts>,
) -> ConnectionRecord {
    let mut record = ConnectionRecord::new(cookie, connection, now_ns);
    if let Some(counts) = counts.get(&cookie) {
        record.add_counts(counts, connection.flags & PASSIVE != 0);
    }
    record
}

/// The counts of all sockets of the workloads' namespaces, by cookie.
fn counts(workloads: &[Enrolled]) -> HashMap<u64, tcp_info::Counts> {
    let asked = workloads
        .iter()
        .map(|workload| (workload.cgroup.as_path(), workload.netns.as_deref()));
    let mut counts = HashMap::new();
    for namespace in unredirected::namespaces(asked) {
        match netns::inside(namespace.as_deref(), tcp_info::all) {
            Ok(found) => counts.extend(found),
            Err(error) => tracing::debug!("no counts: {error}"),
        }
    }
    counts
}

/// The connections of a workload's processes on sockets that were made outside it, but for those
/// that stay in the host: the proxy's own to the application are among them.
fn unseen(workload: &Enrolled) -> Vec<ConnectionRecord> {
    let found = match unredirected::find(&workload.cgroup, workload.netns.as_deref()) {
        Ok(found) => found,
        // The list is worth having without them.
        Err(error) => {
            tracing::debug!("no sockets from outside of {}: {error}", workload.name);
            return Vec::new();
        }
    };
    let evading = found.sockets.iter().filter(|socket| socket.evades());
    evading
        .map(|socket| ConnectionRecord::made_outside(workload.id, socket))
        .collect()
}
