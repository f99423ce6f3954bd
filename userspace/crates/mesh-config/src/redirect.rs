//! The variables of App Mesh's route manager to redirection rules (guide, `envoy-networking.sh`).

pub mod source;
mod variables;

use std::collections::BTreeSet;

use mesh_model::{
    redirect::{RedirectRules, port_ranges},
    snapshot::Snapshot,
};

use self::variables::{APP_PORTS, Variables};
use crate::{
    Environment,
    problem::{Place, Problem},
};

/// The redirection rules of a workload. `on_proxy_down` is left at its default: no variable of
/// App Mesh speaks of it.
///
/// A variable that is empty counts as unset, as in the script, but for the list of ignored
/// addresses, which an empty value empties. The script waits for its `enable` command unless
/// `APPMESH_START_ENABLED` is 1; a daemon has none to wait for and redirects unless it is 0.
///
/// An item of a list of ports may be a range, `1000-2000`, both ends with it: an extension, the
/// script takes single ports.
///
/// # Errors
/// Every variable whose value cannot be used, with the mend.
pub fn redirect_rules(
    environment: &Environment,
    snapshot: &Snapshot,
) -> Result<RedirectRules, Vec<Problem>> {
    let mut variables = Variables::new(environment, &by_name);
    let listeners = || snapshot.ingress.keys().copied().collect();
    let rules = variables.rules(listeners);
    if variables.problems.is_empty() {
        Ok(rules)
    } else {
        Err(variables.problems)
    }
}

/// The ports of the egress and of the ingress listener. A value that is none counts as unset here:
/// [`redirect_rules`] is what refuses it.
pub fn proxy_ports(environment: &Environment) -> (u16, u16) {
    Variables::new(environment, &by_name).proxy_ports()
}

/// What a list of application ports means that does not fit the node's listeners.
pub(crate) fn surprises(
    environment: &Environment,
    listeners: impl Iterator<Item = u16>,
) -> Vec<String> {
    let Some(app_ports) = Variables::new(environment, &by_name).app_ports() else {
        return Vec::new();
    };
    let listeners: BTreeSet<u16> = listeners.collect();
    let unheard = app_ports.difference(&listeners).copied();
    let unheard = port_ranges(unheard).into_iter().map(|port| {
        format!("{APP_PORTS} has port {port}, which no listener has: connections to it are closed")
    });
    let passed_by = listeners.difference(&app_ports).copied();
    let passed_by = port_ranges(passed_by).into_iter().map(|port| {
        format!("{APP_PORTS} leaves out the listener's port {port}: connections to it go direct")
    });
    unheard.chain(passed_by).collect()
}

/// The place of a variable of the process: its name.
fn by_name(name: &str) -> Place {
    Place {
        field: Some(name.to_owned()),
        ..Place::default()
    }
}

#[cfg(test)]
mod tests;
