//! A web server for measurements: it logs nothing and counts connections and requests itself.

use std::{
    fs::{self, File},
    sync::Arc,
};

use anyhow::{Context as _, Result};

use super::nginx;
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

/// What a server has counted since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that it accepted.
    pub connections: u64,
    /// Requests that it answered.
    pub requests: u64,
}

/// A running server: nginx with one worker, HTTP/1.1, connections kept for as long as clients like.
#[derive(Debug)]
pub struct CountedServer {
    process: Process,
    host: Arc<Host>,
    /// Requests for the counts themselves, each on a connection of its own.
    own: u64,
}

impl CountedServer {
    /// Starts it on a port of every IPv4 address of a host, and waits until it answers.
    pub fn start(host: &Arc<Host>, place: Place, port: u16) -> Result<Self> {
        let directory = host.directory().join("counted");
        fs::create_dir(&directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        // A hole: nothing is read from a disk.
        File::create(directory.join("bulk"))
            .and_then(|file| file.set_len(BULK_BYTES as u64))
            .context("cannot make the large answer")?;
        fs::write(directory.join("nginx.conf"), configuration(port))
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

fn configuration(port: u16) -> String {
    format!(
        r#"daemon off;
master_process off;
pid nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server {{ listen 0.0.0.0:{port} backlog=4096; location / {{ return 200 "ok\n"; }}
    location = {BULK_PATH} {{ root .; sendfile on; }} }}
  server {{ listen 127.0.0.1:{STATUS_PORT}; location / {{ stub_status; }} }}
}}
"#
    )
}

#[cfg(test)]
mod tests;
