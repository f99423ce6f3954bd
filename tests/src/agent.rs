//! Does with real sockets what it is told, where it runs: in a cgroup and a network namespace that
//! the test chose. One command a line, one answer a line: `ok` with what was asked for, or `err`
//! with the error's name.

mod dial;

use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufRead as _, ErrorKind, IoSlice, IoSliceMut, Read as _, Write as _},
    mem::MaybeUninit,
    net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    os::{
        fd::AsFd as _,
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr as UnixAddr, UnixDatagram, UnixStream},
    },
    path::Path,
    str::FromStr,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

pub use self::dial::{allow_descriptors, connect_inherited};
use crate::links;

/// Longer than anything that is to happen takes, so that what does not happen ends a test.
const TIMEOUT: Duration = Duration::from_secs(20);
const CHUNK: usize = 16 * 1024;
/// `MSG_FASTOPEN` of `sendto(2)`.
const FAST_OPEN: i32 = 0x2000_0000;

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
    fn obey(&mut self, words: &[&str]) -> Result<String> {
        match words {
            ["connect", to, options @ ..] => self.connect(parse(to)?, options),
            ["attempt", to] => attempt(parse(to)?),
            ["attempt", to, times] => attempts(parse(to)?, parse(times)?),
            ["datagram", to] => datagram(parse(to)?),
            ["route", to] => route(parse(to)?),
            ["compare", network, times] => compare(parse(network)?, parse(times)?),
            ["begin", to] => self.begin(parse(to)?),
            ["fastopen", to, bytes] => self.fast_open(parse(to)?, parse(bytes)?),
            ["connect-again", id, to] => {
                let (socket, to) = (self.socket(id)?, parse::<SocketAddr>(to)?);
                socket.set_nonblocking(false)?;
                Ok(socket.connect(&to.into()).map(|()| String::new())?)
            }
            ["connect-itself"] => self.connect_itself(),
            ["share", id] => {
                let shared = self.socket(id)?.try_clone()?;
                Ok(self.keep(shared).to_string())
            }
            ["fill", id] => fill(self.socket(id)?),
            ["exchange", id, bytes] => {
                crate::stream::exchange(self.socket(id)?, parse(bytes)?).map(|()| String::new())
            }
            ["reconnect", id, to] => self.reconnect(parse(id)?, parse(to)?),
            ["disconnect", id] => Ok(rustix::net::connect_unspec(self.socket(id)?)
                .map(|()| String::new())
                .map_err(io::Error::from)?),
            ["serve", id] => Ok(self.socket(id)?.listen(1).map(|()| String::new())?),
            ["lend", id, to] => dial::in_child(self.socket(id)?, parse(to)?),
            ["many", first, destinations, each] => {
                self.held = dial::many(parse(first)?, parse(destinations)?, parse(each)?)?;
                Ok(self.held.len().to_string())
            }
            ["hold", id, count] => {
                self.held = dial::hold(self.socket(id)?, parse(count)?)?;
                Ok(self.held.len().to_string())
            }
            ["peer", id] => Ok(printed(&self.socket(id)?.peer_addr()?)),
            ["local", id] => Ok(printed(&self.socket(id)?.local_addr()?)),
            ["cookie", id] => {
                Ok(rustix::net::sockopt::socket_cookie(self.socket(id)?)?.to_string())
            }
            ["send", id, bytes] => send(self.socket(id)?, parse(bytes)?),
            ["receive", id, bytes] => receive(self.socket(id)?, parse(bytes)?),
            ["finish", id] => Ok(self
                .socket(id)?
                .shutdown(Shutdown::Write)
                .map(|()| String::new())?),
            ["drain", id] => drain(self.socket(id)?),
            ["reset", id] => self.reset(parse(id)?),
            ["close", id] => self.close(parse(id)?),
            ["listen", at, options @ ..] => self.listen(parse(at)?, options),
            ["make"] => self.make(),
            ["dial", id, to] => Ok(self
                .socket(id)?
                .connect(&parse::<SocketAddr>(to)?.into())
                .map(|()| String::new())?),
            ["join", cgroup] => join(Path::new(cgroup)),
            ["mailbox", name] => self.open_mailbox(name),
            ["give", id, name] => give(self.socket(id)?, name),
            ["take"] => self.take(),
            ["cgroup"] => own_cgroup(),
            ["wait"] => Ok(String::new()),
            ["up", interface] => links::up(interface).map(|()| String::new()),
            ["address", interface, network] => {
                links::add_address(interface, parse(network)?).map(|()| String::new())
            }
            ["accept", id] => self.accept(id),
            _ => bail!("no such command: {words:?}"),
        }
    }

    fn keep(&mut self, socket: Socket) -> u32 {
        let id = self.next;
        self.next += 1;
        self.sockets.insert(id, socket);
        id
    }

    fn socket(&self, id: &str) -> Result<&Socket> {
        let id: u32 = parse(id)?;
        self.sockets
            .get(&id)
            .with_context(|| format!("no socket {id}"))
    }

    /// Options: `v6` connects from an IPv6 socket by the v4-mapped address, `device=NAME` binds to
    /// an interface, `from=ADDRESS:PORT` to a source, `nonblocking` does not wait within
    /// connect(2), `mptcp` speaks Multipath TCP where the peer does, `v6only` is for IPv6 alone, `ring`
    /// connects by `io_uring`, `early` by sending with fast open, `fastopen` by the first send.
    fn connect(&mut self, to: SocketAddr, options: &[&str]) -> Result<String> {
        let to = if options.contains(&"v6") {
            mapped(to)
        } else {
            to
        };
        let protocol = if options.contains(&"mptcp") {
            Protocol::MPTCP
        } else {
            Protocol::TCP
        };
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(protocol))?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        socket.set_write_timeout(Some(TIMEOUT))?;
        if options.contains(&"v6only") {
            socket.set_only_v6(true)?;
        }
        for option in options {
            match option.split_once('=') {
                Some(("device", name)) => socket.bind_device(Some(name.as_bytes()))?,
                Some(("from", address)) => {
                    socket.set_reuse_address(true)?;
                    socket.bind(&parse::<SocketAddr>(address)?.into())?;
                }
                _ => {}
            }
        }
        dial::dial(&socket, to, options)?;
        Ok(self.keep(socket).to_string())
    }

    /// Begins to connect, and keeps the socket as it then is.
    fn begin(&mut self, to: SocketAddr) -> Result<String> {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        match socket.connect(&to.into()) {
            Err(error)
                if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) =>
            {
                Err(error.into())
            }
            _ => Ok(self.keep(socket).to_string()),
        }
    }

    /// Connects with data in the SYN (RFC 7413).
    fn fast_open(&mut self, to: SocketAddr, bytes: usize) -> Result<String> {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        let sent = socket.send_to_with_flags(&vec![b'x'; bytes], &to.into(), FAST_OPEN)?;
        Ok(format!("{} {sent}", self.keep(socket)))
    }

    /// Connects a socket to its own address, which TCP takes for two ends that open at once.
    fn connect_itself(&mut self) -> Result<String> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        socket.connect(&socket.local_addr()?)?;
        Ok(self.keep(socket).to_string())
    }

    /// Ends a socket's connection by connecting to `AF_UNSPEC`, and connects it elsewhere.
    fn reconnect(&mut self, id: u32, to: SocketAddr) -> Result<String> {
        let socket = self.sockets.get(&id).context("no such socket")?;
        rustix::net::connect_unspec(socket).map_err(io::Error::from)?;
        socket.connect(&to.into())?;
        Ok(String::new())
    }

    fn close(&mut self, id: u32) -> Result<String> {
        self.sockets.remove(&id).context("no such socket")?;
        Ok(String::new())
    }

    fn reset(&mut self, id: u32) -> Result<String> {
        let socket = self.sockets.remove(&id).context("no such socket")?;
        socket.set_linger(Some(Duration::ZERO))?;
        Ok(String::new())
    }

    /// Options: `mptcp` takes Multipath TCP too.
    fn listen(&mut self, at: SocketAddr, options: &[&str]) -> Result<String> {
        let protocol = if options.contains(&"mptcp") {
            Protocol::MPTCP
        } else {
            Protocol::TCP
        };
        let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(protocol))?;
        if at.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        socket.bind(&at.into())?;
        socket.listen(1024)?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        let address = printed(&socket.local_addr()?);
        Ok(format!("{} {address}", self.keep(socket)))
    }

    /// A socket that is neither bound nor connected.
    fn make(&mut self) -> Result<String> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        Ok(self.keep(socket).to_string())
    }

    /// A place of this name, known in the network namespace alone, for what others give.
    fn open_mailbox(&mut self, name: &str) -> Result<String> {
        let mailbox = UnixDatagram::bind_addr(&UnixAddr::from_abstract_name(name)?)?;
        mailbox.set_read_timeout(Some(TIMEOUT))?;
        self.mailbox = Some(mailbox);
        Ok(String::new())
    }

    /// The socket that somebody gave.
    fn take(&mut self) -> Result<String> {
        let mailbox = self.mailbox.as_ref().context("no mailbox")?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0];
        let mut parts = [IoSliceMut::new(&mut byte)];
        recvmsg(mailbox, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)
            .map_err(io::Error::from)?;
        let mut given = control.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        });
        let descriptor = given.next().and_then(|mut descriptors| descriptors.next());
        let socket = descriptor.context("nothing was given")?;
        Ok(self.keep(socket.into()).to_string())
    }

    fn accept(&mut self, id: &str) -> Result<String> {
        let (socket, peer) = self.socket(id)?.accept()?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        socket.set_write_timeout(Some(TIMEOUT))?;
        let local = printed(&socket.local_addr()?);
        Ok(format!("{} {} {local}", self.keep(socket), printed(&peer)))
    }
}

