//! The variables of App Mesh's route manager to redirection rules.

use mesh_model::{redirect::RedirectRules, snapshot::Snapshot};

use crate::{Environment, problem::Problem};

/// The redirection rules of a workload. `on_proxy_down` is left at its default: no variable of
/// App Mesh speaks of it.
///
/// # Errors
/// Every variable whose value cannot be used, with the mend.
pub fn redirect_rules(
    _environment: &Environment,
    _snapshot: &Snapshot,
) -> Result<RedirectRules, Vec<Problem>> {
    todo!()
}
