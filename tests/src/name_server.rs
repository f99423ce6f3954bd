//! A name server that answers as it is told, also wrongly.
//!
//! [`crate::dns`] is the one to use where a name server only has to be right.

mod message;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use self::message::Question;
pub use self::message::{Code, Family};
use crate::netns::Netns;

/// How long a thread waits before it looks whether it is to end.
const TICK: Duration = Duration::from_millis(20);

/// What a name server does when it is asked for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It answers, over UDP with what fits and by TCP with all.
    Right,
    /// It says nothing.
    Silent,
    /// It answers so long after the question.
    Late(Duration),
    /// It says no more than a code.
    Code(Code),
    /// It says that there is more than fits, and takes no questions by TCP.
    TornOff,
    /// It sends what is no answer.
    Garbled,
}

/// A running name server; it ends when it is dropped.
#[derive(Debug)]
pub struct NameServer {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    ends: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<String, Known>,
    asked: Vec<Asked>,
}

#[derive(Debug)]
struct Known {
    addresses: Vec<IpAddr>,
    /// In seconds.
    ttl: u32,
    manner: Manner,
}

/// A question that came.
#[derive(Clone, Debug)]
struct Asked {
    name: String,
    family: Option<Family>,
    id: u16,
    at: Instant,
}

impl NameServer {
    /// Starts one on port 53 of an address of a namespace. It knows no name.
    pub fn start(netns: &Netns, address: IpAddr) -> Result<Self> {
        let at = SocketAddr::new(address, 53);
        let bind = || Ok::<_, io::Error>((UdpSocket::bind(at)?, TcpListener::bind(at)?));
        let (udp, tcp) = netns
            .inside(bind)?
            .with_context(|| format!("a name server cannot listen on {at}"))?;
        udp.set_read_timeout(Some(TICK))?;
        tcp.set_nonblocking(true)?;
        let shared = Arc::<Shared>::default();
        let (one, other) = (Arc::clone(&shared), Arc::clone(&shared));
        let threads = vec![
            thread::spawn(move || one.serve_datagrams(&udp)),
            thread::spawn(move || other.serve_connections(&tcp)),
        ];
        Ok(Self { shared, threads })
    }

    /// Gives a name these addresses and no others, in this order.
    pub fn set(&self, name: &str, addresses: &[IpAddr]) {
        self.change(name, |known| known.addresses = addresses.to_vec());
    }

    /// Gives the records of a name so many seconds to live; the default is none.
    pub fn set_ttl(&self, name: &str, seconds: u32) {
        self.change(name, |known| known.ttl = seconds);
    }

    /// Has questions for a name treated so.
    pub fn treat(&self, name: &str, manner: Manner) {
        self.change(name, |known| known.manner = manner);
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Known)) {
        let mut state = self.shared.lock();
        change(state.names.entry(name.to_owned()).or_insert(Known {
            addresses: Vec::new(),
            ttl: 0,
            manner: Manner::Right,
        }));
    }

    /// When it was asked for a name's addresses of a family: the first moments of each question, which
    /// may have been sent again.
    pub fn asked(&self, name: &str, family: Family) -> Vec<Instant> {
        let state = self.shared.lock();
        let mut seen = BTreeSet::new();
        let of_name = |asked: &&Asked| asked.name == name && asked.family == Some(family);
        let first = state.asked.iter().filter(of_name);
        first
            .filter(|asked| seen.insert(asked.id))
            .map(|asked| asked.at)
            .collect()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A panic of that thread was printed when it happened.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ends(&self) -> bool {
        self.ends.load(Ordering::Relaxed)
    }

    fn serve_datagrams(&self, socket: &UdpSocket) {
        let mut buffer = [0; 1500];
        let mut late: Vec<(Instant, SocketAddr, Vec<u8>)> = Vec::new();
        while !self.ends() {
            if let Ok((length, from)) = socket.recv_from(&mut buffer)
                && let Some((after, answer)) = self.answer(&buffer[..length], false)
            {
                late.push((Instant::now() + after, from, answer));
            }
            let now = Instant::now();
            for (_, to, answer) in late.extract_if(.., |(due, ..)| *due <= now) {
                // Whoever is gone by then has asked somebody else.
                let _ = socket.send_to(&answer, to);
            }
        }
    }

    fn serve_connections(self: &Arc<Self>, listener: &TcpListener) {
        let mut threads = Vec::new();
        while !self.ends() {
            match listener.accept() {
                Ok((stream, _)) => {
                    let shared = Arc::clone(self);
                    // How a connection ends is of no interest here: who asks sees it.
                    threads.push(thread::spawn(move || shared.serve_connection(stream).ok()));
                }
                Err(_) => crate::wait::until_moment(Instant::now() + TICK),
            }
        }
        for thread in threads {
            // A panic of that thread was printed when it happened.
            let _ = thread.join();
        }
    }

    /// Questions one after the other, each behind its length.
    fn serve_connection(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(TICK))?;
        let mut received = Vec::new();
        while !self.ends() {
            let mut buffer = [0; 1500];
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(length) => received.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            while let Some((length, rest)) = received.split_first_chunk::<2>()
                && let Some(question) = rest.get(..usize::from(u16::from_be_bytes(*length)))
            {
                let Some((_, answer)) = self.answer(question, true) else {
                    return Ok(());
                };
                let taken = 2 + question.len();
                let length = u16::try_from(answer.len()).unwrap_or(u16::MAX);
                stream.write_all(&[&length.to_be_bytes()[..], &answer].concat())?;
                received.drain(..taken);
            }
        }
        Ok(())
    }

    /// The answer to a question, and how long it takes; none where there is to be none.
    fn answer(&self, bytes: &[u8], by_tcp: bool) -> Option<(Duration, Vec<u8>)> {
        let question = Question::parse(bytes)?;
        let mut state = self.lock();
        // Who asks by TCP has asked by a datagram before.
        if !by_tcp {
            state.asked.push(Asked {
                name: question.name.clone(),
                family: question.family,
                id: question.id,
                at: Instant::now(),
            });
        }
        let at_once = |answer| Some((Duration::ZERO, answer));
        let Some(known) = state.names.get(&question.name) else {
            return at_once(question.answer_code(Code::NoSuchName));
        };
        let right = || question.answer(&known.addresses, known.ttl, by_tcp);
        match known.manner {
            Manner::Right => at_once(right()),
            Manner::Silent => None,
            Manner::Late(after) => Some((after, right())),
            Manner::Code(code) => at_once(question.answer_code(code)),
            Manner::TornOff if by_tcp => None,
            Manner::TornOff => at_once(question.answer_torn_off()),
            Manner::Garbled => at_once(question.garble()),
        }
    }
}
