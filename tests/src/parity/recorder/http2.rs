//! A service on a connection of HTTP/2.

use std::{collections::BTreeSet, sync::Arc, thread, time::Duration};

use super::{Recorder, Visit};
use crate::parity::{
    case::{AT, CASE_FIELD, Case, End, Fields, Reply},
    gate,
    http2::{self, Link, Stream},
    observation,
    wire::{PATIENCE, Wire},
};

/// How long a connection may be idle: longer than any suite takes.
const IDLE: Duration = Duration::from_mins(10);

impl Recorder {
    pub(super) fn http2(&self, visit: &Visit, wire: Arc<Wire>) {
        let link = Link::new(wire, false);
        let mut answered = BTreeSet::new();
        thread::scope(|scope| {
            loop {
                let came = link.wait(IDLE, |seen| {
                    let new = seen.streams.iter().find(|(id, stream)| {
                        !answered.contains(*id) && (!stream.heads.is_empty() || stream.is_over())
                    });
                    match new {
                        Some((id, _)) => Some(Some(*id)),
                        None => (seen.ended.is_some() || seen.fault.is_some()).then_some(None),
                    }
                });
                let Some(Some(id)) = came else {
                    return link.wire.close();
                };
                answered.insert(id);
                let link = &link;
                scope.spawn(move || self.stream(visit, link, id));
            }
        });
    }

    fn stream(&self, visit: &Visit, link: &Link, id: u32) {
        let state = || link.wait(PATIENCE, |seen| seen.streams.get(&id).cloned());
        let Some(stream) = state() else { return };
        let named = stream.heads.first().and_then(|head| {
            let field = head.iter().find(|(name, _)| name == CASE_FIELD);
            field.and_then(|(_, value)| value.parse().ok())
        });
        let record = self.begin(visit, named);
        let case = named.or(visit.owner).and_then(|id| self.case(id));
        let agent = stream.heads.first().and_then(|head| {
            let field = head.iter().find(|(name, _)| name == "user-agent");
            field.map(|(_, value)| value.as_str())
        });
        let replies = self.replies(visit, case, agent, record);
        let how = answer(link, id, case, &visit.at.to_string(), &replies, &stream);
        let over = link.wait(PATIENCE, |seen| {
            let stream = seen.streams.get(&id)?;
            (stream.is_over() || seen.ended.is_some()).then(|| stream.clone())
        });
        let Some(mut stream) = over.or_else(state) else {
            return;
        };
        if how == Answered::Wholly && stream.ended {
            // Whether it was reset before its end had gone out is chance.
            stream.reset = None;
        }
        if let Some(record) = self.lock().get_mut(record) {
            observation::add_stream(&mut record.fields, "request", &stream);
            if how == Answered::ToTheEnd {
                record
                    .fields
                    .insert("end".to_owned(), "by the service".to_owned());
            }
        }
    }
}

/// How far a service came on a stream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answered {
    /// It was not to end its answer, or was stopped before.
    InPart,
    /// It has ended the connection.
    ToTheEnd,
    /// Its answer is through.
    Wholly,
}

/// Does what a service does on a stream.
fn answer(
    link: &Link,
    id: u32,
    case: Option<&Case>,
    at: &str,
    replies: &[Reply],
    stream: &Stream,
) -> Answered {
    let mut is_stopped = false;
    let is_head = stream
        .heads
        .first()
        .is_some_and(|head| head.contains(&(":method".to_owned(), "HEAD".to_owned())));
    let filled = |bytes: &[u8]| case.map_or(bytes.to_vec(), |case| case.filled(bytes));
    for (index, reply) in replies.iter().enumerate() {
        let is_last = replies.get(index + 1) == Some(&Reply::End);
        let end = if is_last { End::Stream } else { End::More };
        match reply {
            Reply::Request => {
                link.wait(PATIENCE, |seen| {
                    let over = seen.streams.get(&id).is_some_and(Stream::is_over);
                    (over || seen.ended.is_some()).then_some(())
                });
            }
            Reply::Head(status, fields) => {
                let no_data = is_head && replies.contains(&Reply::End) && *status >= 200;
                let end = if no_data { End::Stream } else { end };
                link.send_head(id, &head(*status, fields, at), end);
            }
            Reply::Data(_) if is_head => {}
            Reply::Data(data) => link.send_data(id, &filled(data), end),
            Reply::Trailers(fields) => link.send_head(id, fields, End::Stream),
            Reply::Bytes(bytes) => {
                let _ = link.wire.send(&filled(bytes));
            }
            Reply::Raw(kind, flags, payload) => link.send(*kind, *flags, id, payload),
            Reply::Cancel(code) => {
                link.send(http2::RST_STREAM, 0, id, &code.to_be_bytes());
            }
            Reply::Drain => case.iter().for_each(|case| gate::pass(case.id)),
            Reply::Pause(milliseconds) => {
                let stopped = link.wait(Duration::from_millis(*milliseconds), |seen| {
                    let is_reset = |stream: &Stream| stream.reset.is_some();
                    let given_up = seen.streams.get(&id).is_some_and(is_reset);
                    (given_up || seen.ended.is_some()).then_some(())
                });
                is_stopped |= stopped.is_some();
            }
            Reply::Echo => echo(link, id),
            Reply::Finish => {
                link.wire.close();
                return Answered::ToTheEnd;
            }
            Reply::Reset => {
                link.wire.reset();
                return Answered::ToTheEnd;
            }
            Reply::End | Reply::Receive(_) => {}
        }
    }
    if replies.last() == Some(&Reply::End) && !is_stopped {
        Answered::Wholly
    } else {
        Answered::InPart
    }
}

fn head(status: u16, fields: &Fields, at: &str) -> Fields {
    let status = [(":status".to_owned(), status.to_string())];
    let fields = fields.iter();
    let fields = fields.map(|(name, value)| (name.clone(), value.replace(AT, at)));
    status.into_iter().chain(fields).collect()
}

/// Sends back each part of the body as it comes.
fn echo(link: &Link, id: u32) {
    let mut from = 0;
    loop {
        let came = link.wait(PATIENCE, |seen| {
            let stream = seen.streams.get(&id)?;
            let more = stream.body[from..].to_vec();
            let over = stream.is_over() || seen.ended.is_some();
            (!more.is_empty() || over).then_some((more, over))
        });
        let Some((more, over)) = came else { return };
        from += more.len();
        link.send_data(id, &more, if over { End::Stream } else { End::More });
        if over {
            return;
        }
    }
}
