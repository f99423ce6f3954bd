//! Envoy's connection pools, written down as plainly as they can be: every connection in a list, with what
//! it is at.

use mesh_model::snapshot::CircuitBreakers;

use super::{At, Event, Fate, Seen};

/// Envoy's: the counts of the cluster are added up anew whenever they are asked for.
pub(super) struct Naive {
    pub(super) breakers: CircuitBreakers,
    pub(super) room: usize,
    pub(super) pools: Vec<Seen>,
    pub(super) begun: usize,
}

impl Naive {
    fn sum(&self, count: impl Fn(&Seen) -> usize) -> u32 {
        u32::try_from(self.pools.iter().map(count).sum::<usize>()).unwrap()
    }

    fn active(&self) -> u32 {
        self.sum(|pool| {
            let at = pool.connections.iter().map(|(_, at)| *at);
            at.map(|at| if let At::Open(active) = at { active } else { 0 })
                .sum()
        })
    }

    /// `tryCreateNewConnection`.
    fn connect(&mut self, pool: usize) {
        loop {
            let there = self.sum(|pool| pool.connections.len());
            let own = &mut self.pools[pool];
            let connecting = own.connections.iter();
            let connecting = connecting.filter(|(_, at)| *at == At::Connecting).count();
            if own.waiting.len() <= connecting * self.room {
                return;
            }
            let may = there < self.breakers.max_connections;
            own.overflows += usize::from(!may);
            if may || own.connections.is_empty() {
                own.connections.push((self.begun, At::Connecting));
                self.begun += 1;
            }
            if !may {
                return;
            }
        }
    }

    /// `attachStreamToClient`: whether the connection has the request now.
    fn attach(&mut self, pool: usize, connection: usize, request: usize) {
        let is_full = self.active() >= self.breakers.max_requests;
        let own = &mut self.pools[pool];
        if is_full {
            own.fates.push((request, Fate::RequestOverflow));
            return;
        }
        own.fates.push((request, Fate::Sent));
        if let At::Open(active) = &mut own.connections[connection].1 {
            *active += 1;
        }
    }

    fn free(&self, pool: usize) -> Option<usize> {
        let connections = &self.pools[pool].connections;
        let room = self.room;
        connections
            .iter()
            .rposition(|(_, at)| matches!(at, At::Open(active) if *active < room))
    }

    /// `onUpstreamReady`.
    fn serve(&mut self, pool: usize) {
        while let (Some(free), false) = (self.free(pool), self.pools[pool].waiting.is_empty()) {
            let request = self.pools[pool].waiting.remove(0);
            self.attach(pool, free, request);
        }
    }

    fn place(&self, pool: usize, name: usize) -> usize {
        let mut connections = self.pools[pool].connections.iter();
        connections.position(|(other, _)| *other == name).unwrap()
    }

    pub(super) fn happens(&mut self, pool: usize, event: Event) {
        match event {
            Event::Request(request) => {
                if let Some(free) = self.free(pool) {
                    return self.attach(pool, free, request);
                }
                let is_full =
                    self.sum(|pool| pool.waiting.len()) >= self.breakers.max_pending_requests;
                if is_full {
                    let fate = (request, Fate::PendingOverflow);
                    return self.pools[pool].fates.push(fate);
                }
                self.pools[pool].waiting.push(request);
            }
            Event::GivenUp(request) => {
                return self.pools[pool].waiting.retain(|one| *one != request);
            }
            Event::Connected(name) => {
                let at = self.place(pool, name);
                self.pools[pool].connections[at].1 = At::Open(0);
                self.serve(pool);
            }
            Event::ConnectFailed(name) => {
                let at = self.place(pool, name);
                let own = &mut self.pools[pool];
                own.connections.remove(at);
                let all = own.waiting.drain(..);
                own.fates.extend(all.map(|one| (one, Fate::NotConnected)));
            }
            Event::Answered(name, stays) => {
                let at = self.place(pool, name);
                if stays {
                    if let At::Open(active) = &mut self.pools[pool].connections[at].1 {
                        *active -= 1;
                    }
                    self.serve(pool);
                } else {
                    self.pools[pool].connections.remove(at);
                }
            }
            Event::Closed(name) => {
                let at = self.place(pool, name);
                self.pools[pool].connections.remove(at);
            }
        }
        self.connect(pool);
    }
}
