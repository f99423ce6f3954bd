//! What is written down of a request or connection, and shown to who watches, gathered while it is under
//! way. Without an access log and a watcher there is no [`Record`], and nothing is gathered.

use std::{borrow::Cow, rc::Rc, sync::Arc, time::Duration};

use http::{Extensions, HeaderMap, Request, Response, Version, uri::PathAndQuery};
use hyper::body::Body as _;
use mesh_model::snapshot::{AccessLog as Config, AccessLogFormat};
use mesh_telemetry::access_log::{Entry, Format, Message, Queue, ResponseFlag};
use tokio::time::Instant;

use crate::{
    downstream::http1::Fragment,
    fault::{self, Whose},
    generation::Generation,
    relay::{clock::Clock, response_body::ResponseBody},
    reply::Failed,
    route::{Choice, Place, host_of},
    tap::{Glimpse, Scene},
    worker::Worker,
};

/// How long the end of a proxy waits for the last lines to be written.
pub(crate) const LAST_LINES: Duration = Duration::from_secs(1);

/// The access log of one generation.
#[derive(Debug)]
pub(crate) struct AccessLog {
    format: Format,
    queue: Arc<Queue>,
}

impl AccessLog {
    /// None where Envoy refuses the format; documents with such a format are not resolved.
    pub(crate) fn new(config: &Config, queue: Arc<Queue>) -> Option<Self> {
        let format = match &config.format {
            AccessLogFormat::Default => Ok(Format::default()),
            AccessLogFormat::Json(members) => Format::json(members),
            AccessLogFormat::Text(line) => Format::text(line),
        };
        match format {
            Ok(format) => Some(Self { format, queue }),
            Err(error) => {
                tracing::error!(%error, "there is no access log: its format is none");
                None
            }
        }
    }

    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }
}

/// A request or connection that is written down when it is over, which is when this is dropped.
pub(crate) struct Record {
    log: Option<Arc<AccessLog>>,
    glimpses: Vec<Glimpse>,
    begun: Instant,
    clock: Option<Rc<Clock>>,
    pub(crate) entry: Entry,
}

impl Record {
    fn begin(
        log: Option<&Arc<AccessLog>>,
        glimpses: Vec<Glimpse>,
        place: Place,
    ) -> Option<Box<Self>> {
        if log.is_none() && glimpses.is_empty() {
            return None;
        }
        Some(Box::new(Self {
            log: log.map(Arc::clone),
            glimpses,
            begun: Instant::now(),
            clock: None,
            entry: Entry::new(place.peer, place.dialled),
        }))
    }

    /// A connection that begins.
    pub(crate) fn of_connection(generation: &Generation, place: Place) -> Option<Box<Self>> {
        Self::begin(generation.access_log.as_ref(), Vec::new(), place)
    }

    /// What an HTTP/1 client sent and is no request.
    pub(crate) fn of_malformed(
        worker: &Worker,
        generation: &Generation,
        place: Place,
    ) -> Option<Box<Self>> {
        let glimpses = worker.look(|| Scene {
            mesh: &generation.snapshot.resource.mesh,
            direction: place.direction.name(),
            virtual_service: None,
            cluster: None,
            method: "",
            authority: "",
            path: Cow::Borrowed(b""),
            headers: Cow::Owned(HeaderMap::new()),
        });
        let mut record = Self::begin(generation.access_log.as_ref(), glimpses, place)?;
        record.entry.protocol = Some(protocol(Version::HTTP_11));
        Some(record)
    }

    /// A request that begins, and what the routes said of it. It gets the number that it will be
    /// known by.
    pub(crate) fn of_request<B>(
        worker: &Worker,
        generation: &Generation,
        place: Place,
        choice: &Choice,
        request: &mut Request<B>,
    ) -> Option<Box<Self>> {
        let log = generation.access_log.as_ref();
        if log.is_none() && !worker.is_watched() {
            return None;
        }
        if !choice.precedes_identity() {
            mesh_headers::identify(request.headers_mut(), || fastrand::u128(..));
        }
        let target = choice.target.as_ref().ok();
        let cluster = target.map(|target| target.cluster.config.name.as_str());
        let path = target.and_then(|target| target.path.as_ref());
        let path = path.or_else(|| request.uri().path_and_query());
        let whole = |path| whole_path(path, request.extensions());
        let glimpses = worker.look(|| Scene {
            mesh: &generation.snapshot.resource.mesh,
            direction: place.direction.name(),
            virtual_service: choice.virtual_service(generation),
            cluster,
            method: request.method().as_str(),
            authority: host_of(request).unwrap_or_default(),
            path: path.map(whole).unwrap_or_default().into(),
            headers: Cow::Borrowed(request.headers()),
        });
        let mut record = Self::begin(log, glimpses, place)?;
        let entry = &mut record.entry;
        entry.is_grpc = mesh_headers::is_grpc(request.headers());
        entry.protocol = Some(protocol(request.version()));
        entry.route = choice.route_name(generation).map(ToOwned::to_owned);
        entry.upstream_cluster = cluster.map(ToOwned::to_owned);
        let bytes = |text: &'static str| Some(Cow::Borrowed(text.as_bytes()));
        let own = |text: &str| Some(Cow::Owned(text.as_bytes().to_vec()));
        record.capture(Message::Request, |name| match name {
            ":authority" | "host" => own(host_of(request)?),
            ":method" => own(request.method().as_str()),
            ":path" => Some(Cow::Owned(whole(path?))),
            ":scheme" if request.uri().scheme().is_none() => bytes("http"),
            ":scheme" => own(request.uri().scheme_str()?),
            name => own_field(request.headers(), name),
        });
        Some(record)
    }

