//! Does with real sockets what it is told, where it runs: in a cgroup and a network namespace that
//! the test chose. One command a line, one answer a line: `ok` with what was asked for, or `err`
//! with the error's name.

mod attempt;
mod bytes;
mod dial;
mod open;
mod pass;

use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufRead as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr},
    os::unix::net::{UnixDatagram, UnixStream},
    path::Path,
    str::FromStr,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use socket2::{SockAddr, Socket};

pub use self::dial::{allow_descriptors, connect_inherited};
use crate::{links, stream};

/// Longer than anything that is to happen takes, so that what does not happen ends a test.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Obeys the commands of a stream until it ends.
pub fn serve(stream: &UnixStream) -> Result<()> {
    let mut agent = Agent::default();
    let mut answers = stream;
    for line in io::BufReader::new(stream).lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = match agent.obey(&words) {
            Ok(answer) => format!("ok {answer}"),
            Err(error) => format!("err {}", describe(&error)),
        };
        // In one write: what reads it waits for the end of the line.
        answers.write_all(format!("{}\n", answer.trim_end()).as_bytes())?;
    }
    Ok(())
}

/// The name of an input or output error, the text of any other.
fn describe(error: &anyhow::Error) -> String {
    match error.downcast_ref::<io::Error>() {
        Some(error) => match error.raw_os_error() {
            Some(number) => format!("{:?} {number}", error.kind()),
            None => format!("{:?}", error.kind()),
        },
        None => format!("{error:#}"),
    }
}

#[derive(Default)]
struct Agent {
    sockets: BTreeMap<u32, Socket>,
    next: u32,
    mailbox: Option<UnixDatagram>,
    /// Of `many` and `hold`.
    held: Vec<Socket>,
}

impl Agent {
    /// Opens sockets, or says what came of opening some.
    fn obey(&mut self, words: &[&str]) -> Result<String> {
        match words {
            ["connect", to, options @ ..] => Ok(self.keep(open::connect(parse(to)?, options)?)),
            ["begin", to] => Ok(self.keep(open::begin(parse(to)?)?)),
            ["fastopen", to, bytes] => {
                let (socket, sent) = open::fast(parse(to)?, parse(bytes)?)?;
                Ok(format!("{} {sent}", self.keep(socket)))
            }
            ["connect-itself"] => Ok(self.keep(open::connect_itself()?)),
            ["listen", at, options @ ..] => {
                let socket = open::listen(parse(at)?, options)?;
                let address = printed(&socket.local_addr()?);
                Ok(format!("{} {address}", self.keep(socket)))
            }
            ["make"] => Ok(self.keep(open::make()?)),
            ["share", id] => {
                let shared = self.socket(id)?.try_clone()?;
                Ok(self.keep(shared))
            }
            ["accept", id] => {
                let (socket, peer) = open::accept(self.socket(id)?)?;
                let local = printed(&socket.local_addr()?);
                Ok(format!("{} {} {local}", self.keep(socket), printed(&peer)))
            }
            ["many", first, destinations, each] => {
                self.held = dial::many(parse(first)?, parse(destinations)?, parse(each)?)?;
                Ok(self.held.len().to_string())
            }
            ["hold", id, count] => {
                self.held = dial::hold(self.socket(id)?, parse(count)?)?;
                Ok(self.held.len().to_string())
            }
            ["attempt", to] => attempt::once(parse(to)?),
            ["attempt", to, times] => attempt::often(parse(to)?, parse(times)?),
            ["datagram", to] => attempt::datagram(parse(to)?),
            ["route", to] => attempt::route(parse(to)?),
            ["compare", network, times] => attempt::compare(parse(network)?, parse(times)?),
            _ => self.obey_on_socket(words),
        }
    }

