//! Who calls: the workload's own document and what it says about its backends.

use mesh_model::spec::{
    tls::ClientTls,
    virtual_gateway::VirtualGatewaySpec,
    virtual_node::{BackendDefaults, VirtualNodeSpec, VirtualServiceBackend},
};

use crate::{
    document::Document,
    problem::{Place, path::FieldPath},
};

/// The workload's own document.
#[derive(Clone, Copy, Debug)]
pub(super) enum Client<'a> {
    Gateway(&'a Document<VirtualGatewaySpec>),
    Node(&'a Document<VirtualNodeSpec>),
}

impl<'a> Client<'a> {
    /// The place of a field of the document.
    pub(super) fn place(self, at: &FieldPath) -> Place {
        match self {
            Self::Gateway(gateway) => gateway.place(at),
            Self::Node(node) => node.place(at),
        }
    }

    /// What holds for backends that say nothing themselves.
    pub(super) fn default_policy(self) -> Option<Policy<'a>> {
        let defaults: Option<&'a BackendDefaults> = match self {
            Self::Gateway(gateway) => gateway.spec.backend_defaults.as_ref(),
            Self::Node(node) => node.spec.backend_defaults.as_ref(),
        };
        let tls = defaults?.client_policy.as_ref()?.tls.as_ref()?;
        let at = FieldPath::spec().members(&["backendDefaults", "clientPolicy", "tls"]);
        Some(Policy { tls, at })
    }

    /// What holds for one backend: its own policy takes the place of the defaults.
    pub(super) fn policy(
        self,
        index: usize,
        backend: &'a VirtualServiceBackend,
    ) -> Option<Policy<'a>> {
        let Some(own) = &backend.client_policy else {
            return self.default_policy();
        };
        let at = FieldPath::spec().member("backends").item(index);
        let at = at.members(&["virtualService", "clientPolicy", "tls"]);
        own.tls.as_ref().map(|tls| Policy { tls, at })
    }
}

/// The TLS that a client wants towards a backend, and where its document says so.
#[derive(Clone, Debug)]
pub(super) struct Policy<'a> {
    pub(super) tls: &'a ClientTls,
    pub(super) at: FieldPath,
}
