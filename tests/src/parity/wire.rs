//! A connection of the suite: what has come, and how it ended.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use rustix::{
    event::{PollFd, PollFlags, poll},
    net::connect_unspec,
};

/// How long anybody waits for what has to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(12);

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Fin,
    Reset,
}

impl Ended {
    /// What a report calls an end, or that there was none.
    pub(crate) fn word(ended: Option<Self>) -> &'static str {
        match ended {
            None => "open",
            Some(Self::Fin) => "fin",
            Some(Self::Reset) => "rst",
        }
    }
}

/// What has come on a connection.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ended: Option<Ended>,
}

/// A connection that is read all the time.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    received: Mutex<Received>,
    changed: Condvar,
}

impl Wire {
    /// Reads a connection on a thread of its own until it ends.
    pub(crate) fn new(stream: TcpStream) -> Result<Arc<Self>> {
        stream.set_nodelay(true).context("cannot set TCP_NODELAY")?;
        stream
            .set_write_timeout(Some(PATIENCE))
            .context("cannot limit sending")?;
        let wire = Arc::new(Self {
            stream,
            received: Mutex::default(),
            changed: Condvar::new(),
        });
        let reading = Arc::clone(&wire);
        thread::spawn(move || reading.pump());
        Ok(wire)
    }

    fn pump(&self) {
        let mut block = vec![0; 1 << 16];
        loop {
            // A thread that waits within a read would keep the connection from being reset.
            let mut waiting = [PollFd::new(&self.stream, PollFlags::IN)];
            let read = match poll(&mut waiting, None) {
                Ok(_) => (&self.stream).read(&mut block),
                Err(error) => Err(error.into()),
            };
            let mut received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
            match read {
                Ok(0) => received.ended = Some(Ended::Fin),
                Ok(count) => received.bytes.extend_from_slice(&block[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => received.ended = Some(Ended::Reset),
            }
            let is_over = received.ended.is_some();
            drop(received);
            self.changed.notify_all();
            if is_over {
                return;
            }
        }
    }

    /// Waits until `probe` says something of what has come, or the time is over.
    pub(crate) fn wait<T>(
        &self,
        time: Duration,
        mut probe: impl FnMut(&mut Received) -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now() + time;
        let mut received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = probe(&mut received) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let woken = self.changed.wait_timeout(received, left);
            received = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for the end of the connection.
    pub(crate) fn wait_end(&self, time: Duration) -> Option<Ended> {
        self.wait(time, |received| received.ended)
    }

    /// Waits, and does nothing else.
    pub(crate) fn pause(&self, milliseconds: u64) {
        self.wait(Duration::from_millis(milliseconds), |_| None::<()>);
    }

    /// Everything that has come.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        received.bytes.clone()
    }

    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.stream).write_all(bytes)
    }

    /// Closes the sending half.
    pub(crate) fn finish(&self) {
        // A connection that has ended already is what the case is about.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Ends the connection with RST.
    pub(crate) fn reset(&self) {
        // Connecting a socket to no address resets its connection at once, where SO_LINGER would wait
        // for the reading thread to let go of it.
        let _ = connect_unspec(&self.stream);
    }

    /// Ends the connection in order, whatever is still to come.
    pub(crate) fn close(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