    /// Keeps what the log's format wants of a message's header fields.
    fn capture<'v>(&mut self, of: Message, value: impl Fn(&str) -> Option<Cow<'v, [u8]>>) {
        if let Some(log) = &self.log {
            log.format.capture(&mut self.entry.captured, of, value);
        }
    }

    /// The request is on its way, and counts its bytes here.
    pub(crate) fn sending(&mut self, clock: &Rc<Clock>) {
        self.clock = Some(Rc::clone(clock));
    }

    /// The answer of an endpoint begins.
    pub(crate) fn answered<B>(&mut self, response: &Response<B>) {
        self.entry.until_answer = Some(self.begun.elapsed());
        self.entry.details = Some("via_upstream".into());
        self.begin_answer(response);
    }

    /// The proxy answers itself.
    pub(crate) fn failed(&mut self, failed: Failed, response: &Response<ResponseBody>) {
        let Failed { failure, .. } = failed;
        self.entry.bytes_sent = response.body().size_hint().exact().unwrap_or_default();
        self.entry.flags.extend(failure.flag());
        self.entry.details = Some(failed.details_with(self.entry.upstream_host));
        self.entry.local_reply = failed.text();
        self.begin_answer(response);
    }

    fn begin_answer<B>(&mut self, response: &Response<B>) {
        self.entry.status = response.status().as_u16();
        self.capture(Message::Response, |name| match name {
            ":status" => Some(Cow::Owned(response.status().as_str().as_bytes().to_vec())),
            name => own_field(response.headers(), name),
        });
    }

    /// The answer ends with these.
    pub(crate) fn trailers(&mut self, trailers: &HeaderMap) {
        self.capture(Message::Trailers, |name| own_field(trailers, name));
    }

    /// It did not end as it should.
    pub(crate) fn broke(&mut self, flag: ResponseFlag, details: &'static str) {
        self.entry.flags.add(flag);
        self.entry.details = Some(details.into());
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.entry.duration = self.begun.elapsed();
        if let Some(clock) = &self.clock {
            let passed_on = clock.request_bytes();
            self.entry.bytes_received = self.entry.bytes_received.max(passed_on);
        }
        let whose = Whose::Client {
            peer: self.entry.downstream_remote,
            dialled: Some(self.entry.downstream_local),
        };
        // It may be dropped because of a panic, and a second one beside that would end the process.
        let told = fault::guarded(whose, || {
            if let Some(log) = &self.log {
                let mut line = Vec::with_capacity(256);
                log.format.write(&self.entry, &mut line);
                log.queue.push(line);
            }
            for glimpse in self.glimpses.drain(..) {
                glimpse.ended(&self.entry);
            }
        });
        if told.is_err() {
            tracing::debug!("a request is not written down");
        }
    }
}

/// A path as the client sent it, with what no path may have.
fn whole_path(path: &PathAndQuery, extensions: &Extensions) -> Vec<u8> {
    let fragment = extensions.get::<Fragment>();
    let fragment = fragment.map_or(&[][..], |Fragment(fragment)| fragment);
    [path.as_str().as_bytes(), fragment].concat()
}

/// As Envoy's `%PROTOCOL%` writes it.
fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_10 | Version::HTTP_09 => "HTTP/1.0",
        _ => "HTTP/1.1",
    }
}

fn own_field(headers: &HeaderMap, name: &str) -> Option<Cow<'static, [u8]>> {
    let value = headers.get(name)?;
    Some(Cow::Owned(value.as_bytes().to_vec()))
}