    /// Does something with a socket that it has.
    fn obey_on_socket(&mut self, words: &[&str]) -> Result<String> {
        match words {
            ["connect-again", id, to] => {
                let socket = self.socket(id)?;
                socket.set_nonblocking(false)?;
                done(socket.connect(&parse::<SocketAddr>(to)?.into()))
            }
            ["reconnect", id, to] => {
                let socket = self.socket(id)?;
                rustix::net::connect_unspec(socket).map_err(io::Error::from)?;
                done(socket.connect(&parse::<SocketAddr>(to)?.into()))
            }
            ["disconnect", id] => {
                done(rustix::net::connect_unspec(self.socket(id)?).map_err(io::Error::from))
            }
            ["dial", id, to] => done(self.socket(id)?.connect(&parse::<SocketAddr>(to)?.into())),
            ["serve", id] => done(self.socket(id)?.listen(1)),
            ["lend", id, to] => dial::in_child(self.socket(id)?, parse(to)?),
            ["peer", id] => Ok(printed(&self.socket(id)?.peer_addr()?)),
            ["local", id] => Ok(printed(&self.socket(id)?.local_addr()?)),
            ["cookie", id] => {
                Ok(rustix::net::sockopt::socket_cookie(self.socket(id)?)?.to_string())
            }
            ["send", id, bytes] => bytes::send(self.socket(id)?, parse(bytes)?),
            ["fill", id] => bytes::fill(self.socket(id)?),
            ["receive", id, bytes] => bytes::receive(self.socket(id)?, parse(bytes)?),
            ["drain", id] => bytes::drain(self.socket(id)?),
            ["exchange", id, bytes] => done(stream::exchange(self.socket(id)?, parse(bytes)?)),
            ["finish", id] => done(self.socket(id)?.shutdown(Shutdown::Write)),
            ["reset", id] => done(self.forget(id)?.set_linger(Some(Duration::ZERO))),
            ["close", id] => self.forget(id).map(|_| String::new()),
            ["give", id, name] => done(pass::give(self.socket(id)?, name)),
            _ => self.obey_in_place(words),
        }
    }

    /// Changes where it runs, or says where that is.
    fn obey_in_place(&mut self, words: &[&str]) -> Result<String> {
        match words {
            // All threads of this process.
            ["join", cgroup] => done(fs::write(Path::new(cgroup).join("cgroup.procs"), "0")),
            ["cgroup"] => own_cgroup(),
            ["mailbox", name] => {
                self.mailbox = Some(pass::mailbox(name)?);
                Ok(String::new())
            }
            ["take"] => {
                let given = pass::take(self.mailbox.as_ref().context("no mailbox")?)?;
                Ok(self.keep(given))
            }
            ["up", interface] => done(links::up(interface)),
            ["address", interface, network] => done(links::add_address(interface, parse(network)?)),
            ["wait"] => Ok(String::new()),
            _ => bail!("no such command: {words:?}"),
        }
    }

    /// Gives a socket the number by which the test names it.
    fn keep(&mut self, socket: Socket) -> String {
        let id = self.next;
        self.next += 1;
        self.sockets.insert(id, socket);
        id.to_string()
    }

    fn socket(&self, id: &str) -> Result<&Socket> {
        self.sockets
            .get(&parse(id)?)
            .with_context(|| format!("no socket {id}"))
    }

    fn forget(&mut self, id: &str) -> Result<Socket> {
        self.sockets
            .remove(&parse(id)?)
            .with_context(|| format!("no socket {id}"))
    }
}

/// The answer of what has nothing to say but whether it worked.
fn done<E: Into<anyhow::Error>>(result: Result<(), E>) -> Result<String> {
    result.map(|()| String::new()).map_err(Into::into)
}

/// Its cgroup, as its cgroup namespace shows it.
fn own_cgroup() -> Result<String> {
    let cgroups = fs::read_to_string("/proc/thread-self/cgroup")?;
    let own = cgroups.lines().find_map(|line| line.strip_prefix("0::"));
    Ok(own.context("no cgroup of the v2 hierarchy")?.to_owned())
}

fn parse<T: FromStr>(word: &str) -> Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    word.parse().with_context(|| format!("cannot read {word}"))
}

/// `ADDRESS:PORT` as the kernel gave it; v4-mapped stays v4-mapped.
fn printed(address: &SockAddr) -> String {
    address
        .as_socket()
        .unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))
        .to_string()
}
