//! A client for measurements of connections: a fixed number of exchanges from some threads, and the
//! time that they took, in microseconds.
//!
//! `connection-load ADDRESS:PORT THREADS EXCHANGES close|new|kept|bulk`, where an exchange is a
//! connection that is closed at once, a request on a connection of its own, a request on a thread's
//! one connection, or a large answer on that.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use tests::web::counted::{BULK_BYTES, BULK_PATH};

/// Longer than any answer on a machine that is not stuck.
const PATIENCE: Duration = Duration::from_secs(10);

/// What one exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exchange {
    Close,
    New,
    Kept,
    Bulk,
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
    let [address, threads, exchanges, exchange] = &words[..] else {
        bail!("use: connection-load ADDRESS:PORT THREADS EXCHANGES close|new|kept|bulk");
    };
    let address: SocketAddr = address.parse().context("ADDRESS:PORT")?;
    let threads: usize = threads.parse().context("THREADS")?;
    let exchanges: usize = exchanges.parse().context("EXCHANGES")?;
    let exchange = match exchange.as_str() {
        "close" => Exchange::Close,
        "new" => Exchange::New,
        "kept" => Exchange::Kept,
        "bulk" => Exchange::Bulk,
        other => bail!("`{other}` is no exchange"),
    };
    let start = Instant::now();
    std::thread::scope(|scope| {
        let client = || exchanged(address, exchanges / threads, exchange);
        let clients: Vec<_> = (0..threads).map(|_| scope.spawn(client)).collect();
        clients
            .into_iter()
            .try_for_each(|client| client.join().ok().context("a client panicked")?)
    })?;
    Ok(start.elapsed())
}

fn exchanged(address: SocketAddr, times: usize, exchange: Exchange) -> Result<()> {
    let mut kept = None;
    for _ in 0..times {
        let mut stream = match kept.take() {
            Some(stream) => stream,
            None => connect(address)?,
        };
        match exchange {
            Exchange::Close => {}
            Exchange::New => request(&mut stream)?,
            Exchange::Kept => {
                request(&mut stream)?;
                kept = Some(stream);
            }
            Exchange::Bulk => {
                fetch(&mut stream)?;
                kept = Some(stream);
            }
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
fn request(stream: &mut TcpStream) -> Result<()> {
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

/// One large answer, of which every byte is counted.
fn fetch(stream: &mut TcpStream) -> Result<()> {
    stream
        .write_all(format!("GET {BULK_PATH} HTTP/1.1\r\nHost: bench\r\n\r\n").as_bytes())
        .context("cannot send")?;
    let mut buffer = vec![0; 256 * 1024];
    let mut head = Vec::new();
    let body = loop {
        let read = stream.read(&mut buffer).context("no answer")?;
        head.extend_from_slice(&buffer[..read]);
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            break head.len() - end - 4;
        }
        ensure!(read > 0, "the connection ended within the head");
    };
    ensure!(
        head.starts_with(b"HTTP/1.1 200 "),
        "the answer is not a 200"
    );
    let mut left = BULK_BYTES.checked_sub(body).context("too long an answer")?;
    while left > 0 {
        let most = left.min(buffer.len());
        let read = stream.read(&mut buffer[..most]).context("no answer")?;
        ensure!(read > 0, "the connection ended {left} bytes before its end");
        left -= read;
    }
    Ok(())
}
