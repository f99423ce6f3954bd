//! Counters against random lives of connections: both ends write, read, finish, close and reset in
//! any order, and what the kernel counted is what they wrote.

use std::{
    cell::RefCell,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    time::Duration,
};

use mesh_bpf::{ClosedConnections, Direction, Instance, Verdict};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tests::wait;

use super::closing;
use crate::stage::{Agent, FAR_V4, Proxy, plays};

/// How many lives are led.
const LIVES: u32 = 60;
/// What fits into a connection unread, so that no write waits for a read.
const UNREAD: usize = 40_000;

/// How a connection comes about.
#[derive(Clone, Copy, Debug)]
enum Way {
    Redirected,
    Direct,
    Accepted,
}

/// Who does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Application,
    Peer,
}

/// Something that an end does while the connection lives.
#[derive(Clone, Copy, Debug)]
enum Step {
    Write(End, usize),
    /// Reads so many hundredths of what waits.
    Read(End, usize),
    Finish(End),
}

/// How the connection ends: who goes first, and who goes with a reset.
#[derive(Clone, Copy, Debug)]
struct Finale {
    first: End,
    resets: [bool; 2],
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Application), Just(End::Peer)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (end(), 0_usize..20_000).prop_map(|(end, bytes)| Step::Write(end, bytes)),
        3 => (end(), 0_usize..=100).prop_map(|(end, share)| Step::Read(end, share)),
        1 => end().prop_map(Step::Finish),
    ]
}

fn life() -> impl Strategy<Value = (Way, Vec<Step>, Finale)> {
    let way = prop_oneof![
        Just(Way::Redirected),
        Just(Way::Direct),
        Just(Way::Accepted)
    ];
    let finale = (end(), any::<[bool; 2]>()).prop_map(|(first, resets)| Finale { first, resets });
    (way, vec(step(), 0..12), finale)
}

/// One direction of a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Half {
    written: usize,
    read: usize,
    finished: bool,
}

struct Connection<'a> {
    application: &'a mut Agent,
    id: String,
    peer: TcpStream,
    /// What the application writes, then what the peer writes.
    halves: [Half; 2],
}

impl Connection<'_> {
    fn take(&mut self, step: Step) {
        match step {
            Step::Write(end, bytes) => self.write(end, bytes),
            Step::Read(end, share) => {
                let other = self.halves[1 - end as usize];
                self.read(end, (other.written - other.read) * share / 100);
            }
            Step::Finish(end) => self.finish(end),
        }
    }

    fn write(&mut self, end: End, bytes: usize) {
        let half = &mut self.halves[end as usize];
        if half.finished || half.written + bytes - half.read > UNREAD {
            return;
        }
        half.written += bytes;
        match end {
            End::Application => {
                let order = format!("send {} {bytes}", self.id);
                self.application.ask(&order).unwrap();
            }
            End::Peer => self.peer.write_all(&vec![b'y'; bytes]).unwrap(),
        }
    }

    fn read(&mut self, end: End, bytes: usize) {
        self.halves[1 - end as usize].read += bytes;
        match end {
            End::Application => {
                let order = format!("receive {} {bytes}", self.id);
                self.application.ask(&order).unwrap();
            }
            End::Peer => self.peer.read_exact(&mut vec![0; bytes]).unwrap(),
        }
    }

    fn finish(&mut self, end: End) {
        let half = &mut self.halves[end as usize];
        if std::mem::replace(&mut half.finished, true) {
            return;
        }
        match end {
            End::Application => {
                let order = format!("finish {}", self.id);
                self.application.ask(&order).unwrap();
            }
            End::Peer => self.peer.shutdown(Shutdown::Write).unwrap(),
        }
    }

    fn counts(&self) -> (Option<u64>, Option<u64>) {
        let [sent, received] = self.halves.map(|half| Some(half.written as u64));
        (sent, received)
    }

    /// Ends the connection, when what the kernel counts so far is what was written.
    fn end(self, finale: Finale) {
        let Self {
            application,
            id,
            peer,
            ..
        } = self;
        let mut peer = Some(peer);
        let mut go = |end| match (end, finale.resets[end as usize]) {
            (End::Application, reset) => {
                let how = if reset { "reset" } else { "close" };
                application.ask(&format!("{how} {id}")).unwrap();
            }
            (End::Peer, reset) => {
                let peer = peer.take().unwrap();
                if reset {
                    let linger = Some(Duration::ZERO);
                    socket2::SockRef::from(&peer).set_linger(linger).unwrap();
                }
            }
        };
        match finale.first {
            End::Application => [End::Application, End::Peer].map(&mut go),
            End::Peer => [End::Peer, End::Application].map(&mut go),
        };
    }
}

