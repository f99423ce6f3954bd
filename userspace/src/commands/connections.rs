//! `ferromesh connections`: live connections with their counters.

use std::{
    fmt::{self, Display, Formatter},
    path::Path,
    thread,
    time::Duration,
};

use anyhow::{Context, bail};
use ferromesh_proto::control::{Connection, ConnectionsRequest};
use mesh_bpf::{ConnectionRecord, inspect::inspect};

use super::status::BPFFS;
use crate::{cli::ConnectionsArgs, control, runtime_dir::RuntimeDir};

/// How often `--watch` prints.
const EVERY: Duration = Duration::from_secs(1);

#[expect(
    clippy::disallowed_methods,
    reason = "nothing is waited for: it prints once a second"
)]
pub(crate) fn run(args: &ConnectionsArgs) -> anyhow::Result<()> {
    loop {
        let connections = list(&args.instance.instance)?;
        if args.json {
            println!(
                "{}",
                serde_json::to_string_pretty(&connections).context("no JSON")?
            );
        } else {
            print!("{}", Table(&connections));
        }
        if !args.watch {
            return Ok(());
        }
        thread::sleep(EVERY);
    }
}

/// Asks the daemon, which is in the network namespace that knows the byte counts; without a daemon
/// the pins tell the rest.
fn list(instance: &str) -> anyhow::Result<Vec<Connection>> {
    if let Some(connections) = super::block_on(ask(instance))?? {
        return Ok(connections);
    }
    let Some(report) = inspect(Path::new(BPFFS), instance)? else {
        bail!("no instance `{instance}` on this kernel; name one with --instance");
    };
    Ok(report.connections.iter().map(message).collect())
}

async fn ask(instance: &str) -> anyhow::Result<Option<Vec<Connection>>> {
    let socket = RuntimeDir::of(instance).control_socket();
    let Some(mut client) = control::connect(socket).await? else {
        return Ok(None);
    };
    let answer = client
        .connections(ConnectionsRequest {})
        .await
        .context("the daemon does not list its connections")?;
    Ok(Some(answer.into_inner().connections))
}

/// A record of the kernel as the control socket carries it.
pub(crate) fn message(record: &ConnectionRecord) -> Connection {
    Connection {
        workload: record.workload,
        cookie: record.cookie,
        direction: format!("{:?}", record.direction).to_lowercase(),
        local: record.local.to_string(),
        remote: record.remote.to_string(),
        verdict: format!("{:?}", record.verdict).to_lowercase(),
        reason: record.reason.to_owned(),
        uid: record.uid,
        age_ms: u64::try_from(record.age.as_millis()).unwrap_or(u64::MAX),
        bytes_sent: record.bytes_sent,
        bytes_received: record.bytes_received,
        rtt_us: record.rtt_us,
        retransmits: record.retransmits,
    }
}

struct Table<'a>(&'a [Connection]);

impl Display for Table<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<8} {:<24} {:<24} {:<11} {:<18} {:>6} {:>9} {:>12} {:>12} {:>8} {:>7}",
            "WAY",
            "LOCAL",
            "REMOTE",
            "VERDICT",
            "REASON",
            "USER",
            "AGE ms",
            "SENT",
            "RECEIVED",
            "RTT us",
            "RESENT"
        )?;
        for connection in self.0 {
            writeln!(
                f,
                "{:<8} {:<24} {:<24} {:<11} {:<18} {:>6} {:>9} {:>12} {:>12} {:>8} {:>7}",
                connection.direction,
                connection.local,
                connection.remote,
                connection.verdict,
                connection.reason,
                or_dash(connection.uid),
                connection.age_ms,
                or_dash(connection.bytes_sent),
                or_dash(connection.bytes_received),
                or_dash(connection.rtt_us),
                or_dash(connection.retransmits),
            )?;
        }
        Ok(())
    }
}

fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests;
