//! What a case is: whom the application calls, what it sends, what the service answers.

mod bullet;
mod own;
mod script;
mod stages;

use std::time::Duration;

pub(crate) use self::{
    bullet::Bullet,
    own::{Apart, Asker, Budget, Endpoints, Own, Presence, Retries, Unrouted},
    script::{Client, End, Frame, Reply, Step, When},
    stages::{LEAST_PAUSE, STAGE, Stage, Thresholds},
};

/// Header fields as a case writes them.
pub(crate) type Fields = Vec<(String, String)>;

/// Stands for the number of the case in anything that is sent.
pub(crate) const CASE: &str = "{case}";
/// Stands for the name of the service that is called.
pub(crate) const HOST: &str = "{host}";
/// Stands for the address that a service was reached at, in its answer.
pub(crate) const AT: &str = "{at}";
/// The field by which a service knows the case.
pub(crate) const CASE_FIELD: &str = "x-case";

/// The documents under which a case runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mesh {
    /// Services of each protocol, `DROP_ALL`, one listener.
    Web,
    /// The same under `ALLOW_ALL`, a listener of each protocol, and the access log in JSON.
    Open,
    /// Routes of every kind of match, with the access log in Envoy's own format.
    Routes,
    /// One service of HTTP, on port 443, under `DROP_ALL`.
    Https,
    /// One service of TCP, on port 443, under `DROP_ALL`.
    Tls,
    /// Nodes that are found by names of every kind.
    Names,
    /// App Mesh's default retry policy on every route that has none, and listeners with times of their own.
    Retries,
    /// Listeners that limit how much is under way to the application.
    Pools,
    /// Services and listeners of single cases, between which the proxy drains.
    Drained,
    /// Services whose endpoints join, leave and come back as time passes. All of its cases run at once.
    Late,
}

impl Mesh {
    pub(crate) const ALL: [Self; 10] = [
        Self::Web,
        Self::Open,
        Self::Routes,
        Self::Https,
        Self::Tls,
        Self::Names,
        Self::Retries,
        Self::Pools,
        Self::Drained,
        Self::Late,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Open => "open",
            Self::Routes => "routes",
            Self::Https => "https",
            Self::Tls => "tls",
            Self::Names => "names",
            Self::Retries => "retries",
            Self::Pools => "pools",
            Self::Drained => "drained",
            Self::Late => "late",
        }
    }

    /// `FERROMESH_DEFAULT_RETRY_POLICY` of both sides: most cases are about one attempt.
    pub(crate) fn default_retries(self) -> &'static str {
        if self == Self::Retries { "on" } else { "off" }
    }
}

/// A protocol of App Mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Http2,
    Grpc,
    Tcp,
}

impl Protocol {
    pub(crate) const ALL: [Self; 4] = [Self::Http, Self::Http2, Self::Grpc, Self::Tcp];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Http2 => "http2",
            Self::Grpc => "grpc",
            Self::Tcp => "tcp",
        }
    }

    /// The port at which the application calls services of this protocol.
    pub(crate) fn service_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Http2 => 81,
            Self::Grpc => 82,
            Self::Tcp => 83,
        }
    }

    /// The port at which the application listens.
    pub(crate) fn listener_port(self) -> u16 {
        8000 + self.service_port()
    }

    /// The port at which services of this protocol listen.
    pub(crate) fn node_port(self) -> u16 {
        9000 + self.service_port()
    }
}

/// Who is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// By the application: a port, and the name that stands for [`HOST`].
    Service(u16, String),
    /// By the application: a service that this case has to itself.
    Own(Own),
    /// From outside: a listener of the application.
    Application(Protocol),
    /// From outside: a listener of the application that is this case's alone.
    Pooled(Pool),
}

/// A listener's `connectionPool`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pool {
    pub(crate) protocol: Protocol,
    /// Its members.
    pub(crate) limits: &'static [(&'static str, u32)],
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    /// Its number, by which what both sides saw is put together.
    pub(crate) id: usize,
    pub(crate) bullet: Bullet,
    /// Unique within its bullet.
    pub(crate) name: String,
    pub(crate) mesh: Mesh,
    pub(crate) target: Target,
    pub(crate) client: Client,
    pub(crate) when: When,
    pub(crate) replies: Vec<Reply>,
    /// What single endpoints do instead.
    pub(crate) apart: Vec<Apart>,
    /// What the endpoints that join do at each of their stages, the last of which does not end.
    pub(crate) stages: Vec<Stage>,
    /// What the service does the next times that it is asked, if that is another thing; the last is for
    /// all that come behind.
    pub(crate) again: Vec<Vec<Reply>>,
    /// How long the connection is watched after the last expected answer.
    pub(crate) watch: Duration,
    /// The connection is refused, and whether by FIN or by RST is not looked at.
    pub(crate) refused: bool,
    /// The client comes when the proxy drains.
    pub(crate) is_late: bool,
}

/// How long a connection that should stay open is watched.
const WATCH: Duration = Duration::from_millis(150);

impl Case {
    pub(crate) fn new(
        bullet: Bullet,
        name: impl Into<String>,
        target: Target,
        client: Client,
    ) -> Self {
        Self {
            id: 0,
            bullet,
            name: name.into(),
            mesh: Mesh::Web,
            target,
            client,
            when: When::Asked,
            replies: plain_answer(),
            apart: Vec::new(),
            stages: Vec::new(),
            again: Vec::new(),
            watch: WATCH,
            refused: false,
            is_late: false,
        }
    }

    #[must_use]
    pub(crate) fn mesh(mut self, mesh: Mesh) -> Self {
        self.mesh = mesh;
        self
    }

