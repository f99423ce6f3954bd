//! `MeshSpec`

use mesh_model::{
    snapshot::EgressFilter as FilterType,
    spec::mesh::{EgressFilter, MeshServiceDiscovery, MeshSpec},
};

use super::{object, words};

object!(MeshSpec {
    egress_filter: optional "egressFilter",
    service_discovery: optional "serviceDiscovery",
});
object!(EgressFilter { filter: required "type" });
object!(MeshServiceDiscovery { ip_preference: optional "ipPreference" });

words!(FilterType { AllowAll "ALLOW_ALL", DropAll "DROP_ALL" });