/// The stage of all lives.
struct Setting {
    proxy: Proxy,
    instance: Instance,
    closed: ClosedConnections,
    application: Agent,
    direct: TcpListener,
    listening: (String, String),
}

impl Setting {
    fn connect(&mut self, way: Way) -> Connection<'_> {
        let (id, peer) = match way {
            Way::Redirected => {
                let id = self.application.ask(&format!("connect {FAR_V4}")).unwrap();
                (id, self.proxy.accept(&self.instance).0)
            }
            Way::Direct => {
                let to = self.direct.local_addr().unwrap();
                let id = self.application.ask(&format!("connect {to}")).unwrap();
                (id, self.direct.accept().unwrap().0)
            }
            Way::Accepted => {
                let (listener, address) = &self.listening;
                let peer = TcpStream::connect(address).unwrap();
                let accepted = self.application.ask(&format!("accept {listener}")).unwrap();
                (accepted.split(' ').next().unwrap().to_owned(), peer)
            }
        };
        peer.set_read_timeout(Some(wait::DEADLINE)).unwrap();
        Connection {
            application: &mut self.application,
            id,
            peer,
            halves: [Half::default(); 2],
        }
    }

    fn lead(&mut self, way: Way, steps: &[Step], finale: Finale) {
        let mut connection = self.connect(way);
        for &step in steps {
            connection.take(step);
        }
        let counts = connection.counts();
        // A borrow of the agent alone, so that the kernel can be asked meanwhile.
        let Connection {
            id, peer, halves, ..
        } = connection;
        wait::until_true(format!("live counts of {counts:?}"), || {
            let live = self.instance.connections()?;
            // Both directions are over and read: nothing is left to list.
            let over = halves.iter().all(|half| half.finished) && live.is_empty();
            Ok(over
                || live
                    .iter()
                    .any(|live| (live.bytes_sent, live.bytes_received) == counts))
        })
        .unwrap();
        let application = &mut self.application;
        Connection {
            application,
            id,
            peer,
            halves,
        }
        .end(finale);
        let record = closing(&mut self.closed);
        let counted = (record.record.bytes_sent, record.record.bytes_received);
        assert_eq!(counted, counts, "{record:?}");
        assert!(record.established);
        let (verdict, direction) = match way {
            Way::Redirected => (Verdict::Redirected, Direction::Egress),
            Way::Direct => (Verdict::Direct, Direction::Egress),
            Way::Accepted => (Verdict::Direct, Direction::Ingress),
        };
        let said = (record.record.verdict, record.record.direction);
        assert_eq!(said, (verdict, direction));
        assert!(self.closed.next_record().unwrap().is_none());
    }
}

plays! {
    fn counters_agree_with_every_way_to_live_and_end(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application();
        let listening = application.ask("listen 127.0.0.1:0").unwrap();
        let (listener, address) = listening.split_once(' ').unwrap();
        let setting = RefCell::new(Setting {
            closed: instance.closed().unwrap(),
            listening: (listener.to_owned(), address.to_owned()),
            direct: TcpListener::bind("127.0.0.1:0").unwrap(),
            proxy,
            instance,
            application,
        });
        let config = Config {
            cases: LIVES,
            failure_persistence: None,
            // A life that failed leaves its connection behind, so the next would fail too.
            max_shrink_iters: 0,
            ..Config::default()
        };
        TestRunner::new(config)
            .run(&life(), |(way, steps, finale)| {
                setting.borrow_mut().lead(way, &steps, finale);
                Ok(())
            })
            .unwrap();
        assert!(setting.borrow().instance.connections().unwrap().is_empty());
        stage.wait_empty("FLOWS");
    }
}
