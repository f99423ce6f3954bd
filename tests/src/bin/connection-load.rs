//! A client for measurements of connections: a fixed number of requests from some threads, each
//! request on a connection of its own or all of a thread's on one, and the time that they took.
//!
//! `connection-load ADDRESS:PORT THREADS REQUESTS new|kept` prints that time in microseconds.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

/// Longer than any answer on a machine that is not stuck.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether a thread keeps its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connections {
    New,
    Kept,
}

fn main() -> ExitCode {
    match run() {
        Ok(elapsed) => {
            println!("{}", elapsed.as_micros());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<Duration> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [address, threads, requests, connections] = &words[..] else {
        bail!("use: connection-load ADDRESS:PORT THREADS REQUESTS new|kept");
    };
    let address: SocketAddr = address.parse().context("ADDRESS:PORT")?;
    let threads: usize = threads.parse().context("THREADS")?;
    let requests: usize = requests.parse().context("REQUESTS")?;
    let connections = match connections.as_str() {
        "new" => Connections::New,
        "kept" => Connections::Kept,
        other => bail!("`{other}` is neither new nor kept"),
    };
    let start = Instant::now();
    std::thread::scope(|scope| {
        let client = || send(address, requests / threads, connections);
        let clients: Vec<_> = (0..threads).map(|_| scope.spawn(client)).collect();
        clients
            .into_iter()
            .try_for_each(|client| client.join().ok().context("a client panicked")?)
    })?;
    Ok(start.elapsed())
}

fn send(address: SocketAddr, requests: usize, connections: Connections) -> Result<()> {
    let mut kept = None;
    for _ in 0..requests {
        let mut stream = match kept.take() {
            Some(stream) => stream,
            None => connect(address)?,
        };
        exchange(&mut stream)?;
        if connections == Connections::Kept {
            kept = Some(stream);
        }
    }
    Ok(())
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).context("cannot connect")?;
    stream.set_nodelay(true).context("cannot set TCP_NODELAY")?;
    stream
        .set_read_timeout(Some(PATIENCE))
        .context("cannot set a timeout")?;
    // The client closes with a reset, so that no port stays behind in TIME_WAIT and the number of
    // ports sets no limit to the measurement.
    rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO))
        .context("cannot set SO_LINGER")?;
    Ok(stream)
}

/// One request and its whole answer.
fn exchange(stream: &mut TcpStream) -> Result<()> {
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n")
        .context("cannot send")?;
    let mut answer = Vec::with_capacity(512);
    let mut buffer = [0; 512];
    // The body of the measured server is `ok` and a newline.
    while !answer.ends_with(b"\r\n\r\nok\n") {
        let read = stream.read(&mut buffer).context("no answer")?;
        if read == 0 {
            bail!("the connection ended after {} bytes", answer.len());
        }
        answer.extend_from_slice(&buffer[..read]);
    }
    if !answer.starts_with(b"HTTP/1.1 200 ") {
        bail!(
            "the answer is not a 200: {}",
            String::from_utf8_lossy(&answer)
        );
    }
    Ok(())
}
