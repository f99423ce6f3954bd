//! The client of a case: sends what the case says, and tells what came back, parsed.

pub(crate) mod over_time;

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result};

use super::{
    case::{Case, Client, Frame, Mesh, Step},
    gate,
    http1::{self, Kind, Message, Read},
    http2::{self, Link},
    observation::{self, Observation, SHARE},
    wire::{Ended, PATIENCE, Wire},
};
use crate::client::is_share;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// Runs the client of a case against an address.
pub(crate) fn run(case: &Case, address: SocketAddr) -> Observation {
    let mut seen = outcome(case, address);
    if case.refused {
        let ends = seen.iter_mut().filter(|(field, _)| field.ends_with("end"));
        for (_, end) in ends.filter(|(_, end)| *end != Ended::word(None)) {
            "closed".clone_into(end);
        }
    }
    seen
}

fn outcome(case: &Case, address: SocketAddr) -> Observation {
    match observe(case, address) {
        Ok(observation) => observation,
        Err(error) => {
            let word = format!("{error:#}");
            let mut seen = Observation::new();
            if word == ErrorKind::ConnectionReset.to_string() {
                // It was made, and reset before this program was told so.
                seen.insert(
                    "client.end".to_owned(),
                    Ended::word(Some(Ended::Reset)).to_owned(),
                );
                if matches!(case.client, Client::Tcp(_)) {
                    seen.insert("client.bytes".to_owned(), observation::body(&[]));
                }
            } else {
                seen.insert("client.connect".to_owned(), word);
            }
            seen
        }
    }
}

fn observe(case: &Case, address: SocketAddr) -> Result<Observation> {
    if case.is_late {
        gate::pass(case.id);
    }
    let connect = || -> Result<Arc<Wire>> {
        let stream = TcpStream::connect_timeout(&address, CONNECT);
        Wire::new(stream.map_err(|error| anyhow::anyhow!("{}", error.kind()))?)
    };
    let seen = match &case.client {
        Client::Http1(steps, kinds) => http1_client(case, connect()?.as_ref(), steps, kinds),
        Client::Http2(frames) => http2_client(case, connect()?, frames),
        Client::Tcp(steps) => tcp_client(case, connect()?.as_ref(), steps),
        Client::Several(connections) => several(case, &connect, connections)?,
        Client::Shares(requests, request, weights) => {
            shares(&connect, *requests, &case.filled(request), weights)?
        }
        Client::Stages(request, last) => over_time::stages(&connect, &case.filled(request), *last)?,
        Client::Ejections(good, failing, counts) => {
            let requests = (case.filled(good), case.filled(failing));
            over_time::ejections(&connect, (&requests.0, &requests.1), *counts)?
        }
    };
    Ok(seen)
}

fn perform(case: &Case, wire: &Wire, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Send(bytes) => {
                if wire.send(&case.filled(bytes)).is_err() {
                    return;
                }
            }
            Step::Receive(count) => {
                wire.wait(PATIENCE, |received| {
                    (received.bytes.len() >= *count || received.ended.is_some()).then_some(())
                });
            }
            Step::Await(text) => {
                wire.wait(PATIENCE, |received| {
                    let is_there = http1::find(&received.bytes, text.as_bytes()).is_some();
                    (is_there || received.ended.is_some()).then_some(())
                });
            }
            Step::Pause(milliseconds) => wire.pause(*milliseconds),
            Step::Drain => gate::pass(case.id),
            Step::Finish => wire.finish(),
            Step::Reset => wire.reset(),
        }
    }
}

fn tcp_client(case: &Case, wire: &Wire, steps: &[Step]) -> Observation {
    perform(case, wire, steps);
    let ended = wire.wait_end(case.watch);
    let mut seen = Observation::new();
    seen.insert("client.bytes".to_owned(), observation::body(&wire.bytes()));
    seen.insert("client.end".to_owned(), Ended::word(ended).to_owned());
    wire.close();
    seen
}

