//! What a set of documents means for a resource, for the commands that look at no daemon.

use mesh_config::{
    document::Parser,
    form::Inputs,
    resolve::{Resolved, resolve},
    source::DocumentSet,
};
use mesh_model::resource::ResourceName;

use crate::{daemon::configuration::Problems, settings::Environment};

/// What the resolver refuses to run is among the answer: not every command minds it.
pub(super) fn resolved(
    set: &DocumentSet,
    inputs: Inputs,
    resource: &ResourceName,
    environment: &Environment,
) -> Result<Resolved, Problems> {
    Parser::new(inputs)
        .parse(set)
        .into_result()
        .and_then(|(documents, _)| resolve(&documents, resource, environment))
        .map_err(Problems::from)
}
