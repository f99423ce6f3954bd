//! The admin interface of one workload: `/ready`, `/server_info`, `/stats`, `/stats/prometheus`.

use std::{future::Future, sync::Arc};

use mesh_telemetry::Registry;
use tokio::net::TcpListener;

/// Serves until `stop` resolves. The listener is the caller's, made in the workload's own network
/// namespace; `version` is what `/server_info` reports.
pub async fn serve(
    listener: TcpListener,
    registry: Arc<Registry>,
    version: String,
    stop: impl Future<Output = ()>,
) {
    unimplemented!()
}
