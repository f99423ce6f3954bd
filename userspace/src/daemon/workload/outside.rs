//! The sockets of a workload that were made outside it, which its programs are never asked about.

use mesh_bpf::unredirected::{self, EXPLANATION};
use mesh_telemetry::{Registry, Shard};

use super::super::namespace::Namespace;
use crate::settings::WorkloadSettings;

/// How many of them the log names.
const NAMED: usize = 8;

/// Says which connections of a workload go past its rules, and closes them where that is wanted.
/// That none can be looked for is no reason not to serve the workload.
pub(super) fn judge(settings: &WorkloadSettings, namespace: &Namespace, registry: &Registry) {
    let workload = &settings.name;
    let found = if settings.strict {
        unredirected::close(&settings.cgroup, namespace.path())
    } else {
        unredirected::find(&settings.cgroup, namespace.path()).map(|found| (found, 0))
    };
    let (found, closed) = match found {
        Ok(found) => found,
        Err(error) => {
            let error = anyhow::Error::new(error);
            tracing::warn!(
                workload,
                "its older sockets cannot be looked for: {error:#}"
            );
            return;
        }
    };
    let evading: Vec<_> = found
        .sockets
        .iter()
        .filter(|socket| socket.evades())
        .collect();
    let stats = registry.redirection(Shard::Control);
    stats.made_outside.set(evading.len() as u64);
    stats.made_outside_closed.add(closed as u64);
    for socket in evading.iter().take(NAMED) {
        tracing::warn!(
            workload,
            pid = socket.pid,
            command = socket.command,
            local = %socket.local,
            remote = %socket.remote,
            "not redirected: {EXPLANATION}"
        );
    }
    if !evading.is_empty() {
        let (all, is_strict) = (evading.len(), settings.strict);
        tracing::warn!(
            workload,
            all,
            is_strict,
            closed,
            "connections that are not redirected"
        );
    }
}