/// Moves this process, all threads of it.
fn join(cgroup: &Path) -> Result<String> {
    fs::write(cgroup.join("cgroup.procs"), "0")?;
    Ok(String::new())
}

/// Passes a socket on over `SCM_RIGHTS`.
fn give(socket: &Socket, mailbox: &str) -> Result<String> {
    let sender = UnixDatagram::unbound()?;
    sender.connect_addr(&UnixAddr::from_abstract_name(mailbox)?)?;
    let descriptors = [socket.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    anyhow::ensure!(
        control.push(SendAncillaryMessage::ScmRights(&descriptors)),
        "no room for a descriptor"
    );
    let parts = [IoSlice::new(b"!")];
    sendmsg(&sender, &parts, &mut control, SendFlags::empty()).map_err(io::Error::from)?;
    Ok(String::new())
}

/// Its cgroup, as its cgroup namespace shows it.
fn own_cgroup() -> Result<String> {
    let cgroups = fs::read_to_string("/proc/thread-self/cgroup")?;
    let own = cgroups.lines().find_map(|line| line.strip_prefix("0::"));
    Ok(own.context("no cgroup of the v2 hierarchy")?.to_owned())
}

/// Begins to connect and leaves it at that, whatever comes of it.
fn attempt(to: SocketAddr) -> Result<String> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    Ok(match socket.connect(&to.into()) {
        Ok(()) => String::new(),
        Err(error) => format!("{:?}", error.kind()),
    })
}

