//! The process log: what this process says of its own work, in the form of Envoy's.
//!
//! - [`Level`]: how much is said, by Envoy's names for it
//! - [`Voice`]: the level of one workload, which the threads that serve it alone speak with
//! - `gate`: lets what is to be said pass; `form`: writes it as Envoy does
//! - `writer`: the way to standard error, which makes nobody wait

mod form;
mod gate;
mod level;
mod writer;

use std::{io, time::Duration};

use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use self::{form::EnvoyForm, gate::Gate, writer::ToQueue};
pub use self::{
    gate::{Voice, set_level},
    level::{InvalidLevel, Level},
};

/// The log of a process that goes on; what it has not written yet is lost with this.
#[derive(Debug)]
pub struct ProcessLog(ToQueue);

impl ProcessLog {
    /// Waits until all is written that was said before.
    pub fn flush(&self, within: Duration) -> bool {
        self.0.flush(within)
    }
}

/// Starts the log of a process that does one thing and ends: what is said is written at once. The
/// filter, where there is one, decides in the place of levels.
pub fn start_plain(filter: Option<EnvFilter>) {
    start(filter, io::stderr);
}

/// Starts the log of a daemon: what is said waits in a bounded queue, and is lost and counted where
/// that is full. The filter, where there is one, decides in the place of levels.
///
/// # Errors
/// The thread that writes cannot be started.
pub fn start_queued(filter: Option<EnvFilter>) -> io::Result<ProcessLog> {
    let writer = ToQueue::start()?;
    start(filter, writer.clone());
    Ok(ProcessLog(writer))
}

fn start<W>(filter: Option<EnvFilter>, writer: W)
where
    W: for<'w> fmt::MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = fmt::layer()
        .with_ansi(false)
        .event_format(EnvoyForm)
        .with_writer(writer);
    let gate = match filter {
        Some(filter) => filter.boxed(),
        None => Gate.boxed(),
    };
    tracing_subscriber::registry().with(lines).with(gate).init();
}
