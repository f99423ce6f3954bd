//! The application of a host, a process of its own in the workload's cgroup: it listens, and calls when it is
//! told to. `parity agent MESH` reads orders and writes a line of JSON for each thing that it saw.

use std::{
    io::{BufRead as _, BufReader, Write as _, stdin, stdout},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::{Child, ChildStdin, ChildStdout, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::{
    case::{Case, Mesh, Target},
    cases, client, gate,
    meshes::{self, DIALLED},
    observation::Observation,
    recorder::{Record, Recorder},
};
use crate::host::{Host, Place};

/// Cases that run at a time.
const AT_ONCE: usize = 48;

const READY: &str = "ready";
const RECORDS: &str = "records";
/// How many connections its services have.
const VISITS: &str = "visits";
/// Who waits for the drain.
const ARRIVED: &str = "arrived";
/// Those who wait for the drain go on.
const DRAINED: &str = "drained";
/// What came of the calls.
const SAW: &str = "saw";
const DONE: &str = "done";

/// What an agent saw.
#[derive(Debug, Default)]
pub(super) struct Saw {
    pub(super) clients: Vec<(usize, Observation)>,
    pub(super) records: Vec<Record>,
}

/// Runs as an agent until standard input ends.
pub(super) fn run(mesh: Mesh) -> Result<()> {
    let all = Arc::new(cases::all());
    let recorder = Recorder::new(Arc::clone(&all));
    for protocol in meshes::listeners(mesh) {
        let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, protocol.listener_port()));
        let listener = TcpListener::bind(address).with_context(|| format!("no {address}"))?;
        recorder.serve(listener);
    }
    for port in meshes::pooled(&all, mesh) {
        let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        let listener = TcpListener::bind(address).with_context(|| format!("no {address}"))?;
        recorder.serve(listener);
    }
    say(READY)?;
    let mut calling: Vec<JoinHandle<Vec<(usize, Observation)>>> = Vec::new();
    for order in stdin().lines() {
        let order = order.context("cannot read an order")?;
        match order.as_str() {
            RECORDS => {
                for record in recorder.records() {
                    say(&record.to_json().to_string())?;
                }
            }
            VISITS => say(&recorder.visits().to_string())?,
            ARRIVED => say(&json!(gate::arrived()).to_string())?,
            DRAINED => gate::open(),
            SAW => {
                for calls in calling.drain(..) {
                    let seen = calls
                        .join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                    for (id, seen) in seen {
                        say(&json!({ "case": id, "fields": seen }).to_string())?;
                    }
                }
            }
            list => {
                let ids: Vec<usize> = serde_json::from_str(list).context("an order is no list")?;
                let all = Arc::clone(&all);
                calling.push(thread::spawn(move || {
                    let cases: Vec<&Case> = ids.iter().filter_map(|id| all.get(*id)).collect();
                    run_all(&cases, service_address)
                }));
            }
        }
        say(DONE)?;
    }
    Ok(())
}

fn say(line: &str) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .context("nobody listens")
}

/// Where the application calls a service: an address that is nobody's, so that only the proxy knows whose.
fn service_address(case: &Case) -> SocketAddr {
    let port = match &case.target {
        Target::Service(port, _) => *port,
        Target::Own(own) if meshes::has_own_port(own) => meshes::own_port(case.id),
        Target::Own(own) => own.protocol.service_port(),
        Target::Application(protocol) => protocol.listener_port(),
        Target::Pooled(_) => meshes::own_port(case.id),
    };
    SocketAddr::from(([192, 0, 2, DIALLED], port))
}

/// Runs cases, many at a time, each against its address.
pub(super) fn run_all(
    cases: &[&Case],
    address: impl Fn(&Case) -> SocketAddr + Sync,
) -> Vec<(usize, Observation)> {
    let waiting = Mutex::new(cases.iter());
    let seen = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(cases.len()) {
            scope.spawn(|| {
                loop {
                    let next = waiting
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .next();
                    let Some(case) = next else { return };
                    let saw = client::run(case, address(case));
                    seen.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((case.id, saw));
                }
            });
        }
    });
    seen.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// An agent as whoever started it sees it. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Agent {
    child: Child,
    orders: ChildStdin,
    lines: BufReader<ChildStdout>,
}

impl Agent {
    /// Starts it in the workload of a host, and waits until it listens.
    pub(super) fn start(host: &Host, mesh: Mesh) -> Result<Self> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut command = host.command(Place::Workload, program);
        command.args(["agent", mesh.name()]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the application")?;
        let (orders, lines) = child
            .stdin
            .take()
            .zip(child.stdout.take())
            .context("no pipes")?;
        let mut agent = Self {
            child,
            orders,
            lines: BufReader::new(lines),
        };
        let first = agent.line()?;
        ensure!(first == READY, "the application said {first:?}");
        Ok(agent)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self
            .lines
            .read_line(&mut line)
            .context("cannot hear the application")?;
        if read == 0 {
            bail!("the application ended");
        }
        Ok(line.trim_end().to_owned())
    }

    fn ask(&mut self, order: &str) -> Result<Vec<Value>> {
        writeln!(self.orders, "{order}").context("the application does not listen")?;
        let mut answers = Vec::new();
        loop {
            let line = self.line()?;
            if line == DONE {
                return Ok(answers);
            }
            answers.push(serde_json::from_str(&line).with_context(|| format!("it said {line}"))?);
        }
    }

    /// Has it call in these cases, beside those in which it calls already.
    pub(super) fn call(&mut self, cases: &[usize]) -> Result<()> {
        self.ask(&json!(cases).to_string())?;
        Ok(())
    }

    /// How many connections its services have that have not ended.
    pub(super) fn visits(&mut self) -> Result<usize> {
        let mut said = self.ask(VISITS)?;
        let count = said.pop().context("it did not say how many are there")?;
        serde_json::from_value(count).context("how many are there is no number")
    }

    /// The case of each of its clients and services that waits for the drain.
    pub(super) fn arrived(&mut self) -> Result<Vec<usize>> {
        let mut said = self.ask(ARRIVED)?;
        let cases = said.pop().context("it did not say who waits")?;
        serde_json::from_value(cases).context("who waits is no list")
    }

    /// Has those go on.
    pub(super) fn drained(&mut self) -> Result<()> {
        self.ask(DRAINED)?;
        Ok(())
    }

    /// What came of the calls, once all are over.
    pub(super) fn saw(&mut self) -> Result<Vec<(usize, Observation)>> {
        let answers = self.ask(SAW)?;
        let read = |answer: &Value| {
            let id = usize::try_from(answer["case"].as_u64()?).ok()?;
            Some((id, serde_json::from_value(answer["fields"].clone()).ok()?))
        };
        let read: Option<Vec<_>> = answers.iter().map(read).collect();
        read.context("an observation is not in its form")
    }

    /// What reached it.
    pub(super) fn records(&mut self) -> Result<Vec<Record>> {
        let answers = self.ask(RECORDS)?;
        let records: Option<Vec<_>> = answers.iter().map(Record::from_json).collect();
        records.context("a record is not in its form")
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
