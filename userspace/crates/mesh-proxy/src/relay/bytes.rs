//! Opaque bytes both ways between two sockets, each direction ending by itself.

use std::{cell::Cell, io, rc::Rc, time::Duration};

use tokio::{
    io::copy_bidirectional_with_sizes,
    time::{Instant, sleep_until},
};

use crate::io::{ByteCount, Metered};

/// Bytes that are read at once, for each direction.
const CHUNK: usize = 32 * 1024;

/// How a relay ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// One of the two broke off, and the other was told in the same way.
    Broken(io::Error),
    /// Nothing moved for the idle timeout.
    Idle,
    /// Both were through.
    Through,
}

/// What moved between a client and its endpoint.
#[derive(Debug)]
pub(crate) struct Movement {
    last: Cell<Instant>,
    received: Cell<u64>,
    sent: Cell<u64>,
}

impl Movement {
    /// Bytes that came from the client.
    pub(crate) fn received(&self) -> u64 {
        self.received.get()
    }

    /// Bytes that went to the client.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.get()
    }
}

/// Notes when the last byte moved, and counts it.
pub(crate) struct Watched<C> {
    count: C,
    movement: Rc<Movement>,
    is_client: bool,
}

impl<C> Watched<C> {
    /// The counts of a client's socket and of its endpoint's, that note into one.
    pub(crate) fn pair<D>(client: C, endpoint: D) -> (Self, Watched<D>) {
        let movement = Rc::new(Movement {
            last: Cell::new(Instant::now()),
            received: Cell::new(0),
            sent: Cell::new(0),
        });
        let endpoint = Watched {
            count: endpoint,
            movement: Rc::clone(&movement),
            is_client: false,
        };
        let client = Self {
            count: client,
            movement,
            is_client: true,
        };
        (client, endpoint)
    }

    pub(crate) fn movement(&self) -> Rc<Movement> {
        Rc::clone(&self.movement)
    }

    fn moved(&self, counter: &Cell<u64>, bytes: u64) {
        if self.is_client {
            counter.set(counter.get() + bytes);
        }
        self.movement.last.set(Instant::now());
    }
}

impl<C: ByteCount> ByteCount for Watched<C> {
    fn received(&self, bytes: u64) {
        self.count.received(bytes);
        self.moved(&self.movement.received, bytes);
    }

    fn sent(&self, bytes: u64) {
        self.count.sent(bytes);
        self.moved(&self.movement.sent, bytes);
    }
}

/// Relays until both directions are through, one side breaks off or nothing moved for too long.
pub(crate) async fn relay<A: ByteCount, B: ByteCount>(
    mut downstream: Metered<A>,
    mut upstream: Metered<B>,
    movement: &Movement,
    idle: Option<Duration>,
) -> Ended {
    let ended = tokio::select! {
        copied = copy_bidirectional_with_sizes(&mut downstream, &mut upstream, CHUNK, CHUNK) => {
            match copied {
                Ok(_) => Ended::Through,
                Err(error) => Ended::Broken(error),
            }
        }
        () = still_for(&movement.last, idle) => Ended::Idle,
    };
    if matches!(ended, Ended::Broken(_)) {
        // The side that is still there must not take a torn stream for a whole one.
        let _ = downstream.stream().set_zero_linger();
        let _ = upstream.stream().set_zero_linger();
    }
    ended
}

async fn still_for(moved: &Cell<Instant>, idle: Option<Duration>) {
    let Some(idle) = idle else {
        return std::future::pending().await;
    };
    loop {
        // Further off than the clock reaches is never: documents may say any number of seconds.
        let Some(moment) = moved.get().checked_add(idle) else {
            return std::future::pending().await;
        };
        if moment <= Instant::now() {
            return;
        }
        sleep_until(moment).await;
    }
}
