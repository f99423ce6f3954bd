//! The kernel's closing records beside what the clients counted: one for each connection, with its
//! bytes.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::judge::{Complete, Outage};

/// The client's host, its port, and the bytes that it sent and received.
type Key = (String, u16, u64, u64);

/// Looks for the record of every connection that ended well. A daemon that is killed may take
/// records with it that it has read and not yet written down: of connections that ended just before.
pub(super) fn reconcile(
    records: &str,
    client_of_all: &str,
    complete: &[Complete],
    outages: &[Outage],
) -> Result<()> {
    let mut known: BTreeMap<Key, usize> = BTreeMap::new();
    let read = |line| serde_json::from_str(line).ok();
    let keys = records.lines().filter_map(read);
    for key in keys.filter_map(|record: Value| key(&record, client_of_all)) {
        *known.entry(key).or_default() += 1;
    }
    let (mut counted, mut taken, mut lost) = (0, 0, Vec::new());
    for connection in complete {
        let Complete {
            host,
            port,
            sent,
            received,
            ended,
        } = connection;
        match known.get_mut(&(host.clone(), *port, *sent, *received)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                counted += 1;
            }
            _ if outages.iter().any(|outage| outage.follows(*ended)) => taken += 1,
            _ => lost.push(connection),
        }
    }
    let others: usize = known.values().sum();
    println!(
        "soak: closing records: {counted} of {} connections to the byte, {taken} gone with a \
         killed daemon, {others} of connections that were cut",
        complete.len()
    );
    ensure!(
        lost.is_empty(),
        "{} connections have no record with their bytes, the first: {:?}",
        lost.len(),
        lost[0]
    );
    Ok(())
}

/// What a record says, from the client's side. Connections into the workloads are all of one client.
fn key(record: &Value, client_of_all: &str) -> Option<Key> {
    let bytes = |field: &str| record[field].as_u64();
    let port = |end: &str| record[end].as_str()?.rsplit_once(':')?.1.parse().ok();
    let (sent, received) = (bytes("bytes_sent")?, bytes("bytes_received")?);
    Some(match record["direction"].as_str()? {
        "egress" => {
            let workload = record["workload"].as_str()?.to_owned();
            (workload, port("local")?, sent, received)
        }
        _ => (client_of_all.to_owned(), port("remote")?, received, sent),
    })
}

#[cfg(test)]
mod tests;
