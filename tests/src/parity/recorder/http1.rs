//! A service on a connection of HTTP/1.

use std::time::Duration;

use super::{Recorder, Visit, echo};
use crate::parity::{
    case::{AT, CASE_FIELD, Case, Reply},
    gate,
    http1::{self, Framing, Kind, Message, Read},
    observation,
    wire::{Ended, PATIENCE, Wire},
};

/// How long a connection may be idle: longer than any suite takes.
const IDLE: Duration = Duration::from_mins(10);

/// What a service has done to its connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    Open,
    Ended,
}

impl Recorder {
    pub(super) fn http1(&self, visit: &Visit, wire: &Wire) {
        let mut used = 0;
        let mut last = None;
        loop {
            let read = wire.wait(IDLE, |received| {
                let rest = &received.bytes[used..];
                let ended = received.ended.is_some();
                match http1::read(rest, Kind::Request, ended) {
                    Read::Partial(message) if message.line.is_empty() => {
                        ended.then(|| (None, rest.to_vec(), received.ended))
                    }
                    other => Some((Some(other), rest.to_vec(), received.ended)),
                }
            });
            match read {
                Some((Some(Read::Partial(message) | Read::Whole(message, _)), ..)) => {
                    let (record, left) = self.answer(visit, wire, used, &message);
                    last = Some(record);
                    let whole = self.finish(wire, used, record);
                    match whole {
                        Some(bytes) if left == Left::Open => used += bytes,
                        _ => return,
                    }
                }
                Some((Some(Read::Fault(fault)), rest, _)) => {
                    let record = self.begin(visit, None);
                    self.note(record, "fault", fault);
                    self.note(record, "bytes", observation::body(&rest));
                    return wire.close();
                }
                Some((None, rest, ended)) => {
                    if !rest.is_empty() {
                        let record = self.begin(visit, None);
                        self.note(record, "bytes", observation::body(&rest));
                    } else if let Some(record) = last {
                        self.note(record, "end", Ended::word(ended));
                    }
                    return wire.close();
                }
                None => return,
            }
        }
    }

    /// Writes down the rest of a request; how long it was, if it was all there.
    fn finish(&self, wire: &Wire, used: usize, record: usize) -> Option<usize> {
        let (message, whole) = wire.wait(PATIENCE, |received| {
            let ended = received.ended;
            match http1::read(&received.bytes[used..], Kind::Request, ended.is_some()) {
                Read::Whole(message, bytes) => Some((message, Ok(bytes))),
                Read::Partial(message) if ended.is_some() => Some((message, Err(ended))),
                Read::Fault(fault) => {
                    let message = Message {
                        line: fault,
                        ..Message::default()
                    };
                    Some((message, Err(ended)))
                }
                Read::Partial(_) => None,
            }
        })?;
        if let Some(record) = self.lock().get_mut(record) {
            observation::add_message(&mut record.fields, "request", &message);
            let end = || match whole {
                Ok(_) => "open".to_owned(),
                Err(ended) => format!("unfinished, {}", Ended::word(ended)),
            };
            record.fields.entry("end".to_owned()).or_insert_with(end);
        }
        whole.ok()
    }

    /// Answers a request whose head is there.
    fn answer(&self, visit: &Visit, wire: &Wire, used: usize, message: &Message) -> (usize, Left) {
        let id = message
            .values(CASE_FIELD)
            .next()
            .and_then(|id| id.parse().ok());
        let record = self.begin(visit, id);
        let case = id.or(visit.owner).and_then(|id| self.case(id));
        let agent = message.values("user-agent").next();
        let replies = self.replies(visit, case, agent, record);
        let mut voice = Voice {
            wire,
            case,
            at: visit.at.to_string(),
            is_head: message.line.starts_with("HEAD "),
            is_chunked: false,
            unsent: Vec::new(),
        };
        for (index, reply) in replies.iter().enumerate() {
            if !is_said(reply) {
                voice.send();
            }
            match reply {
                Reply::Request => {
                    wire.wait(PATIENCE, |received| {
                        let ended = received.ended.is_some();
                        let read = http1::read(&received.bytes[used..], Kind::Request, ended);
                        (ended || !matches!(read, Read::Partial(_))).then_some(())
                    });
                }
                Reply::Echo => {
                    let bytes = wire.bytes();
                    let head = http1::find(&bytes[used..], b"\r\n\r\n").map_or(0, |at| at + 4);
                    echo(wire, used + head);
                }
                Reply::Finish | Reply::Reset | Reply::Cancel(_) => {
                    self.note(record, "end", "by the service");
                    if *reply == Reply::Finish {
                        wire.finish();
                        wire.pause(50);
                        wire.close();
                    } else {
                        wire.reset();
                    }
                    return (record, Left::Ended);
                }
                Reply::Drain => case.iter().for_each(|case| gate::pass(case.id)),
                Reply::Pause(milliseconds) => {
                    wire.wait_end(Duration::from_millis(*milliseconds));
                }
                other => voice.say(other, &replies[index + 1..]),
            }
        }
        voice.send();
        (record, Left::Open)
    }
}

