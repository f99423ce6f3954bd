//! Bytes as the clients counted them, beside the sums of the closing records.

use std::{collections::BTreeMap, sync::Arc};

use ::tests::{daemon::ADMIN_PORT, host::Host, process, wait};
use anyhow::{Context as _, Result, ensure};

use super::{fleet::Fleet, judge::Verdict};

/// Bytes out of the workloads' applications and into them, by direction of the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    sent: u64,
    received: u64,
}

/// The sums of all workloads: of connections out of each by its name, and of those into all of
/// them by the name of the host that opens those.
pub(super) type Accounts = BTreeMap<String, Account>;

/// What the records add up to now.
pub(super) fn of_records(fleet: &Fleet) -> Result<Accounts> {
    let mut accounts = Accounts::new();
    for host in &fleet.workloads {
        let stats = stats(host)?;
        let sum = |direction: &str, name: &str| -> u64 {
            let begin = format!("connection.{direction}.");
            let end = format!(".{name}");
            let of_kind = |line: &&str| line.starts_with(&begin);
            let values = stats.lines().filter(of_kind).filter_map(|line| {
                let (stat, value) = line.split_once(": ")?;
                stat.ends_with(&end).then(|| value.parse::<u64>().ok())?
            });
            values.sum()
        };
        let out = accounts.entry(host.name().to_owned()).or_default();
        out.sent = sum("egress", "bytes_sent");
        out.received = sum("egress", "bytes_received");
        // What the client on the other host sends the proxy receives; its own way on is another one.
        let into = accounts.entry(fleet.peers.name().to_owned()).or_default();
        into.sent += sum("ingress.redirected", "bytes_received");
        into.received += sum("ingress.redirected", "bytes_sent");
    }
    Ok(accounts)
}

/// What the clients add up to.
fn of_clients(verdict: &Verdict) -> Accounts {
    let mut accounts = Accounts::new();
    for connection in &verdict.complete {
        let account = accounts.entry(connection.host.clone()).or_default();
        account.sent += connection.sent;
        account.received += connection.received;
    }
    accounts
}

/// Waits until records and clients agree to the byte.
pub(super) fn agree(fleet: &Fleet, before: &Accounts, verdict: &Verdict) -> Result<()> {
    let clients = of_clients(verdict);
    let mut last = Accounts::new();
    let agreed = wait::until_true("records and clients to agree", || {
        last = of_records(fleet)?;
        for (name, now) in &mut last {
            let then = before.get(name).copied().unwrap_or_default();
            now.sent = now.sent.saturating_sub(then.sent);
            now.received = now.received.saturating_sub(then.received);
        }
        Ok(last == clients)
    });
    for (name, account) in &clients {
        let counted = last.get(name).copied().unwrap_or_default();
        println!(
            "soak: {name}: {} bytes sent, {} counted; {} received, {} counted",
            account.sent, counted.sent, account.received, counted.received
        );
    }
    ensure!(!clients.is_empty(), "no client has said anything");
    agreed
}

fn stats(host: &Arc<Host>) -> Result<String> {
    let url = format!("http://127.0.0.1:{ADMIN_PORT}/stats");
    let mut curl = host.netns().command("curl");
    curl.args(["--disable", "--silent", "--fail", "--max-time", "10", &url]);
    process::run(&mut curl).with_context(|| format!("no statistics of {}", host.name()))
}
