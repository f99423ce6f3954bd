//! Both ends of the soak: a server that says who it is, and a client that opens connections at a
//! steady rate, checks each answer, and writes a line on each.
//!
//! `soak-peer serve NAME ADDRESS:PORT…`
//! `soak-peer load CONNECTIONS_A_SECOND SECONDS ADDRESS:PORT/HOST=ANSWER[|ANSWER]…`
//!
//! A line of the client is `BEGAN ENDED PORT TARGET OUTCOME SENT RECEIVED`: times in milliseconds of
//! the epoch, the connection's own port, the target by its number, what came of it, and bytes.

use std::{
    hash::{DefaultHasher, Hasher as _},
    io::{self, BufReader, ErrorKind, Read, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    process::ExitCode,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail, ensure};
use tests::wait;

/// Longer than any step of an exchange takes where nothing hangs.
const PATIENCE: Duration = Duration::from_secs(10);
/// Of so many exchanges one is slow, so that there always are some to cut.
const SLOW_EVERY: u64 = 20;
/// Of so many exchanges one is large.
const LARGE_EVERY: u64 = 50;
/// How long a slow exchange waits within its request.
const SLOWNESS: Duration = Duration::from_millis(1500);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", name, ref addresses @ ..] => serve(name, addresses),
        ["load", rate, seconds, ref targets @ ..] => load(rate.parse()?, seconds.parse()?, targets),
        _ => bail!("use: soak-peer serve|load …"),
    }
}

fn serve(name: &str, addresses: &[&str]) -> Result<()> {
    thread::scope(|scope| {
        for address in addresses {
            let listener = TcpListener::bind(address).with_context(|| format!("no {address}"))?;
            scope.spawn(move || {
                for stream in listener.incoming() {
                    let Ok(stream) = stream else { continue };
                    // What the client does wrong or not at all is the client's to tell.
                    scope.spawn(move || drop(answer(name, &stream)));
                }
            });
        }
        Ok(())
    })
}

/// One request and its answer: who answers, and as many bytes as were asked for.
fn answer(name: &str, stream: &TcpStream) -> Result<()> {
    be_patient(stream)?;
    let mut reader = BufReader::new(stream);
    let head = Head::read(&mut reader)?;
    let asked: usize = head.value("x-asked")?.parse()?;
    let body = read_body(&mut reader, head.value("content-length")?.parse()?)?;
    ensure!(hash(&body).to_string() == head.value("x-hash")?, "corrupt");
    let reply = bytes(hash(&body), asked);
    let head = format!(
        "HTTP/1.1 200 OK\r\nx-answer: {name}\r\nx-hash: {}\r\ncontent-length: {asked}\r\n\
         connection: close\r\n\r\n",
        hash(&reply)
    );
    let mut writer = stream;
    writer.write_all(head.as_bytes())?;
    writer.write_all(&reply)?;
    Ok(())
}

/// Where a connection goes and who may answer.
struct Target {
    address: SocketAddr,
    host: String,
    answers: Vec<String>,
}

impl Target {
    fn parse(word: &str) -> Result<Self> {
        let (place, answers) = word.split_once('=').context("TARGET=ANSWER")?;
        let (address, host) = place.split_once('/').context("ADDRESS/HOST")?;
        Ok(Self {
            address: address.parse()?,
            host: host.to_owned(),
            answers: answers.split('|').map(str::to_owned).collect(),
        })
    }
}

/// Opens connections at a steady rate, whatever becomes of them.
fn load(rate: u32, seconds: u64, targets: &[&str]) -> Result<()> {
    let targets: Vec<Target> = targets
        .iter()
        .map(|word| Target::parse(word))
        .collect::<Result<_>>()?;
    ensure!(!targets.is_empty(), "no target");
    let interval = Duration::from_secs(1) / rate;
    let end = Instant::now() + Duration::from_secs(seconds);
    thread::scope(|scope| {
        let mut next = Instant::now();
        for number in 0_u64.. {
            if next >= end {
                return;
            }
            wait::until_moment(next);
            next += interval;
            let which = usize::try_from(number).unwrap_or(0) % targets.len();
            let target = &targets[which];
            scope.spawn(move || tell(which, target, number));
        }
    });
    Ok(())
}