/// Connections that are open at the same time.
fn several(
    case: &Case,
    connect: &impl Fn() -> Result<Arc<Wire>>,
    connections: &[Vec<Step>],
) -> Result<Observation> {
    let mut open = Vec::new();
    let mut seen = Observation::new();
    for (number, steps) in (1..).zip(connections) {
        match connect() {
            Ok(wire) => {
                perform(case, &wire, steps);
                open.push((number, wire));
            }
            Err(error) if error.to_string() == ErrorKind::ConnectionReset.to_string() => {
                let end = Ended::word(Some(Ended::Reset)).to_owned();
                seen.insert(format!("client.{number}.bytes"), observation::body(&[]));
                seen.insert(format!("client.{number}.end"), end);
            }
            Err(error) => return Err(error),
        }
    }
    for (number, wire) in &open {
        let ended = wire.wait_end(case.watch);
        let bytes = observation::body(&wire.bytes());
        seen.insert(format!("client.{number}.bytes"), bytes);
        let end = Ended::word(ended).to_owned();
        seen.insert(format!("client.{number}.end"), end);
    }
    for (_, wire) in open {
        wire.close();
    }
    Ok(seen)
}

/// The answers in some bytes, and what is left.
struct Answers {
    /// With whether each is whole.
    messages: Vec<(Message, bool)>,
    rest: Vec<u8>,
    fault: Option<String>,
    /// Whether every answer that is expected is there.
    complete: bool,
}

fn answers(bytes: &[u8], kinds: &[Kind], ended: bool) -> Answers {
    let mut found = Answers {
        messages: Vec::new(),
        rest: Vec::new(),
        fault: None,
        complete: false,
    };
    let (mut at, mut expected) = (0, 0);
    loop {
        found.complete = expected >= kinds.len();
        let kind = kinds.get(expected).copied().unwrap_or(Kind::Answer);
        if at == bytes.len() {
            return found;
        }
        match http1::read(&bytes[at..], kind, ended) {
            Read::Whole(message, used) => {
                at += used;
                let status = message.status();
                found.messages.push((message, true));
                if status == 101 {
                    found.rest = bytes[at..].to_vec();
                    found.complete = true;
                    return found;
                }
                if !(100..200).contains(&status) {
                    expected += 1;
                }
            }
            Read::Partial(message) => {
                if message.line.is_empty() {
                    found.rest = bytes[at..].to_vec();
                } else {
                    found.messages.push((message, false));
                }
                return found;
            }
            Read::Fault(fault) => {
                found.fault = Some(fault);
                found.rest = bytes[at..].to_vec();
                return found;
            }
        }
    }
}

fn http1_client(case: &Case, wire: &Wire, steps: &[Step], kinds: &[Kind]) -> Observation {
    perform(case, wire, steps);
    let is_last = wire.wait(PATIENCE, |received| {
        let ended = received.ended.is_some();
        let found = answers(&received.bytes, kinds, ended);
        let is_last = found.messages.iter().any(|(message, _)| message.is_last());
        (found.complete || found.fault.is_some() || ended).then_some(is_last)
    });
    let ended = wire.wait_end(if is_last == Some(true) {
        PATIENCE
    } else {
        case.watch
    });
    let found = answers(&wire.bytes(), kinds, ended.is_some());
    let mut seen = Observation::new();
    for (index, (message, is_whole)) in (1..).zip(&found.messages) {
        let prefix = format!("client.{index}");
        observation::add_message(&mut seen, &prefix, message);
        if !is_whole {
            seen.insert(format!("{prefix}.end"), "unfinished".to_owned());
        }
    }
    if !found.rest.is_empty() {
        seen.insert("client.rest".to_owned(), observation::body(&found.rest));
    }
    if let Some(fault) = found.fault {
        seen.insert("client.fault".to_owned(), fault);
    }
    seen.insert("client.end".to_owned(), Ended::word(ended).to_owned());
    wire.close();
    seen
}

