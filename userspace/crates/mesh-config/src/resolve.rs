//! Documents and a resource name to the snapshot of one workload. Pure: the same documents give
//! the same snapshot, in whatever order their files were read.

use mesh_model::{resource::ResourceName, snapshot::Snapshot};

use crate::{
    Environment,
    document::Documents,
    problem::{Finding, Problem},
};

/// What one workload runs, and what of its documents it does not get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Its generation is 0: the caller gives it the one that it comes into force with.
    pub snapshot: Snapshot,
    /// What the documents ask for and do not get, or get differently.
    pub findings: Vec<Finding>,
}

/// Resolves one resource.
///
/// # Errors
/// The resource is not in the documents, or they ask for something that cannot be left out
/// without misrouting or weakening security; each problem names document and field.
pub fn resolve(
    _documents: &Documents,
    _resource: &ResourceName,
    _environment: &Environment,
) -> Result<Resolved, Vec<Problem>> {
    todo!()
}
