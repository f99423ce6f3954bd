//! The state of the proxy as `/ready` and `/server_info` tell it.

use std::time::Duration;

use serde_json::json;

use crate::Registry;

/// Envoy's `ServerInfo.State`, with its numbers (`server.state`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ServerState {
    /// It takes traffic.
    Live = 0,
    /// It finishes what it has and takes no more.
    Draining = 1,
    /// It waits for its first configuration or the first answers of discovery.
    Initializing = 3,
}

impl ServerState {
    /// The word that both endpoints print.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "LIVE",
            Self::Draining => "DRAINING",
            Self::Initializing => "INITIALIZING",
        }
    }

    pub(crate) fn from_u8(number: u8) -> Self {
        match number {
            0 => Self::Live,
            1 => Self::Draining,
            _ => Self::Initializing,
        }
    }
}

/// `/server_info`, laid out as Envoy does, so that `grep state | grep -q LIVE` (guide, the health
/// check of the Envoy container) reads it.
pub fn info(registry: &Registry, version: &str) -> String {
    let uptime = seconds(registry.started().elapsed());
    let info = json!({
        "version": version,
        "state": registry.state().as_str(),
        "uptime_current_epoch": uptime,
        "uptime_all_epochs": uptime,
        "command_line_options": { "concurrency": registry.concurrency() },
        "node": { "id": registry.workload(), "cluster": registry.workload() },
    });
    format!("{info:#}\n")
}

fn seconds(duration: Duration) -> String {
    format!("{}s", duration.as_secs())
}

#[cfg(test)]
mod tests;
