//! The access log: a line for each request or connection, in Envoy's format language.
//!
//! - [`Entry`]: what is known of a request when it is over
//! - [`Format`]: what a line says of it, parsed once
//! - [`Queue`]: the way to the file, which makes nobody wait

mod captured;
mod command;
mod format;
mod loss;
mod operator;
mod queue;
mod unkept;

use std::{
    borrow::Cow,
    net::SocketAddr,
    time::{Duration, SystemTime},
};

pub use captured::{Captured, Message};
pub use format::{DEFAULT_WITH_REASON, Format, FormatFault, InvalidFormat};
pub use queue::{Place, Queue};

use crate::reason::Reason;

/// What is known of a request or connection when it is over.
#[derive(Debug)]
pub struct Entry {
    /// When its first byte was read.
    pub started: SystemTime,
    /// From there to the last byte of the answer.
    pub duration: Duration,
    /// From there to the first byte of the endpoint's answer; none without one.
    pub until_answer: Option<Duration>,
    /// `HTTP/1.1`; none of a connection.
    pub protocol: Option<&'static str>,
    /// The status of the answer; 0 without one.
    pub status: u16,
    /// Where the answer comes from, in Envoy's words.
    pub details: Option<Cow<'static, str>>,
    /// What went wrong.
    pub flags: ResponseFlags,
    /// The same in one word; none where nothing did that is the mesh's or the service's.
    pub reason: Option<Reason>,
    /// Bytes of the request's body, or that the client sent.
    pub bytes_received: u64,
    /// Bytes of the answer's body, or that the client was sent.
    pub bytes_sent: u64,
    /// The name of the route that took it.
    pub route: Option<String>,
    /// The name of the cluster that it went to.
    pub upstream_cluster: Option<String>,
    /// The endpoint.
    pub upstream_host: Option<SocketAddr>,
    /// The client.
    pub downstream_remote: SocketAddr,
    /// What the client dialled.
    pub downstream_local: SocketAddr,
    /// The text of an answer that the proxy made itself.
    pub local_reply: &'static str,
    /// The request was one of gRPC, and the answer has a status of gRPC, if only by that of HTTP.
    pub is_grpc: bool,
    /// What the format wants of header fields.
    pub captured: Captured,
}

impl Entry {
    /// What is known of a connection when it begins.
    pub fn new(downstream_remote: SocketAddr, downstream_local: SocketAddr) -> Self {
        Self {
            started: SystemTime::now(),
            duration: Duration::ZERO,
            until_answer: None,
            protocol: None,
            status: 0,
            details: None,
            flags: ResponseFlags::default(),
            reason: None,
            bytes_received: 0,
            bytes_sent: 0,
            route: None,
            upstream_cluster: None,
            upstream_host: None,
            downstream_remote,
            downstream_local,
            local_reply: "",
            is_grpc: false,
            captured: Captured::default(),
        }
    }
}

macro_rules! flags {
    ($($(#[$meta:meta])* $flag:ident $short:literal,)*) => {
        /// What went wrong with a request, by Envoy's names (its documentation, `%RESPONSE_FLAGS%`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ResponseFlag {
            $($(#[$meta])* $flag,)*
        }

        impl ResponseFlag {
            /// As `%RESPONSE_FLAGS%` writes it.
            pub fn short(self) -> &'static str {
                match self {
                    $(Self::$flag => $short,)*
                }
            }

            /// As `%RESPONSE_FLAGS_LONG%` writes it.
            pub fn long(self) -> &'static str {
                match self {
                    $(Self::$flag => stringify!($flag),)*
                }
            }
        }
    };
}

flags! {
    /// The cluster has no endpoint.
    NoHealthyUpstream "UH",
    /// The endpoint took too long.
    UpstreamRequestTimeout "UT",
    /// The endpoint reset the stream or connection.
    UpstreamRemoteReset "UR",
    /// No connection to the endpoint.
    UpstreamConnectionFailure "UF",
    /// The endpoint closed the connection.
    UpstreamConnectionTermination "UC",
    /// The cluster has as much under way as it may.
    UpstreamOverflow "UO",
    /// No route takes the request.
    NoRouteFound "NR",
    /// The client went away.
    DownstreamConnectionTermination "DC",
    /// There were as many attempts as there may be.
    UpstreamRetryLimitExceeded "URX",
    /// Nothing moved for too long.
    StreamIdleTimeout "SI",
    /// The client does not speak the protocol.
    DownstreamProtocolError "DPE",
    /// The endpoint does not speak the protocol.
    UpstreamProtocolError "UPE",
    /// The route leads to no cluster.
    NoClusterFound "NC",
    /// The client reset the stream.
    DownstreamRemoteReset "DR",
}

/// All that went wrong with a request, in the order in which it did: so Envoy writes several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResponseFlags([Option<ResponseFlag>; Self::MOST]);

impl ResponseFlags {
    /// More than one request can earn: the end of its retries, how its endpoint failed, how its client
    /// left.
    const MOST: usize = 4;

    /// Adds what went wrong next; once is enough.
    pub fn add(&mut self, flag: ResponseFlag) {
        let free = self.0.iter_mut().find(|place| {
            let known = **place == Some(flag);
            place.is_none() || known
        });
        if let Some(place) = free {
            *place = Some(flag);
        }
    }

    /// As `%RESPONSE_FLAGS%` writes them; none where there is none.
    pub fn short(self) -> Option<Cow<'static, str>> {
        self.joined(ResponseFlag::short)
    }

    /// As `%RESPONSE_FLAGS%` and `%RESPONSE_FLAGS_LONG%` write them; none where there is none.
    fn joined(self, name: fn(ResponseFlag) -> &'static str) -> Option<Cow<'static, str>> {
        let mut names = self.0.into_iter().flatten().map(name);
        let first = names.next()?;
        let rest: Vec<&str> = names.collect();
        Some(if rest.is_empty() {
            Cow::Borrowed(first)
        } else {
            Cow::Owned(format!("{first},{}", rest.join(",")))
        })
    }
}

impl Extend<ResponseFlag> for ResponseFlags {
    fn extend<I: IntoIterator<Item = ResponseFlag>>(&mut self, flags: I) {
        for flag in flags {
            self.add(flag);
        }
    }
}

impl FromIterator<ResponseFlag> for ResponseFlags {
    fn from_iter<I: IntoIterator<Item = ResponseFlag>>(flags: I) -> Self {
        let mut all = Self::default();
        all.extend(flags);
        all
    }
}
