//! `VirtualNodeSpec`

use mesh_model::spec::virtual_node::{
    Backend, BackendDefaults, VirtualNodeSpec, VirtualServiceBackend,
};

use super::{Read, cursor::At, listener::each_port_once, object};
use crate::problem::Rule;

object!(VirtualNodeSpec {
    backend_defaults: optional "backendDefaults",
    backends: optional "backends",
    listeners: optional "listeners",
    logging: optional "logging",
    service_discovery: optional "serviceDiscovery",
} then rules);
object!(BackendDefaults { client_policy: optional "clientPolicy" });
impl Read for Backend {
    fn read(at: &At<'_>) -> Option<Self> {
        // The preview of App Mesh had names alone.
        if let Some(name) = at.as_str() {
            let mend =
                format!("write {{\"virtualService\": {{\"virtualServiceName\": \"{name}\"}}}}");
            at.refuse("an object with `virtualService`", mend);
            return None;
        }
        let object = at.object(&["virtualService"])?;
        object.only_one_of(&["virtualService"])?;
        object.required("virtualService").map(Self::VirtualService)
    }
}
object!(VirtualServiceBackend {
    client_policy: optional "clientPolicy",
    virtual_service_name: required "virtualServiceName",
});

fn rules(node: &VirtualNodeSpec, at: &At<'_>) -> bool {
    let discoverable = node.listeners().is_empty() || node.service_discovery.is_some();
    if !discoverable {
        at.problem(
            Rule::Value,
            "`serviceDiscovery` is missing: a node with listeners needs it",
            "add `serviceDiscovery` with `dns` or `awsCloudMap`",
        );
    }
    each_port_once(
        node.listeners()
            .iter()
            .map(|listener| listener.port_mapping),
        at,
    ) && discoverable
}
