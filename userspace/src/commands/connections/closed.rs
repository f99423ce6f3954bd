//! `--closed`: connections as they close, told by the daemon, which alone reads the kernel's records.

use std::io::{self, Write as _};

use anyhow::Context;
use ferromesh_proto::control::ClosedRequest;

use super::{
    row::ClosedRow,
    selection::Selection,
    table::{heading, line},
};
use crate::{commands::block_on, control, runtime_dir::RuntimeDir};

/// Prints closed connections until the daemon ends, or as many as are wanted.
pub(super) fn follow(instance: &str, selection: &Selection, json: bool) -> anyhow::Result<()> {
    block_on(async {
        let socket = RuntimeDir::of(instance).control_socket();
        let mut client = control::connect(socket).await?.with_context(|| {
            format!("no daemon of instance `{instance}` runs, and it alone sees connections close")
        })?;
        let answer = client.closed(ClosedRequest {}).await;
        let mut records = answer
            .context("the daemon does not tell closed connections")?
            .into_inner();
        if !json {
            writeln!(io::stdout(), "{}", heading())?;
        }
        let mut left = selection.limit.unwrap_or(usize::MAX);
        while left > 0
            && let Some(record) = records.message().await.context("the daemon has ended")?
        {
            if record.missed > 0 {
                eprintln!("ferromesh: {} connections were missed", record.missed);
                continue;
            }
            let closed: ClosedRow = serde_json::from_str(&record.json)
                .context("the daemon is of another version: its record cannot be read")?;
            if !selection.takes(&closed.row) {
                continue;
            }
            left -= 1;
            let mut out = io::stdout().lock();
            if json {
                writeln!(out, "{}", record.json)?;
            } else {
                writeln!(out, "{}", line(&closed.row))?;
            }
        }
        Ok(())
    })?
}