fn http2_client(case: &Case, wire: Arc<Wire>, frames: &[Frame]) -> Observation {
    let link = Link::new(wire, true);
    let mut open: Vec<u32> = Vec::new();
    for frame in frames {
        act(case, &link, frame, &mut open);
    }
    let all_over = |seen: &http2::Seen<'_>| {
        let is_over = |id| seen.streams.get(id).is_some_and(http2::Stream::is_over);
        let is_done = open.iter().all(is_over) || seen.ended.is_some() || seen.fault.is_some();
        is_done.then_some(seen.goaway.is_some())
    };
    let leaves = link.wait(PATIENCE, all_over).unwrap_or(false);
    let ended = |seen: &http2::Seen<'_>| seen.ended;
    let ended = link.wait(if leaves { PATIENCE } else { case.watch }, ended);
    let mut observation = Observation::new();
    link.wait(PATIENCE, |seen| {
        for (id, stream) in seen.streams {
            let prefix = format!("client.{}", id.div_ceil(2));
            observation::add_stream(&mut observation, &prefix, stream);
        }
        if let Some(code) = seen.goaway {
            observation.insert("client.goaway".to_owned(), code.to_string());
        }
        if case.mesh == Mesh::Drained {
            observation.insert("client.goaway.last".to_owned(), format!("{:?}", seen.last));
        }
        if let Some(fault) = seen.fault {
            observation.insert("client.fault".to_owned(), fault.to_owned());
        }
        Some(())
    });
    // What a proxy closes while its client still acknowledges this or that ends with FIN or RST, by chance.
    let ended = ended.map_or("open", |_| "closed");
    observation.insert("client.end".to_owned(), ended.to_owned());
    link.wire.close();
    observation
}

fn act(case: &Case, link: &Link, frame: &Frame, open: &mut Vec<u32>) {
    match frame {
        Frame::Head(stream, fields, end) => {
            let fields = fields.iter();
            let filled = fields.map(|(name, value)| (name.clone(), case.text(value)));
            link.send_head(*stream, &filled.collect(), *end);
            if !open.contains(stream) {
                open.push(*stream);
            }
        }
        Frame::Data(stream, bytes, end) => link.send_data(*stream, &case.filled(bytes), *end),
        Frame::Raw(kind, flags, stream, payload) => link.send(*kind, *flags, *stream, payload),
        Frame::Cancel(stream, code) => {
            link.send(http2::RST_STREAM, 0, *stream, &code.to_be_bytes());
            open.retain(|other| other != stream);
        }
        Frame::AwaitHead(stream) => {
            link.wait(PATIENCE, |seen| {
                let head = seen.streams.get(stream).and_then(|seen| seen.heads.first());
                (head.is_some() || seen.ended.is_some()).then_some(())
            });
        }
        Frame::AwaitEnd(stream) => {
            link.wait(PATIENCE, |seen| {
                let over = seen.streams.get(stream).is_some_and(http2::Stream::is_over);
                (over || seen.ended.is_some()).then_some(())
            });
        }
        Frame::Pause(milliseconds) => link.wire.pause(*milliseconds),
        Frame::Drain => gate::pass(case.id),
        Frame::Finish => link.wire.finish(),
    }
}

/// Counts who answers, and says of each address whether it answered as often as its weight wants.
fn shares(
    connect: &impl Fn() -> Result<Arc<Wire>>,
    requests: usize,
    request: &[u8],
    weights: &[(String, u32)],
) -> Result<Observation> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut wire = connect()?;
    let mut used = 0;
    for _ in 0..requests {
        wire.send(request).context("a request could not be sent")?;
        let answer = wire.wait(PATIENCE, |received| {
            let ended = received.ended.is_some();
            match http1::read(&received.bytes[used..], Kind::Answer, ended) {
                Read::Whole(message, bytes) => Some((message, bytes)),
                _ => None,
            }
        });
        let (answer, bytes) = answer.context("no answer")?;
        used += bytes;
        let by = answer.values("x-at").next().unwrap_or("nobody");
        *counts
            .entry(format!("{} {by}", answer.status()))
            .or_default() += 1;
        if answer.is_last() {
            (wire, used) = (connect()?, 0);
        }
    }
    let total: u32 = weights.iter().map(|(_, weight)| weight).sum();
    let mut seen = Observation::new();
    for (by, count) in counts {
        let weight = weights.iter().find(|(at, _)| by == format!("200 {at}"));
        let share = f64::from(weight.map_or(0, |(_, weight)| *weight)) / f64::from(total.max(1));
        let said = if weight.is_some() && is_share(count, requests, share) {
            "its share".to_owned()
        } else {
            format!("{count} of {requests}")
        };
        seen.insert(format!("{SHARE}.{by}"), said);
    }
    wire.close();
    Ok(seen)
}