/// Connects a UDP socket and says to where.
fn datagram(to: SocketAddr) -> Result<String> {
    let socket = Socket::new(Domain::for_address(to), Type::DGRAM, None)?;
    socket.connect(&to.into())?;
    Ok(printed(&socket.peer_addr()?))
}

/// The source that routing gives to a UDP socket that goes there.
fn route(to: SocketAddr) -> Result<String> {
    let socket = Socket::new(Domain::for_address(to), Type::DGRAM, None)?;
    socket.connect(&to.into())?;
    let source = socket.local_addr()?.as_socket().context("no IP address")?;
    Ok(source.ip().to_string())
}

/// Dials many destinations of a /24, one after the other, and compares what each says that it is.
fn compare(network: Ipv4Addr, times: u16) -> Result<String> {
    let [a, b, c, _] = network.octets();
    for number in 0..times {
        let host = Ipv4Addr::new(a, b, c, u8::try_from(number % 250 + 1)?);
        let to = SocketAddr::from((host, 1000 + number));
        let mut said = String::new();
        let mut stream = TcpStream::connect(to)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.read_to_string(&mut said)?;
        anyhow::ensure!(said == to.to_string(), "dialled {to}, reached {said}");
    }
    Ok(times.to_string())
}

/// [`attempt`] again and again.
fn attempts(to: SocketAddr, times: u32) -> Result<String> {
    for _ in 0..times {
        attempt(to)?;
    }
    Ok(times.to_string())
}

fn parse<T: FromStr>(word: &str) -> Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    word.parse().with_context(|| format!("cannot read {word}"))
}

fn mapped(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(v4) => SocketAddr::new(v4.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

/// `ADDRESS:PORT` as the kernel gave it; v4-mapped stays v4-mapped.
fn printed(address: &SockAddr) -> String {
    address
        .as_socket()
        .unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))
        .to_string()
}

fn send(mut socket: &Socket, bytes: usize) -> Result<String> {
    let chunk = [b'x'; CHUNK];
    let mut left = bytes;
    while left > 0 {
        let now = left.min(CHUNK);
        socket.write_all(&chunk[..now])?;
        left -= now;
    }
    Ok(bytes.to_string())
}

/// Sends until nothing more fits, and says how many bytes did.
fn fill(mut socket: &Socket) -> Result<String> {
    socket.set_nonblocking(true)?;
    let mut all = 0;
    loop {
        match socket.write(&[b'x'; CHUNK]) {
            Ok(now) => all += now,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error.into()),
        }
    }
    socket.set_nonblocking(false)?;
    Ok(all.to_string())
}

fn receive(mut socket: &Socket, bytes: usize) -> Result<String> {
    let mut chunk = [0; CHUNK];
    let mut left = bytes;
    while left > 0 {
        let now = socket.read(&mut chunk[..left.min(CHUNK)])?;
        if now == 0 {
            return Err(io::Error::from(ErrorKind::UnexpectedEof).into());
        }
        left -= now;
    }
    Ok(bytes.to_string())
}

/// Reads to the end and says how many bytes came.
fn drain(mut socket: &Socket) -> Result<String> {
    let mut chunk = [0; CHUNK];
    let mut all = 0;
    loop {
        match socket.read(&mut chunk)? {
            0 => return Ok(all.to_string()),
            now => all += now,
        }
    }
}
