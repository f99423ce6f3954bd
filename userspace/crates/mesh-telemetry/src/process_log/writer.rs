//! The way to standard error: a queue, so that who speaks while serving a request never waits for
//! who reads.

use std::{io, sync::Arc, time::Duration};

use tracing_subscriber::fmt::MakeWriter;

use crate::{access_log::Queue, scope::AccessLogStats};

/// Puts each line into the queue.
#[derive(Clone, Debug)]
pub(super) struct ToQueue(Arc<Queue>);

impl ToQueue {
    pub(super) fn start() -> io::Result<Self> {
        let queue = Queue::start("/dev/stderr", Arc::new(AccessLogStats::default()))?;
        Ok(Self(Arc::new(queue)))
    }

    pub(super) fn flush(&self, within: Duration) -> bool {
        self.0.flush(within)
    }
}

impl<'w> MakeWriter<'w> for ToQueue {
    type Writer = &'w Self;

    fn make_writer(&'w self) -> Self::Writer {
        self
    }
}

/// A line comes whole, in one piece.
impl io::Write for &ToQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line.to_owned());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