    #[must_use]
    pub(crate) fn replies(mut self, replies: Vec<Reply>) -> Self {
        self.replies = replies;
        self
    }

    /// One endpoint of several does something else.
    #[must_use]
    pub(crate) fn apart(mut self, endpoint: usize, asker: Asker, replies: Vec<Reply>) -> Self {
        self.apart.push(Apart {
            endpoint,
            asker,
            replies,
        });
        self
    }

    /// What an endpoint does when it is asked.
    pub(crate) fn replies_of(&self, endpoint: Option<usize>, asker: Asker) -> Vec<Reply> {
        let mut apart = self.apart.iter();
        let own = apart.find(|apart| Some(apart.endpoint) == endpoint && apart.asker == asker);
        match (own, asker, &self.target) {
            (Some(own), ..) => own.replies.clone(),
            (None, Asker::Client | Asker::Blamer, _) => self.replies.clone(),
            (None, Asker::Probe, Target::Own(own)) => {
                let check = own.endpoints.and_then(|endpoints| endpoints.check);
                match check {
                    Some((Protocol::Grpc, _)) => serving(b"\x08\x01"),
                    _ => plain_answer(),
                }
            }
            (None, Asker::Probe, _) => plain_answer(),
        }
    }

    /// What the service does another time, and if it is the last, ever after.
    #[must_use]
    pub(crate) fn again(mut self, replies: Vec<Reply>) -> Self {
        self.again.push(replies);
        self
    }

    /// What the service does after being asked so many times before.
    pub(crate) fn replies_after(&self, before: usize) -> &[Reply] {
        let last = self.again.len();
        match before.min(last) {
            0 => &self.replies,
            number => &self.again[number - 1],
        }
    }

    /// The service acts as soon as it is connected to.
    #[must_use]
    pub(crate) fn at_once(mut self) -> Self {
        self.when = When::Connected;
        self
    }

    #[must_use]
    pub(crate) fn watch(mut self, milliseconds: u64) -> Self {
        self.watch = Duration::from_millis(milliseconds);
        self
    }

    /// How a refused connection ends is one listed difference, and is not looked at here: by Envoy it
    /// is FIN, or RST if the client has written by then.
    #[must_use]
    pub(crate) fn refused(mut self) -> Self {
        self.refused = true;
        self
    }

    #[must_use]
    pub(crate) fn late(mut self) -> Self {
        self.is_late = true;
        self
    }

    /// How often client and service wait for the drain, if every request reaches the service that is sent
    /// before it.
    pub(crate) fn arrivals(&self) -> usize {
        let waits = |steps: &[Step]| steps.iter().filter(|step| **step == Step::Drain).count();
        let (own, requests) = match &self.client {
            Client::Http1(steps, _) | Client::Tcp(steps) => (waits(steps), 1),
            Client::Http2(frames) => {
                let before = frames.iter().take_while(|frame| **frame != Frame::Drain);
                let requests = before
                    .filter(|frame| matches!(frame, Frame::Head(..)))
                    .count();
                (usize::from(frames.contains(&Frame::Drain)), requests)
            }
            Client::Several(_)
            | Client::Shares(..)
            | Client::Stages(..)
            | Client::Ejections(..) => (0, 0),
        };
        let answers = (0..requests).flat_map(|before| self.replies_after(before));
        let of_service = answers.filter(|reply| **reply == Reply::Drain).count();
        usize::from(self.is_late) + own + of_service
    }

    /// The name in reports and in the list of differences.
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.bullet, self.name)
    }

    /// The name of the service that is called.
    pub(crate) fn host(&self) -> String {
        match &self.target {
            Target::Service(_, host) => host.clone(),
            Target::Own(_) => format!("c{}.apps.local", self.id),
            Target::Application(_) | Target::Pooled(_) => "client.apps.local".to_owned(),
        }
    }

    /// Bytes of the case with what the placeholders stand for.
    pub(crate) fn filled(&self, bytes: &[u8]) -> Vec<u8> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            // What is no text is split at the placeholders' own bytes.
            let replaced = replace(bytes, CASE.as_bytes(), self.id.to_string().as_bytes());
            return replace(&replaced, HOST.as_bytes(), self.host().as_bytes());
        };
        self.text(text).into_bytes()
    }

    /// The same for text.
    pub(crate) fn text(&self, text: &str) -> String {
        text.replace(CASE, &self.id.to_string())
            .replace(HOST, &self.host())
    }
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = super::http1::find(rest, from) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

/// The answer of a server of gRPC to a health check: the message.
pub(crate) fn serving(message: &[u8]) -> Vec<Reply> {
    let length = u8::try_from(message.len()).expect("it is short");
    vec![
        Reply::Request,
        Reply::Head(200, owned(&[("content-type", "application/grpc")])),
        Reply::Data([&[0, 0, 0, 0, length], message].concat()),
        Reply::Trailers(owned(&[("grpc-status", "0")])),
    ]
}

/// An answer like that of most services.
pub(crate) fn plain_answer() -> Vec<Reply> {
    answer(200, &[("content-type", "text/plain")], b"hello\n")
}

/// An answer with its length.
pub(crate) fn answer(status: u16, fields: &[(&str, &str)], body: &[u8]) -> Vec<Reply> {
    let data = (!body.is_empty()).then(|| Reply::Data(body.to_vec()));
    [Reply::Request, Reply::Head(status, owned(fields))]
        .into_iter()
        .chain(data)
        .chain([Reply::End])
        .collect()
}

/// Fields of a case.
pub(crate) fn owned(fields: &[(&str, &str)]) -> Fields {
    let fields = fields.iter();
    fields
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}
