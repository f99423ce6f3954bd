//! The services and the application behind the proxies: they answer as the case says that reached them, and
//! write down what reached them.

mod http1;
mod http2;
mod stages;

use std::{
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde_json::{Value, json};

use super::{
    case::{Asker, CASE_FIELD, Case, Protocol, Reply, Target, When, plain_answer},
    gate,
    http1::find,
    meshes::{self, OWN_PORTS},
    observation::{self, Observation},
    wire::{Ended, PATIENCE, Wire},
};

use self::stages::Stages;

/// What health checks call themselves.
const PROBE: &str = "Envoy/HC";
/// The same of clients that are to see endpoints fail.
pub(crate) const BLAMER: &str = "blamer";

/// The first byte of a record of a TLS handshake (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// What a service saw of one request or connection.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Nobody's where it does not say which case it is of.
    pub(crate) case: Option<usize>,
    /// Who connected.
    pub(crate) from: IpAddr,
    pub(crate) fields: Observation,
}

impl Record {
    /// As one process hands it to another.
    pub(crate) fn to_json(&self) -> Value {
        json!({ "case": self.case, "from": self.from.to_string(), "fields": self.fields })
    }

    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        let fields = value["fields"].as_object()?.iter();
        let fields = fields.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        Some(Self {
            case: value["case"]
                .as_u64()
                .and_then(|id| usize::try_from(id).ok()),
            from: value["from"].as_str()?.parse().ok()?,
            fields: fields.collect::<Option<_>>()?,
        })
    }
}

/// The services of a mesh.
#[derive(Debug)]
pub(crate) struct Recorder {
    cases: Arc<Vec<Case>>,
    records: Mutex<Vec<Record>>,
    visits: AtomicUsize,
    stages: Mutex<Stages>,
}

/// One connection of a service.
struct Visit {
    from: IpAddr,
    at: SocketAddr,
    /// The case that the service belongs to.
    owner: Option<usize>,
}

impl Recorder {
    pub(crate) fn new(cases: Arc<Vec<Case>>) -> Arc<Self> {
        Arc::new(Self {
            cases,
            records: Mutex::default(),
            visits: AtomicUsize::new(0),
            stages: Mutex::default(),
        })
    }

    /// Serves a listening socket for as long as the process runs.
    pub(crate) fn serve(self: &Arc<Self>, listener: TcpListener) {
        let recorder = Arc::clone(self);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let recorder = Arc::clone(&recorder);
                recorder.visits.fetch_add(1, Ordering::Relaxed);
                thread::spawn(move || {
                    // What goes wrong on a connection is in its record, or in what the client sees.
                    if let Err(error) = recorder.visit(stream) {
                        eprintln!("{error:#}");
                    }
                    recorder.visits.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
    }

    /// What was written down so far.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.lock().clone()
    }

    /// How many connections it has that have not ended.
    pub(crate) fn visits(&self) -> usize {
        self.visits.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stages(&self) -> MutexGuard<'_, Stages> {
        self.stages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn case(&self, id: usize) -> Option<&Case> {
        self.cases.get(id).filter(|case| case.id == id)
    }

    fn visit(&self, stream: TcpStream) -> anyhow::Result<()> {
        let at = stream.local_addr()?;
        let owner = usize::from(at.port()).checked_sub(usize::from(OWN_PORTS));
        let visit = Visit {
            from: stream.peer_addr()?.ip().to_canonical(),
            at,
            owner: owner.filter(|id| self.case(*id).is_some()),
        };
        let wire = Wire::new(stream)?;
        let owner = visit.owner.and_then(|id| self.case(id));
        match owner {
            Some(case) if case.when == When::Connected => {
                self.tcp(&visit, &wire, case);
            }
            _ => {
                let begins_http2 = wire.wait(PATIENCE * 10, |received| {
                    let known = received.bytes.len().min(super::http2::PREFACE.len());
                    let is_preface = received.bytes[..known] == super::http2::PREFACE[..known];
                    let is_whole = known == super::http2::PREFACE.len();
                    let is_certain = known > 0 && (!is_preface || is_whole);
                    (is_certain || received.ended.is_some()).then_some(is_preface && is_whole)
                });
                match begins_http2 {
                    Some(true) => self.http2(&visit, wire),
                    _ if wire.bytes().starts_with(&[TLS_HANDSHAKE]) => self.tls(&visit, &wire),
                    _ => self.http1(&visit, &wire),
                }
            }
        }
        Ok(())
    }

    /// Begins a record, and gives its number.
    fn begin(&self, visit: &Visit, case: Option<usize>) -> usize {
        let mut records = self.lock();
        records.push(Record {
            case: case.or(visit.owner),
            from: visit.from,
            fields: [("at".to_owned(), visit.at.to_string())].into(),
        });
        records.len() - 1
    }

    /// What the service of a case does for the request or connection of a record.
    fn again<'a>(&self, case: &'a Case, record: usize) -> &'a [Reply] {
        let records = self.lock();
        let before = records.get(record).map_or(0, |own| {
            let is_alike = |other: &&Record| other.case == own.case && other.from == own.from;
            records[..record].iter().filter(is_alike).count()
        });
        case.replies_after(before)
    }

