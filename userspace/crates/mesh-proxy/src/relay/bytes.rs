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

/// Notes when the last byte moved, and counts it.
pub(crate) struct Watched<C> {
    count: C,
    moved: Rc<Cell<Instant>>,
}

impl<C> Watched<C> {
    /// Two counts that note into one clock.
    pub(crate) fn pair<D>(one: C, other: D) -> (Self, Watched<D>) {
        let moved = Rc::new(Cell::new(Instant::now()));
        let other = Watched {
            count: other,
            moved: Rc::clone(&moved),
        };
        (Self { count: one, moved }, other)
    }

    pub(crate) fn moved(&self) -> Rc<Cell<Instant>> {
        Rc::clone(&self.moved)
    }
}

impl<C: ByteCount> ByteCount for Watched<C> {
    fn received(&self, bytes: u64) {
        self.count.received(bytes);
        self.moved.set(Instant::now());
    }

    fn sent(&self, bytes: u64) {
        self.count.sent(bytes);
        self.moved.set(Instant::now());
    }
}

/// Relays until both directions are through, one side breaks off or nothing moved for too long.
pub(crate) async fn relay<A: ByteCount, B: ByteCount>(
    mut downstream: Metered<A>,
    mut upstream: Metered<B>,
    moved: Rc<Cell<Instant>>,
    idle: Option<Duration>,
) -> Ended {
    let ended = tokio::select! {
        copied = copy_bidirectional_with_sizes(&mut downstream, &mut upstream, CHUNK, CHUNK) => {
            match copied {
                Ok(_) => Ended::Through,
                Err(error) => Ended::Broken(error),
            }
        }
        () = still_for(&moved, idle) => Ended::Idle,
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
