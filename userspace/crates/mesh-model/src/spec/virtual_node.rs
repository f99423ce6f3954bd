//! A virtual node: what an application listens on, what it calls, and where it is found.

use serde::Serialize;

use super::{
    Text, discovery::ServiceDiscovery, listener::Listener, logging::Logging, tls::ClientPolicy,
};

/// `VirtualNodeSpec`; with listeners it has a service discovery too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualNodeSpec {
    /// What holds for every backend that says nothing itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend_defaults: Option<BackendDefaults>,
    /// The virtual services that the application calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backends: Option<Vec<Backend>>,
    /// What the application listens on; each port once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listeners: Option<Vec<Listener>>,
    /// Where accesses are written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logging: Option<Logging>,
    /// Where clients find the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_discovery: Option<ServiceDiscovery>,
}

impl VirtualNodeSpec {
    /// What the application listens on.
    pub fn listeners(&self) -> &[Listener] {
        self.listeners.as_deref().unwrap_or_default()
    }

    /// The virtual services that the application calls, in the document's order.
    pub fn backends(&self) -> impl Iterator<Item = &VirtualServiceBackend> {
        self.backends
            .iter()
            .flatten()
            .map(|Backend::VirtualService(service)| service)
    }
}

/// `BackendDefaults`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendDefaults {
    /// How backends are connected to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_policy: Option<ClientPolicy>,
}

/// `Backend`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Backend {
    /// The only member of the union.
    VirtualService(VirtualServiceBackend),
}

/// `VirtualServiceBackend`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualServiceBackend {
    /// Takes the place of the defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_policy: Option<ClientPolicy>,
    /// The service's name, or its ARN in a shared mesh.
    pub virtual_service_name: Text<1, { usize::MAX }>,
}
