//! Clients that call a service again and again, and tell whom they reached as time passes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use crate::parity::{
    http1::{self, Kind, Message, Read},
    observation::{Observation, SHARE},
    wire::{PATIENCE, Wire},
};

/// Milliseconds between two requests.
const PAUSE: u64 = 100;
/// As many answers at a stage have come from every endpoint that is called then.
const ENOUGH: usize = 8;
/// How long the first ejection of an endpoint lasts.
pub(crate) const EJECTION: Duration = Duration::from_secs(1);
/// What an endpoint that is to fail says where it is.
pub(crate) const FAILING: &str = "failing";
/// How often endpoints are looked at: an endpoint that is good for that long is ejected for less.
pub(crate) const SWEEPS: Duration = Duration::from_secs(3);
/// Milliseconds between two changes of a cluster: Envoy takes up the second no sooner than a second later
/// (`update_merge_window`).
const APART: u64 = 1200;
/// No case takes as long.
const LONGEST: Duration = Duration::from_mins(1);

/// A client of HTTP/1 that keeps its connection as long as that lasts.
struct Caller<'a, F> {
    connect: &'a F,
    wire: Arc<Wire>,
    used: usize,
    began: Instant,
}

impl<'a, F: Fn() -> Result<Arc<Wire>>> Caller<'a, F> {
    fn new(connect: &'a F) -> Result<Self> {
        Ok(Self {
            connect,
            wire: connect()?,
            used: 0,
            began: Instant::now(),
        })
    }

    fn ask(&mut self, request: &[u8]) -> Result<Message> {
        ensure!(self.began.elapsed() < LONGEST, "it has no end");
        let sent = self.wire.send(request);
        sent.context("a request could not be sent")?;
        let used = self.used;
        let answer = self.wire.wait(PATIENCE, |received| {
            let ended = received.ended.is_some();
            match http1::read(&received.bytes[used..], Kind::Answer, ended) {
                Read::Whole(message, bytes) => Some((message, bytes)),
                _ => None,
            }
        });
        let (answer, bytes) = answer.context("no answer")?;
        self.used += bytes;
        if answer.is_last() {
            (self.wire, self.used) = ((self.connect)()?, 0);
        }
        Ok(answer)
    }

    fn pause(&self) {
        self.wire.pause(PAUSE);
    }
}

fn value<'a>(answer: &'a Message, name: &'a str) -> &'a str {
    answer.values(name).next().unwrap_or("nobody")
}

/// Calls up to a stage of the endpoints that join, and tells who answers at each, and how.
pub(super) fn stages(
    connect: &impl Fn() -> Result<Arc<Wire>>,
    request: &[u8],
    last: usize,
) -> Result<Observation> {
    let mut caller = Caller::new(connect)?;
    let mut reached: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut pause = String::new();
    while reached.get(&last).map_or(0, Vec::len) < ENOUGH {
        let answer = caller.ask(request)?;
        // What has just begun has no effect yet, and is no number.
        if let Ok(stage) = value(&answer, "x-stage").parse() {
            let by = format!("{} {}", answer.status(), value(&answer, "x-at"));
            reached.entry(stage).or_default().push(by);
            value(&answer, "x-pause").clone_into(&mut pause);
        }
        caller.pause();
    }
    let mut seen = Observation::new();
    for (stage, by) in reached {
        let by: BTreeSet<String> = by.into_iter().collect();
        let by: Vec<String> = by.into_iter().collect();
        seen.insert(format!("{SHARE}.after.{stage}"), by.join(", "));
    }
    seen.insert(format!("{SHARE}.pause"), format!("{pause} s"));
    caller.wire.close();
    Ok(seen)
}

/// Has an endpoint fail so that it is ejected, so many times, and tells how long it is left out at the least,
/// in times of the base time.
pub(super) fn ejections(
    connect: &impl Fn() -> Result<Arc<Wire>>,
    (good, failing): (&[u8], &[u8]),
    (failures, times): (usize, u32),
) -> Result<Observation> {
    let mut caller = Caller::new(connect)?;
    let mut seen = Observation::new();
    for time in 1..=times {
        caller.wire.pause(APART);
        let mut failed = 0;
        while failed < failures {
            failed += usize::from(caller.ask(failing)?.status() >= 500);
        }
        let ejected = Instant::now();
        caller.pause();
        while value(&caller.ask(good)?, "x-at") != FAILING {
            caller.pause();
        }
        // A machine that is busy lets it back in late, and never early.
        let bases = ejected.elapsed().as_millis() / EJECTION.as_millis();
        let said = bases.min(u128::from(time)).to_string();
        seen.insert(format!("{SHARE}.ejection.{time}"), said);
    }
    caller.wire.close();
    Ok(seen)
}
