//! What clients, services and logs saw, once it is whole, by case.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    parity::{
        agent::Saw,
        observation::{self, Observation},
        recorder::{Record, Recorder},
        wire,
    },
    wait,
};

/// What a service is told of its time.
const EXPECTED: &str = "request.header.x-envoy-expected-rq-timeout-ms";

/// How much of its time a request may have spent on attempts before, in milliseconds.
const SPENT: u64 = 8000;

/// How long nothing is added to a log that is whole.
const QUIET: Duration = Duration::from_millis(500);

/// A value with the host's own address, which the other host does not have, replaced.
pub(super) fn without(value: &str, address: &str) -> String {
    let mut parts = value.split(address);
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // More digits make it the address of another.
        let is_other = part.starts_with(|c: char| c.is_ascii_digit());
        whole.push_str(if is_other { address } else { "<host>" });
        whole.push_str(part);
    }
    whole
}

/// Waits until services have nothing to write down that has happened already.
pub(super) fn settle(recorder: &Recorder) {
    let mut before = usize::MAX;
    let still = wait::within(wire::PATIENCE, "services to be quiet", || {
        let fields = recorder
            .records()
            .iter()
            .map(|record| record.fields.len())
            .sum();
        let is_same = before == fields;
        before = fields;
        Ok(is_same.then_some(()))
    });
    // A service that is never quiet shows in what is compared.
    drop(still);
}

/// A log that nothing is added to any more; Envoy adds to it every 100 ms.
pub(super) fn whole_log(path: &Path) -> String {
    let mut read = String::new();
    let mut since = Instant::now();
    let still = wait::within(wire::PATIENCE, "the log to be quiet", || {
        let now = fs::read_to_string(path).unwrap_or_default();
        if now.len() != read.len() {
            (read, since) = (now, Instant::now());
        }
        Ok((since.elapsed() >= QUIET).then_some(()))
    });
    // What still comes shows in what is compared.
    drop(still);
    read
}

/// What was seen of each case: by its client, and by services in the order of what they were asked.
pub(super) fn put_together(saw: Saw) -> BTreeMap<usize, Observation> {
    let mut seen: BTreeMap<usize, Observation> = saw.clients.into_iter().collect();
    let mut of_case: BTreeMap<usize, Vec<Record>> = BTreeMap::new();
    for record in saw.records {
        if let Some(case) = record.case {
            of_case.entry(case).or_default().push(record);
        }
    }
    for (case, mut records) in of_case {
        let Some(observation) = seen.get_mut(&case) else {
            continue;
        };
        if observation::is_shares(observation) {
            continue;
        }
        let asked = |record: &Record| {
            let fields = &record.fields;
            let line = fields
                .get("request.line")
                .or_else(|| fields.get("request.header.:path"));
            line.cloned()
        };
        records.sort_by_key(asked);
        let mut told = None;
        for (number, record) in (1..).zip(records) {
            for (field, value) in record.fields {
                let value = if field == EXPECTED {
                    left(&mut told, value)
                } else {
                    value
                };
                observation.insert(format!("upstream.{number}.{field}"), value);
            }
        }
    }
    seen
}

/// What a service is told of the time of another attempt is less by what the first ones took.
fn left(told: &mut Option<u64>, value: String) -> String {
    let Ok(time) = value.trim_matches('"').parse::<u64>() else {
        return value;
    };
    match *told {
        None => {
            *told = Some(time);
            value
        }
        Some(first) if time <= first && first - time <= SPENT => {
            format!("<what is left of {first}>")
        }
        Some(_) => value,
    }
}
