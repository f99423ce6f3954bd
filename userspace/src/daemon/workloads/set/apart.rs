//! What two workloads cannot share: a cgroup, and ports of one network namespace.

use std::path::Path;

use anyhow::bail;

use super::{Set, Site};
use crate::settings::WorkloadSettings;

impl<W> Set<W> {
    /// Whether a workload may be there beside all others that are.
    pub(super) fn check_apart(
        &self,
        settings: &WorkloadSettings,
        site: &Site,
    ) -> anyhow::Result<()> {
        ports_apart(settings)?;
        for (name, other) in &self.members {
            let Some(holding) = self.held.get(name) else {
                continue;
            };
            if *name == settings.name || !other.phase.is_present() {
                continue;
            }
            cgroups_apart((&settings.name, &site.cgroup), (name, &holding.cgroup))?;
            if holding.namespace == Some(site.namespace.id()) {
                share_no_port(settings, &other.wanted.settings)?;
            }
        }
        Ok(())
    }
}

fn ports_apart(settings: &WorkloadSettings) -> anyhow::Result<()> {
    let ports = settings.ports();
    for (index, (what, port)) in ports.iter().enumerate() {
        if let Some((other, _)) = ports[..index].iter().find(|(_, other)| other == port) {
            bail!(
                "workload `{}` has port {port} for {other} and for {what}; give each a port of its own",
                settings.name
            );
        }
    }
    Ok(())
}

fn cgroups_apart((name, own): (&str, &Path), (other, others): (&str, &Path)) -> anyhow::Result<()> {
    if own.starts_with(others) || others.starts_with(own) {
        bail!(
            "the cgroup {} of workload `{name}` and the cgroup {} of workload `{other}` are one or \
             inside each other; a process can be in one workload only",
            own.display(),
            others.display(),
        );
    }
    Ok(())
}

fn share_no_port(settings: &WorkloadSettings, other: &WorkloadSettings) -> anyhow::Result<()> {
    for (what, port) in settings.ports() {
        let taken = other.ports().into_iter().find(|(_, other)| *other == port);
        if let Some((as_what, _)) = taken {
            bail!(
                "workloads `{}` and `{}` are in one network namespace and both want port {port} (for \
                 {what} and for {as_what}); give one of them other values of \
                 APPMESH_ENVOY_EGRESS_PORT, APPMESH_ENVOY_INGRESS_PORT and ENVOY_ADMIN_ACCESS_PORT",
                settings.name,
                other.name
            );
        }
    }
    Ok(())
}
