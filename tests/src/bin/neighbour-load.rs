//! Clients for measurements of workloads beside each other.
//!
//! - `neighbour-load steady ADDRESS:PORT HOST RATE SECONDS` sends requests at a steady rate, each on
//!   a connection of its own, and prints the time of each in microseconds. A time runs from the
//!   moment at which the request was due, so that what is late makes those behind it late too.
//! - `neighbour-load KIND ADDRESS:PORT HOST THREADS SECONDS` sends as much as it can, and prints how
//!   many connections it opened: `new` (one request each), `bodies` (requests of 1 MiB on kept
//!   connections), `malformed` (bytes that are no HTTP).

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

/// Longer than any answer on a machine that is not stuck.
const PATIENCE: Duration = Duration::from_secs(10);
/// Threads that send steadily: none has to wait for the answer of another's request.
const SENDERS: u32 = 8;
/// A large body, in bytes.
const BODY: usize = 1 << 20;

fn main() -> ExitCode {
    match run() {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [kind, address, host, number, seconds] = &words[..] else {
        bail!("use: neighbour-load steady|new|bodies|malformed ADDRESS:PORT HOST NUMBER SECONDS");
    };
    let target = Target {
        address: address.parse().context("ADDRESS:PORT")?,
        host: host.clone(),
        opened: AtomicU64::new(0),
    };
    let number: u32 = number.parse().context("NUMBER")?;
    let end = Instant::now() + Duration::from_secs(seconds.parse().context("SECONDS")?);
    Ok(match kind.as_str() {
        "steady" => target.steady(number, end)?,
        "new" => target.flood(number, end, Target::one_request),
        "bodies" => target.flood(number, end, |target| target.large_bodies(end)),
        "malformed" => target.flood(number, end, |target| target.malformed(end)),
        other => bail!("`{other}` is no kind of load"),
    })
}

struct Target {
    address: SocketAddr,
    host: String,
    opened: AtomicU64,
}

impl Target {
    fn steady(&self, rate: u32, end: Instant) -> Result<String> {
        let times = Mutex::new(Vec::new());
        let begun = Instant::now();
        let gap = Duration::from_secs(1) / rate;
        let sender = |first: u32| -> Result<()> {
            for request in (first..).step_by(SENDERS as usize) {
                let due = begun + gap * request;
                if due >= end {
                    return Ok(());
                }
                thread::park_timeout(due.saturating_duration_since(Instant::now()));
                self.one_request()?;
                let mut times = times.lock().expect("no sender panics");
                times.push(due.elapsed());
            }
            Ok(())
        };
        thread::scope(|scope| {
            let senders: Vec<_> = (0..SENDERS)
                .map(|first| scope.spawn(move || sender(first)))
                .collect();
            senders
                .into_iter()
                .try_for_each(|sender| sender.join().ok().context("a sender panicked")?)
        })?;
        let times = times.into_inner().expect("no sender panics");
        let times: Vec<String> = times
            .iter()
            .map(|time: &Duration| time.as_micros().to_string())
            .collect();
        Ok(times.join(" "))
    }

    fn flood(
        &self,
        threads: u32,
        end: Instant,
        once: impl Fn(&Self) -> Result<()> + Sync,
    ) -> String {
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while Instant::now() < end {
                        // What a flood gets for an answer is its own affair.
                        if once(self).is_err() {
                            thread::yield_now();
                        }
                    }
                });
            }
        });
        self.opened.load(Ordering::Relaxed).to_string()
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        self.opened.fetch_add(1, Ordering::Relaxed);
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // The client closes with a reset, so that no port stays behind in TIME_WAIT.
        rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
        Ok(stream)
    }

    fn one_request(&self) -> Result<()> {
        let mut stream = self.connect().context("cannot connect")?;
        let request = format!(
            "GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.host
        );
        stream
            .write_all(request.as_bytes())
            .context("cannot send")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).context("no answer")?;
        if !answer.starts_with(b"HTTP/1.1 200 ") {
            bail!("not a 200: {}", String::from_utf8_lossy(&answer));
        }
        Ok(())
    }

    fn large_bodies(&self, end: Instant) -> Result<()> {
        let mut stream = self.connect()?;
        let body = vec![b'x'; BODY];
        let mut buffer = [0; 4096];
        while Instant::now() < end {
            let header = format!(
                "POST / HTTP/1.1\r\nHost: {}\r\nContent-Length: {BODY}\r\n\r\n",
                self.host
            );
            stream.write_all(header.as_bytes())?;
            stream.write_all(&body)?;
            if stream.read(&mut buffer)? == 0 {
                bail!("the connection ended");
            }
        }
        Ok(())
    }

    /// Bytes that begin like something and go on like nothing; every fourth client then says no
    /// more, and waits.
    fn malformed(&self, end: Instant) -> Result<()> {
        let mut stream = self.connect()?;
        let mut noise = [0; 512];
        fastrand::fill(&mut noise);
        let stem = STEMS[fastrand::usize(..STEMS.len())];
        stream.write_all(&stem[..fastrand::usize(..=stem.len())])?;
        if fastrand::u8(..4) == 0 {
            let until_end = end.saturating_duration_since(Instant::now());
            let patience = until_end.min(Duration::from_millis(200));
            stream.set_read_timeout(Some(patience.max(Duration::from_millis(1))))?;
        } else {
            stream.write_all(&noise[..fastrand::usize(..noise.len())])?;
            stream.shutdown(Shutdown::Write)?;
        }
        io::copy(&mut stream, &mut io::sink())?;
        Ok(())
    }
}

/// What malformed input begins with.
const STEMS: [&[u8]; 6] = [
    b"",
    b"GET / HTTP/1.1\r\nHost: serviceb.apps.local\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: serviceb.apps.local\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\xff\xff\x01\x04\0\0\0\x01",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\x09\0\x7f\xff\xff\xff",
    b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
];
