//! A web server for measurements: it logs nothing and counts connections and requests itself.

use std::{
    fs::{self, File},
    sync::Arc,
};

use anyhow::{Context as _, Result};

use super::{Speaks, configuration, nginx};
use crate::{
    host::{Host, Place},
    process::{self, Process},
    wait,
};

/// Where the counts are; an address that no measurement goes to.
const STATUS_PORT: u16 = 19_999;

/// A path with a large answer.
pub const BULK_PATH: &str = "/bulk";
/// Bytes of that answer.
pub const BULK_BYTES: usize = 32 * 1024 * 1024;
/// A path with an answer of 1 MiB.
pub const MEBIBYTE_PATH: &str = "/mebibyte";

/// A port of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its number, on every IPv4 address.
    pub number: u16,
    /// Its protocol.
    pub speaks: Speaks,
    /// Whether a request is answered with 421 that does not bear the request id of a proxy.
    pub proxied: bool,
}

/// What a server has counted since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that it accepted.
    pub connections: u64,
    /// Requests that it answered.
    pub requests: u64,
}

/// A running server: nginx with one worker, connections kept for as long as clients like.
#[derive(Debug)]
pub struct CountedServer {
    process: Process,
    host: Arc<Host>,
    /// Requests for the counts themselves, each on a connection of its own.
    own: u64,
}

impl CountedServer {
    /// Starts it on one port, with HTTP/1.1, and waits until it answers.
    pub fn start(host: &Arc<Host>, place: Place, port: u16) -> Result<Self> {
        let port = Port {
            number: port,
            speaks: Speaks::Http1,
            proxied: false,
        };
        Self::start_on(host, place, &[port])
    }

    /// The same on several ports.
    pub fn start_on(host: &Arc<Host>, place: Place, ports: &[Port]) -> Result<Self> {
        let directory = host.directory().join("counted");
        fs::create_dir(&directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        // Holes: nothing is read from a disk.
        for (path, bytes) in [(BULK_PATH, BULK_BYTES as u64), (MEBIBYTE_PATH, 1 << 20)] {
            File::create(directory.join(path.trim_start_matches('/')))
                .and_then(|file| file.set_len(bytes))
                .context("cannot make a large answer")?;
        }
        fs::write(
            directory.join("nginx.conf"),
            configuration(&counting(ports)),
        )
        .context("cannot write nginx.conf")?;
        let mut server = Self {
            process: nginx(host, place, &directory)?,
            host: Arc::clone(host),
            own: 0,
        };
        wait::until("the counted server", || {
            server.process.ensure_running()?;
            Ok(server.counts().ok())
        })?;
        Ok(server)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What it has counted, without the requests for the counts.
    pub fn counts(&mut self) -> Result<Counts> {
        let mut curl = self.host.netns().command("curl");
        curl.args(["--disable", "--silent", "--fail", "--noproxy", "*"])
            .arg(format!("http://127.0.0.1:{STATUS_PORT}/"));
        let page = process::run(&mut curl)?;
        self.own += 1;
        let total = parse(&page).with_context(|| format!("not a status page: {page}"))?;
        Ok(Counts {
            connections: total.connections - self.own,
            requests: total.requests - self.own,
        })
    }
}

/// Reads the page of nginx's `stub_status`, which counts every port and itself.
fn parse(page: &str) -> Option<Counts> {
    let mut numbers = page.lines().nth(2)?.split_ascii_whitespace();
    Some(Counts {
        connections: numbers.next()?.parse().ok()?,
        requests: numbers.nth(1)?.parse().ok()?,
    })
}

fn counting(ports: &[Port]) -> String {
    let servers: Vec<String> = ports.iter().copied().map(server).collect();
    format!(
        "  access_log off;
  keepalive_requests 100000000;
{}  server {{ listen 127.0.0.1:{STATUS_PORT}; location / {{ stub_status; }} }}
",
        servers.concat()
    )
}

fn server(port: Port) -> String {
    let http2 = port.speaks.word();
    let refusal = if port.proxied {
        "if ($http_x_request_id = '') { return 421; }"
    } else {
        ""
    };
    format!(
        r#"  server {{ listen 0.0.0.0:{number}{http2} backlog=4096; {refusal}
    location / {{ return 200 "ok\n"; }}
    location = {BULK_PATH} {{ root .; sendfile on; }}
    location = {MEBIBYTE_PATH} {{ root .; sendfile on; }} }}
"#,
        number = port.number
    )
}

#[cfg(test)]
mod tests;
