//! What each command of the command line does.

mod answer;
pub(crate) mod arm;
pub(crate) mod bundle;
pub(crate) mod check;
pub(crate) mod connections;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod explain_connect;
pub(crate) mod graph;
pub(crate) mod redirect;
pub(crate) mod render_envoy;
mod resolved;
pub(crate) mod rollback;
pub(crate) mod run;
pub(crate) mod status;
pub(crate) mod tap;
pub(crate) mod trace;
pub(crate) mod uninstall;
pub(crate) mod validate;
pub(crate) mod watchdog;
pub(crate) mod workload;

use anyhow::Context;

/// Runs one exchange with a daemon. The outer error is ours, the inner the exchange's.
fn block_on<T>(
    exchange: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<anyhow::Result<T>> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime")?
        .block_on(exchange))
}
