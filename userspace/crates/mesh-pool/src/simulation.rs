//! Many seeds against a model that is too plain to be wrong.

mod naive;
mod retries;

use std::collections::BTreeMap;

use mesh_model::snapshot::CircuitBreakers;

use self::naive::Naive;
use crate::{Connect, Limits, Permit, Queue, Ticket};

const SEEDS: u64 = 10_000;

/// splitmix64: a stream of uniform numbers from a seed (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }

    fn limit(&mut self) -> u32 {
        match self.below(5) {
            0 => CircuitBreakers::OFF,
            _ => u32::try_from(1 + self.below(5)).unwrap(),
        }
    }
}

/// What happens in the pool of one host and worker. Connections are named by the order in which they were
/// begun.
#[derive(Clone, Copy, Debug)]
enum Event {
    Request(usize),
    GivenUp(usize),
    Connected(usize),
    ConnectFailed(usize),
    /// An answer is through; whether the connection stays open.
    Answered(usize, bool),
    Closed(usize),
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Sent,
    PendingOverflow,
    RequestOverflow,
    NotConnected,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Connecting,
    /// With so many requests under way.
    Open(usize),
}

/// What can be seen of a pool.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    fates: Vec<(usize, Fate)>,
    waiting: Vec<usize>,
    connections: Vec<(usize, At)>,
    overflows: usize,
}

/// What is told to a [`Queue`], and by it, by whoever has the connections.
struct Pool {
    limits: Limits,
    queue: Queue<usize>,
    tickets: Vec<(usize, Ticket)>,
    connections: Vec<Held>,
    fates: Vec<(usize, Fate)>,
    overflows: usize,
}

struct Held {
    name: usize,
    is_open: bool,
    requests: Vec<Permit>,
    _permit: Permit,
}

impl Pool {
    fn connect(&mut self, room: usize, begun: &mut usize) {
        loop {
            let (permit, is_above) = match self.queue.connect(room) {
                Connect::Needless => return,
                Connect::Refused => {
                    self.overflows += 1;
                    return;
                }
                Connect::Begin(permit) => (permit, false),
                Connect::BeginAbove(permit) => (permit, true),
            };
            self.connections.push(Held {
                name: *begun,
                is_open: false,
                requests: Vec::new(),
                _permit: permit,
            });
            *begun += 1;
            if is_above {
                self.overflows += 1;
                return;
            }
        }
    }

    fn free(&mut self, room: usize) -> Option<&mut Held> {
        let mut connections = self.connections.iter_mut().rev();
        connections.find(|one| one.is_open && one.requests.len() < room)
    }

    fn attach(&mut self, room: usize, request: usize) {
        let permit = self.limits.requests.take();
        let is_admitted = permit.is_some();
        let held = self.free(room).expect("whoever attaches has seen one");
        held.requests.extend(permit);
        self.fates.push((
            request,
            if is_admitted {
                Fate::Sent
            } else {
                Fate::RequestOverflow
            },
        ));
    }

    fn serve(&mut self, room: usize) {
        while self.free(room).is_some() {
            let Some(request) = self.queue.pop() else {
                return;
            };
            self.attach(room, request);
        }
    }

    fn place(&self, name: usize) -> usize {
        let mut connections = self.connections.iter();
        connections.position(|one| one.name == name).unwrap()
    }

    fn close(&mut self, at: usize) {
        drop(self.connections.remove(at));
        self.queue.closed();
    }

    fn happens(&mut self, event: Event, room: usize, begun: &mut usize) {
        match event {
            Event::Request(request) if self.free(room).is_some() => {
                return self.attach(room, request);
            }
            Event::Request(request) => match self.queue.join(request) {
                Some(ticket) => self.tickets.push((request, ticket)),
                None => return self.fates.push((request, Fate::PendingOverflow)),
            },
            Event::GivenUp(request) => {
                let known = self.tickets.iter().find(|(one, _)| *one == request);
                let left = self.queue.leave(known.unwrap().1);
                assert_eq!(left, Some(request));
                return;
            }
            Event::Connected(name) => {
                let at = self.place(name);
                self.connections[at].is_open = true;
                self.queue.arrived(room);
                self.serve(room);
            }
            Event::ConnectFailed(name) => {
                self.queue.arrived(room);
                let all = self.queue.take_all().into_iter();
                self.fates
                    .extend(all.map(|(one, _)| (one, Fate::NotConnected)));
                self.close(self.place(name));
            }
            Event::Answered(name, true) => {
                let at = self.place(name);
                self.connections[at].requests.pop();
                self.serve(room);
            }
            Event::Answered(name, false) | Event::Closed(name) => self.close(self.place(name)),
        }
        self.connect(room, begun);
    }

