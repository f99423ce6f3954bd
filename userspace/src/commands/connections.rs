//! `ferromesh connections`: live connections with their counters, and closed ones as they close.

mod closed;
pub(crate) mod row;
pub(crate) mod selection;
mod source;
mod table;
mod watch;

use std::{
    io::{self, IsTerminal as _, Write as _},
    thread,
    time::Duration,
};

use anyhow::Context;
use ferromesh_proto::control::Connection;
use mesh_bpf::ConnectionRecord;

use self::{row::Row, selection::Selection, source::Source, table::Table};
use crate::cli::ConnectionsArgs;

/// How often `--watch` looks.
const EVERY: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &ConnectionsArgs) -> anyhow::Result<()> {
    let selection = Selection {
        workloads: args.workloads.clone(),
        filters: args.filters.clone(),
        sort: args.sort.unwrap_or_default(),
        limit: args.limit,
    };
    let outcome = if args.closed {
        closed::follow(&args.instance.instance, &selection, args.json)
    } else {
        let source = Source::open(&args.instance.instance)?;
        let on_terminal = io::stdout().is_terminal() && io::stdin().is_terminal();
        if args.watch && !args.json && on_terminal {
            watch::run(source, selection)
        } else {
            print(&source, &selection, args)
        }
    };
    match outcome {
        // Whoever read has seen enough.
        Err(error) if is_closed_pipe(&error) => Ok(()),
        outcome => outcome,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing is waited for: it prints once a second"
)]
fn print(source: &Source, selection: &Selection, args: &ConnectionsArgs) -> anyhow::Result<()> {
    loop {
        let rows = selection.of(source.rows()?);
        let mut out = io::stdout().lock();
        match (args.json, args.watch) {
            (true, true) => {
                serde_json::to_writer(&mut out, &rows)?;
                writeln!(out)?;
            }
            (true, false) => {
                serde_json::to_writer_pretty(&mut out, &rows)?;
                writeln!(out)?;
            }
            (false, _) => write!(out, "{}", Table(&rows))?,
        }
        out.flush().context("cannot print")?;
        if !args.watch {
            return Ok(());
        }
        thread::sleep(EVERY);
    }
}

/// A record of the kernel as the control socket carries it.
pub(crate) fn message(record: &ConnectionRecord) -> Connection {
    Connection {
        workload: record.workload,
        cookie: record.cookie,
        direction: record.direction.as_str().to_owned(),
        local: record.local.to_string(),
        remote: record.remote.to_string(),
        verdict: record.verdict.as_str().to_owned(),
        reason: record.reason.to_owned(),
        uid: record.uid,
        age_ms: u64::try_from(record.age.as_millis()).unwrap_or(u64::MAX),
        bytes_sent: record.bytes_sent,
        bytes_received: record.bytes_received,
        rtt_us: record.rtt_us,
        retransmits: record.retransmits,
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let kind = |error: &(dyn std::error::Error + 'static)| {
        error
            .downcast_ref::<io::Error>()
            .map(io::Error::kind)
            .or_else(|| error.downcast_ref::<serde_json::Error>()?.io_error_kind())
    };
    error
        .chain()
        .any(|source| kind(source) == Some(io::ErrorKind::BrokenPipe))
}

#[cfg(test)]
mod tests;