/// What became of one connection.
#[derive(Default)]
struct Exchange {
    port: u16,
    sent: u64,
    received: u64,
}

fn tell(which: usize, target: &Target, number: u64) {
    let began = now();
    let mut exchange = Exchange::default();
    let outcome = match exchange.run(target, number) {
        Ok(answer) => answer,
        Err(error) => match error.downcast_ref::<io::Error>() {
            Some(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => "!hung".to_owned(),
                kind => format!("!{kind:?}"),
            },
            None => format!("!{error:#}").replace(' ', "-"),
        },
    };
    let Exchange {
        port,
        sent,
        received,
    } = exchange;
    println!(
        "{began} {} {port} {which} {outcome} {sent} {received}",
        now()
    );
}

impl Exchange {
    fn run(&mut self, target: &Target, number: u64) -> Result<String> {
        let stream = TcpStream::connect_timeout(&target.address, PATIENCE)?;
        be_patient(&stream)?;
        self.port = stream.local_addr()?.port();
        let size = |salt: u64| {
            let most = if number.is_multiple_of(LARGE_EVERY) {
                1 << 18
            } else {
                1 << 14
            };
            usize::try_from(mix(number ^ salt ^ now()) % most).unwrap_or(0)
        };
        let (body, asked) = (bytes(number, size(1)), size(2));
        let head = format!(
            "POST / HTTP/1.1\r\nhost: {}\r\nx-hash: {}\r\nx-asked: {asked}\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n",
            target.host,
            hash(&body),
            body.len()
        );
        self.send(&stream, head.as_bytes())?;
        let (first, second) = body.split_at(body.len() / 2);
        self.send(&stream, first)?;
        if number.is_multiple_of(SLOW_EVERY) {
            wait::until_moment(Instant::now() + SLOWNESS);
        }
        self.send(&stream, second)?;
        let mut reader = BufReader::new(Counted {
            stream: &stream,
            received: &mut self.received,
        });
        let head = Head::read(&mut reader)?;
        ensure!(head.first.contains(" 200"), "{}", head.first);
        let reply = read_body(&mut reader, head.value("content-length")?.parse()?)?;
        ensure!(reply.len() == asked, "length");
        ensure!(hash(&reply).to_string() == head.value("x-hash")?, "corrupt");
        let answer = head.value("x-answer")?;
        ensure!(
            target.answers.iter().any(|known| known == answer),
            "wrong:{answer}"
        );
        let answer = answer.to_owned();
        // To the end, so that it is known to be one.
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest)?;
        ensure!(rest.is_empty(), "more than was asked for");
        Ok(answer)
    }

    fn send(&mut self, mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
        stream.write_all(bytes)?;
        self.sent += bytes.len() as u64;
        Ok(())
    }
}

/// A stream whose bytes are counted.
struct Counted<'a> {
    stream: &'a TcpStream,
    received: &'a mut u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        *self.received += read as u64;
        Ok(read)
    }
}

/// The head of a request or an answer.
struct Head {
    first: String,
    fields: Vec<(String, String)>,
}

impl Head {
    fn read(reader: &mut impl io::BufRead) -> Result<Self> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Err(io::Error::from(ErrorKind::UnexpectedEof).into());
            }
            if line.trim_end().is_empty() {
                break;
            }
            lines.push(line);
        }
        let fields = lines.iter().skip(1).filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        });
        Ok(Self {
            fields: fields.collect(),
            first: lines.first().context("no line")?.trim_end().to_owned(),
        })
    }

    fn value(&self, name: &str) -> Result<&str> {
        let field = self.fields.iter().find(|(field, _)| field == name);
        field
            .map(|(_, value)| value.as_str())
            .with_context(|| format!("no {name}: {}", self.first))
    }
}

fn read_body(reader: &mut impl Read, length: usize) -> Result<Vec<u8>> {
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(body)
}

fn be_patient(stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)
}

/// So many bytes that follow from a seed.
fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let words = (0..length.div_ceil(8) as u64).map(|place| mix(seed.wrapping_add(place)));
    let mut bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    bytes.truncate(length);
    bytes
}

/// The output function of `SplitMix64`.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// Milliseconds of the epoch.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}
