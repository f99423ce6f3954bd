//! Web servers: nginx, answering with its own name, so that every answer tells who gave it.

pub mod counted;
pub mod site;

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result};

use crate::{
    capability,
    host::{Host, Place},
    process::{self, Process},
    wait,
};

/// Bytes of the body of [`SLOW_PATH`].
pub const SLOW_BYTES: usize = 300_000;
/// A path whose answer takes about three seconds.
pub const SLOW_PATH: &str = "/slow";

/// What a port speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// HTTP/1.1
    Http1,
    /// HTTP/2 without TLS, by prior knowledge only, as nginx 1.22 does it.
    Http2,
}

impl Speaks {
    /// What nginx adds to a port that speaks it.
    fn word(self) -> &'static str {
        match self {
            Self::Http1 => "",
            Self::Http2 => " http2",
        }
    }
}

/// One request as the server logged it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who connected.
    pub peer: IpAddr,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub protocol: String,
    /// The status of the answer.
    pub status: u16,
    /// Path and query.
    pub target: String,
    /// The Host of the request.
    pub host: String,
    /// `X-Forwarded-For`, empty if there was none.
    pub forwarded_for: String,
}

/// A running web server.
#[derive(Debug)]
pub struct WebServer {
    process: Process,
    access_log: PathBuf,
}

/// Runs nginx by the `nginx.conf` of a directory.
fn nginx(host: &Host, place: Place, directory: &Path) -> Result<Process> {
    let program = capability::find("nginx").context("nginx is not installed")?;
    let mut command = host.command(place, program);
    command
        .arg("-p")
        .arg(directory)
        .args(["-e", "stderr", "-c", "nginx.conf"]);
    Process::spawn("nginx", command, &directory.join("log"))
}

impl WebServer {
    /// Starts nginx in a place of a host, on these ports of both families, and waits until it
    /// answers. Its body is `name` and a newline.
    pub fn start(
        host: &Arc<Host>,
        place: Place,
        name: &str,
        ports: &[(u16, Speaks)],
    ) -> Result<Self> {
        let label = format!("nginx-{name}-{}", ports.first().map_or(0, |port| port.0));
        let directory = host.directory().join(label);
        fs::create_dir_all(directory.join("files"))
            .with_context(|| format!("cannot make {}", directory.display()))?;
        let write = |file: &str, text: &str| {
            fs::write(directory.join(file), text).with_context(|| format!("cannot write {file}"))
        };
        write("files/slow", &"s".repeat(SLOW_BYTES))?;
        write("nginx.conf", &configuration(&named(name, ports)))?;
        let mut server = Self {
            process: nginx(host, place, &directory)?,
            access_log: directory.join("access.log"),
        };
        wait::until_true(format!("the web server {name}"), || {
            server.process.ensure_running()?;
            listens(host, ports)
        })?;
        Ok(server)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Every request that it has answered.
    pub fn requests(&self) -> Result<Vec<Request>> {
        let log = fs::read_to_string(&self.access_log).context("cannot read the access log")?;
        log.lines()
            .map(|line| parse(line).with_context(|| format!("not a line of the log: {line}")))
            .collect()
    }

    /// Ends it, and with it every connection to it.
    pub fn stop(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Leaves it running when this guard is dropped.
    pub fn detach(&mut self) {
        self.process.detach();
    }
}

/// Looks for the sockets rather than asking them: a request would be counted.
fn listens(host: &Host, ports: &[(u16, Speaks)]) -> Result<bool> {
    let list = process::run(host.netns().command("ss").args(["-Hltn"]))?;
    Ok(ports.iter().all(|(port, _)| {
        list.contains(&format!("0.0.0.0:{port} ")) && list.contains(&format!("[::]:{port} "))
    }))
}

/// What the server that answers with its name does at each request.
fn named(name: &str, ports: &[(u16, Speaks)]) -> String {
    let listen = ports.iter().map(|(port, speaks)| {
        let word = speaks.word();
        format!("    listen 0.0.0.0:{port}{word}; listen [::]:{port}{word} ipv6only=on;\n")
    });
    let listen: String = listen.collect();
    format!(
        r#"  log_format tests '$remote_addr $server_protocol $status $request_uri $http_host "$http_x_forwarded_for"';
  access_log access.log tests;
  default_type text/plain;
  server {{
{listen}    location / {{ add_header x-served-by {name}; return 200 "{name}\n"; }}
    location = {SLOW_PATH} {{ root files; limit_rate 100k; }}
  }}
"#
    )
}

/// An `nginx.conf` with these lines about HTTP, for one worker that keeps all its files below the
/// directory that it is started in.
fn configuration(http: &str) -> String {
    format!(
        "daemon off;
master_process off;
pid nginx.pid;
events {{ worker_connections 4096; }}
http {{
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
{http}}}
"
    )
}

fn parse(line: &str) -> Option<Request> {
    let mut fields = line.splitn(6, ' ');
    Some(Request {
        peer: fields.next()?.parse().ok()?,
        protocol: fields.next()?.to_owned(),
        status: fields.next()?.parse().ok()?,
        target: fields.next()?.to_owned(),
        host: fields.next()?.to_owned(),
        forwarded_for: match fields.next()?.trim_matches('"') {
            "-" => String::new(),
            addresses => addresses.to_owned(),
        },
    })
}

#[cfg(test)]
mod tests;
