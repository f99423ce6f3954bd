//! A client for measurements of how long a change of the proxy's health takes: it prints a line
//! with the time (`CLOCK_MONOTONIC`, microseconds) and the outcome whenever that changes.
//!
//! - `failover-probe requests ADDRESS:PORT HOST` asks again and again, on new connections. Outcomes:
//!   `refused`, `silent` (no answer in time), `reset`, or `answered` with the body's first word.
//! - `failover-probe held ADDRESS:PORT` connects, sends half a request and waits. Outcomes: `held`,
//!   then how it ended.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use rustix::time::{ClockId, clock_gettime};

/// How long an answer may take. While there is none, nothing is seen in this time.
const PATIENCE: Duration = Duration::from_millis(50);
/// Longer than any measurement.
const HELD_FOR: Duration = Duration::from_mins(2);

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["requests", address, host] => requests(parse(address)?, host),
        ["held", address] => held(parse(address)?),
        _ => bail!("usage: failover-probe requests ADDRESS:PORT HOST | held ADDRESS:PORT"),
    }
}

fn parse(address: &str) -> Result<SocketAddr> {
    address
        .parse()
        .with_context(|| format!("{address} is no address"))
}

fn requests(address: SocketAddr, host: &str) -> Result<()> {
    let mut before = String::new();
    loop {
        let outcome = match request(address, host) {
            Ok(answer) => format!("answered {answer}"),
            Err(error) => name(&error).to_owned(),
        };
        if outcome != before {
            say(&outcome)?;
            before = outcome;
        }
    }
}

/// One request; the first word of the body.
fn request(address: SocketAddr, host: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    write!(
        stream,
        "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let words = body.split(|c: char| !c.is_ascii_alphanumeric());
    Ok(words.max_by_key(|word| word.len()).unwrap_or("").to_owned())
}

fn held(address: SocketAddr) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(HELD_FOR))?;
    stream.write_all(b"GET / HTTP/1.1\r\n")?;
    say("held")?;
    let end = match stream.read(&mut [0; 1]) {
        Ok(0) => "closed",
        Ok(_) => "answered",
        Err(error) => name(&error),
    };
    say(end)
}

fn name(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::ConnectionRefused => "refused",
        ErrorKind::ConnectionReset => "reset",
        ErrorKind::ConnectionAborted => "aborted",
        ErrorKind::WouldBlock | ErrorKind::TimedOut => "silent",
        _ => "failed",
    }
}

fn say(outcome: &str) -> Result<()> {
    let now = Duration::try_from(clock_gettime(ClockId::Monotonic)).context("no time")?;
    let mut out = io::stdout().lock();
    writeln!(out, "{} {outcome}", now.as_micros())?;
    Ok(out.flush()?)
}
