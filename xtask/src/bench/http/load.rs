//! What the client sends, and what it says of the answers.

use std::time::Duration;

use ::tests::web::{
    Speaks,
    counted::{MEBIBYTE_PATH, Port},
};
use anyhow::{Context as _, Result, ensure};

/// One kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    Http1,
    Http2,
    Large,
}

/// A service of the mesh: the name that the client calls, and the port.
#[derive(Clone, Copy, Debug)]
pub(super) struct Service {
    pub(super) name: &'static str,
    /// As a listener of App Mesh names it.
    pub(super) protocol: &'static str,
    pub(super) port: Port,
}

/// The services, all of one server.
pub(super) const SERVICES: [Service; 2] = [
    Service {
        name: "http1",
        protocol: "http",
        port: Port {
            number: 8081,
            speaks: Speaks::Http1,
            proxied: true,
        },
    },
    Service {
        name: "http2",
        protocol: "http2",
        port: Port {
            number: 8082,
            speaks: Speaks::Http2,
            proxied: true,
        },
    },
];

impl Load {
    pub(super) const ALL: [Self; 3] = [Self::Http1, Self::Http2, Self::Large];

    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1, 32 kept connections, small answers",
            Self::Http2 => "HTTP/2, 4 connections of 32 streams, small answers",
            Self::Large => "HTTP/1.1, 8 kept connections, answers of 1 MiB",
        }
    }

    /// A word for names of files.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Http1 => "http1",
            Self::Http2 => "http2",
            Self::Large => "large",
        }
    }

    /// What Ferromesh is to be at least, in times of Envoy.
    pub(super) fn wanted(self) -> f64 {
        match self {
            Self::Http1 => 2.0,
            Self::Http2 => 1.8,
            Self::Large => 1.1,
        }
    }

    /// Connections, streams of each at a time, and requests in all: a few seconds of Envoy's.
    fn size(self) -> (u32, u32, u64) {
        match self {
            Self::Http1 => (32, 1, 60_000),
            Self::Http2 => (4, 32, 80_000),
            Self::Large => (8, 1, 4_000),
        }
    }

    pub(super) fn requests(self) -> u64 {
        self.size().2
    }

    /// Requests before those that are measured: connections are open then, names known.
    pub(super) fn warm_up(self) -> u64 {
        self.requests() / 20
    }

    fn service(self) -> &'static Service {
        match self {
            Self::Http1 | Self::Large => &SERVICES[0],
            Self::Http2 => &SERVICES[1],
        }
    }

    /// h2load with its arguments, which counts what it sends.
    pub(super) fn client(self, requests: u64) -> Vec<String> {
        let (connections, streams, _) = self.size();
        let service = self.service();
        let path = if self == Self::Large {
            MEBIBYTE_PATH
        } else {
            "/"
        };
        let mut words = vec![
            "h2load".to_owned(),
            format!("--requests={requests}"),
            format!("--clients={connections}"),
            format!("--max-concurrent-streams={streams}"),
        ];
        if service.port.speaks == Speaks::Http1 {
            words.push("--h1".to_owned());
        }
        words.push(format!(
            "http://{}.apps.local:{}{path}",
            service.name, service.port.number
        ));
        words
    }
}

/// How long the client took, if each of its requests has been answered with success.
pub(super) fn read(report: &str, requests: u64) -> Result<Duration> {
    let after = |start: &str| report.lines().find_map(|line| line.strip_prefix(start));
    let done = after("requests: ").context("the client says nothing of its requests")?;
    let codes = after("status codes: ").context("the client says nothing of statuses")?;
    ensure!(
        done.contains(&format!(
            " {requests} succeeded, 0 failed, 0 errored, 0 timeout"
        )) && codes.starts_with(&format!("{requests} 2xx")),
        "not all of {requests} requests succeeded: {done}; {codes}"
    );
    let time = after("finished in ").and_then(|rest| rest.split(',').next());
    time.and_then(duration)
        .with_context(|| format!("the client says not how long it took: {report}"))
}

/// A time as h2load prints it.
fn duration(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| c.is_alphabetic())?;
    let unit = match &text[end..] {
        "s" => 1.0,
        "ms" => 1e-3,
        "us" => 1e-6,
        _ => return None,
    };
    let number: f64 = text[..end].parse().ok()?;
    Duration::try_from_secs_f64(number * unit).ok()
}