/// Whether this is a part of an answer.
fn is_said(reply: &Reply) -> bool {
    use Reply::{Bytes, Data, End, Head, Raw, Trailers};
    matches!(
        reply,
        Bytes(_) | Data(_) | End | Head(..) | Raw(..) | Trailers(_)
    )
}

/// How an answer is put into bytes.
struct Voice<'a> {
    wire: &'a Wire,
    case: Option<&'a Case>,
    at: String,
    is_head: bool,
    is_chunked: bool,
    /// What is said without a pause goes out at once: else a peer that closes after the head meets what
    /// follows, or does not.
    unsent: Vec<u8>,
}

impl Voice<'_> {
    fn say(&mut self, reply: &Reply, later: &[Reply]) {
        let bytes = match reply {
            Reply::Head(status, fields) => self.head(*status, fields, later),
            Reply::Data(_) | Reply::Trailers(_) if self.is_head => Vec::new(),
            Reply::Data(data) if self.is_chunked => {
                [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
            }
            Reply::Data(data) | Reply::Bytes(data) => data.clone(),
            Reply::Trailers(fields) => format!("0\r\n{}\r\n", lines(fields)).into_bytes(),
            Reply::End if self.is_chunked && !self.is_head => b"0\r\n\r\n".to_vec(),
            _ => Vec::new(),
        };
        if matches!(reply, Reply::Trailers(_)) {
            self.is_chunked = false;
        }
        let filled = self.case.map_or(bytes.clone(), |case| case.filled(&bytes));
        self.unsent.extend(filled);
    }

    fn send(&mut self) {
        // A connection that is gone shows in the record's end.
        let _ = self.wire.send(&std::mem::take(&mut self.unsent));
    }

    fn head(&mut self, status: u16, fields: &[(String, String)], later: &[Reply]) -> Vec<u8> {
        let named = |wanted: &str| {
            fields
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
        };
        let mut text = format!("HTTP/1.1 {status} {}\r\n", reason(status));
        text.push_str(&lines(fields).replace(AT, &self.at));
        let has_trailers = later
            .iter()
            .any(|reply| matches!(reply, Reply::Trailers(_)));
        let ends = later.contains(&Reply::End);
        let framing = if matches!(status, 100..=199 | 204 | 304) || named("content-length") {
            Framing::None
        } else if named("transfer-encoding") || has_trailers || !ends {
            Framing::Chunked
        } else {
            let data = later.iter().map(|reply| match reply {
                Reply::Data(data) => data.len(),
                _ => 0,
            });
            Framing::Length(data.sum())
        };
        self.is_chunked = framing == Framing::Chunked;
        match framing {
            Framing::Chunked if !named("transfer-encoding") => {
                text.push_str("transfer-encoding: chunked\r\n");
            }
            Framing::Length(length) => {
                text.push_str("content-length: ");
                text.push_str(&length.to_string());
                text.push_str("\r\n");
            }
            _ => {}
        }
        text.push_str("\r\n");
        text.into_bytes()
    }
}

fn lines(fields: &[(String, String)]) -> String {
    let lines = fields
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"));
    lines.collect()
}

fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        103 => "Early Hints",
        200 => "OK",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        404 => "Not Found",
        413 => "Payload Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Something",
    }
}