    fn seen(&self) -> Seen {
        let connections = self.connections.iter().map(|held| {
            let at = At::Open(held.requests.len());
            (held.name, if held.is_open { at } else { At::Connecting })
        });
        Seen {
            fates: self.fates.clone(),
            waiting: self.queue.waiters().copied().collect(),
            connections: connections.collect(),
            overflows: self.overflows,
        }
    }
}

/// Something that may happen in a pool as it is.
fn event(pool: &Seen, requests: &mut usize, random: &mut Random) -> Event {
    let named = |wanted: &dyn Fn(At) -> bool, random: &mut Random| {
        let fitting = pool.connections.iter().filter(|(_, at)| wanted(*at));
        let fitting: Vec<usize> = fitting.map(|(name, _)| *name).collect();
        (!fitting.is_empty()).then(|| fitting[random.below(fitting.len())])
    };
    let connecting = |at: At| at == At::Connecting;
    let busy = |at: At| matches!(at, At::Open(1..));
    let idle = |at: At| at == At::Open(0);
    let other = match random.below(8) {
        0 if !pool.waiting.is_empty() => Some(Event::GivenUp(
            pool.waiting[random.below(pool.waiting.len())],
        )),
        1 | 2 => named(&connecting, random).map(Event::Connected),
        3 => named(&connecting, random).map(Event::ConnectFailed),
        4 => named(&busy, random).map(|name| Event::Answered(name, true)),
        // One that ends with its answer has carried it alone.
        5 => named(&|at| at == At::Open(1), random).map(|name| Event::Answered(name, false)),
        6 => named(&idle, random).map(Event::Closed),
        _ => None,
    };
    other.unwrap_or_else(|| {
        *requests += 1;
        Event::Request(*requests)
    })
}

#[test]
fn requests_and_connections_are_those_of_envoy() {
    let mut met = BTreeMap::new();
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let breakers = CircuitBreakers {
            max_connections: random.limit(),
            max_pending_requests: random.limit(),
            max_requests: random.limit(),
            max_retries: CircuitBreakers::OFF,
            retry_budget: None,
        };
        // One request at a time, or some streams.
        let room = [1, 1, 3][random.below(3)];
        let count = 1 + random.below(3);
        let limits = Limits::of(breakers);
        let mut naive = Naive {
            breakers,
            room,
            pools: (0..count).map(|_| Seen::default()).collect(),
            begun: 0,
        };
        let mut pools: Vec<Pool> = (0..count)
            .map(|_| Pool {
                limits: limits.clone(),
                queue: Queue::new(limits.clone()),
                tickets: Vec::new(),
                connections: Vec::new(),
                fates: Vec::new(),
                overflows: 0,
            })
            .collect();
        let (mut requests, mut begun) = (0, 0);
        for _ in 0..60 {
            let at = random.below(count);
            let event = event(&naive.pools[at], &mut requests, &mut random);
            naive.happens(at, event);
            pools[at].happens(event, room, &mut begun);
            let expected = &naive.pools[at];
            assert_eq!(&pools[at].seen(), expected, "seed {seed}: {event:?}");
            let held: usize = pools.iter().map(|pool| pool.queue.connections()).sum();
            assert!(
                held < breakers.max_connections as usize + count,
                "seed {seed}"
            );
            assert!(expected.waiting.is_empty() || !expected.connections.is_empty());
        }
        for (_, fate) in naive.pools.iter().flat_map(|pool| &pool.fates) {
            *met.entry(*fate).or_insert(0) += 1;
        }
    }
    // A simulation in which something never happens says nothing of it.
    assert!(
        met.len() == 4 && met.values().all(|count| *count > 1000),
        "{met:?}"
    );
}