    /// What the service does that is visited and asked by somebody of this name.
    fn replies(
        &self,
        visit: &Visit,
        case: Option<&Case>,
        agent: Option<&str>,
        record: usize,
    ) -> Vec<Reply> {
        let asker = match agent {
            Some(PROBE) => Asker::Probe,
            Some(BLAMER) => Asker::Blamer,
            _ => Asker::Client,
        };
        match case {
            None => plain_answer(),
            Some(case) if !case.stages.is_empty() => self.staged(visit, case, asker),
            Some(case) if case.again.is_empty() => {
                case.replies_of(meshes::endpoint_of(visit.at.ip()), asker)
            }
            Some(case) => self.again(case, record).to_vec(),
        }
    }

    fn note(&self, record: usize, field: &str, value: impl Into<String>) {
        if let Some(record) = self.lock().get_mut(record) {
            record.fields.insert(field.to_owned(), value.into());
        }
    }

    /// A connection that begins with TLS, and says behind that which case it is of.
    fn tls(&self, visit: &Visit, wire: &Wire) {
        let id = wire.wait(PATIENCE, |received| {
            let field = format!("{CASE_FIELD}: ");
            let at = find(&received.bytes, field.as_bytes())? + field.len();
            let rest = &received.bytes[at..];
            let id = std::str::from_utf8(&rest[..find(rest, b"\r\n\r\n")?]).ok()?;
            id.parse().ok()
        });
        match id.and_then(|id| self.case(id)) {
            Some(case) => {
                let record = self.tcp(visit, wire, case);
                self.note(record, "bytes", observation::body(&wire.bytes()));
            }
            None => wire.close(),
        }
    }

    /// A connection of bytes; the number of its record.
    fn tcp(&self, visit: &Visit, wire: &Wire, case: &Case) -> usize {
        let record = self.begin(visit, Some(case.id));
        let is_ours = run_bytes(wire, self.again(case, record), case);
        let ended = wire.wait_end(PATIENCE);
        // What HTTP says is compared where it is read, not as bytes.
        let protocol = match &case.target {
            Target::Own(own) => Some(own.protocol),
            Target::Pooled(pool) => Some(pool.protocol),
            _ => None,
        };
        if protocol == Some(Protocol::Tcp) {
            self.note(record, "bytes", observation::body(&wire.bytes()));
        }
        let word = if is_ours {
            "by the service"
        } else {
            Ended::word(ended)
        };
        self.note(record, "end", word);
        record
    }
}

/// Does what a service does on a connection of bytes; whether it has reset it.
fn run_bytes(wire: &Wire, replies: &[Reply], case: &Case) -> bool {
    for reply in replies {
        match reply {
            Reply::Bytes(bytes) | Reply::Data(bytes) => {
                let _ = wire.send(&case.filled(bytes));
            }
            Reply::Receive(count) => {
                wire.wait(PATIENCE, |received| {
                    (received.bytes.len() >= *count || received.ended.is_some()).then_some(())
                });
            }
            Reply::Echo => echo(wire, 0),
            Reply::Request => {
                wire.wait_end(PATIENCE);
            }
            Reply::Pause(milliseconds) => wire.pause(*milliseconds),
            Reply::Drain => gate::pass(case.id),
            Reply::Finish => wire.finish(),
            Reply::Reset => {
                wire.reset();
                return true;
            }
            Reply::Head(..)
            | Reply::Trailers(_)
            | Reply::End
            | Reply::Raw(..)
            | Reply::Cancel(_) => {}
        }
    }
    false
}

/// Sends back whatever comes behind the first bytes, until the client has finished.
fn echo(wire: &Wire, mut from: usize) {
    loop {
        let came = wire.wait(PATIENCE, |received| {
            let more = received.bytes.get(from..).unwrap_or_default().to_vec();
            (!more.is_empty() || received.ended.is_some()).then_some((more, received.ended))
        });
        match came {
            Some((more, _)) if !more.is_empty() => {
                from += more.len();
                if wire.send(&more).is_err() {
                    return;
                }
            }
            Some((_, Some(Ended::Fin))) => return wire.finish(),
            _ => return,
        }
    }
}
