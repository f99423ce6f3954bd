//! Decisions counted in the kernel.

use std::collections::BTreeMap;

use aya::maps::{HashMap, MapData, PerCpuHashMap};
use ebpf_abi::{
    Connection,
    verdict::{COUNTERS, DIRECTIONS, LOST, REASONS, TRACE_BUFFER_FULL, VERDICTS, counter},
};
use serde::Serialize;

use crate::{
    BpfError, Direction, Verdict,
    connection::reason_name,
    maps::{self, Maps, name},
};

/// How often one decision was taken for one workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counter {
    /// Who opened the connections.
    pub direction: Direction,
    /// What became of them.
    pub verdict: Verdict,
    /// Why, in one word.
    pub reason: &'static str,
    /// How many. Refused ingress is counted by SYN, of which a peer sends several.
    pub count: u64,
}

/// How many connections of one kind live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LiveCount {
    /// The workload.
    pub workload: u32,
    /// Who opened them.
    pub direction: Direction,
    /// What became of them.
    pub verdict: Verdict,
    /// Why, in one word.
    pub reason: &'static str,
    /// How many.
    pub count: u64,
}

/// The live connections of all workloads, by kind.
pub(crate) fn live(map: &HashMap<MapData, u64, Connection>) -> Result<Vec<LiveCount>, BpfError> {
    let mut kinds = BTreeMap::<_, u64>::new();
    for (_, connection) in maps::entries(map, name::CONNECTIONS)? {
        let kind = (
            connection.workload,
            connection.direction,
            connection.verdict,
            connection.reason,
        );
        *kinds.entry(kind).or_default() += 1;
    }
    let counts = kinds.into_iter();
    Ok(counts
        .map(
            |((workload, direction, verdict, reason), count)| LiveCount {
                workload,
                direction: Direction::from_number(direction),
                verdict: Verdict::from_number(verdict),
                reason: reason_name(reason),
                count,
            },
        )
        .collect())
}

/// The counters of one workload, without those at zero.
pub(crate) fn of_workload(maps: &Maps, id: u32) -> Result<Vec<Counter>, BpfError> {
    let map = maps.counters.lock().expect("no holder panics");
    let mut counters = Vec::new();
    for (direction, verdict, reason) in decisions() {
        let count = read(&map, id, counter(direction, verdict, reason))?;
        if count > 0 {
            counters.push(Counter {
                direction: Direction::from_number(direction),
                verdict: Verdict::from_number(verdict),
                reason: reason_name(reason),
                count,
            });
        }
    }
    Ok(counters)
}

/// How many decisions of a workload were not written down for a watcher, because the buffer was full.
pub(crate) fn untraced(maps: &Maps, id: u32) -> Result<u64, BpfError> {
    let map = maps.counters.lock().expect("no holder panics");
    (0..DIRECTIONS)
        .map(|direction| read(&map, id, counter(direction, LOST, TRACE_BUFFER_FULL)))
        .sum()
}

fn read(map: &PerCpuHashMap<MapData, u32, u64>, id: u32, place: u32) -> Result<u64, BpfError> {
    let of_processors = maps::found(map.get(&(id * COUNTERS + place), 0))
        .map_err(BpfError::map("read", name::COUNTERS))?;
    Ok(of_processors.map_or(0, |counts| counts.iter().sum()))
}

/// Removes the counters of a workload.
pub(crate) fn forget(maps: &Maps, id: u32) -> Result<(), BpfError> {
    let mut map = maps.counters.lock().expect("no holder panics");
    for (direction, verdict, reason) in decisions() {
        let key = id * COUNTERS + counter(direction, verdict, reason);
        maps::found(map.remove(&key)).map_err(BpfError::map("write", name::COUNTERS))?;
    }
    Ok(())
}

fn decisions() -> impl Iterator<Item = (u32, u32, u32)> {
    (0..DIRECTIONS).flat_map(|direction| {
        (0..VERDICTS)
            .flat_map(move |verdict| (0..REASONS).map(move |reason| (direction, verdict, reason)))
    })
}
