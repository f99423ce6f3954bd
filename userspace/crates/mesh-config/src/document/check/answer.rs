//! What a name leads to: services, nodes, and who answers for a service.

use mesh_model::spec::{
    listener::PortMapping,
    virtual_node::VirtualNodeSpec,
    virtual_router::VirtualRouterSpec,
    virtual_service::{Provider, VirtualServiceSpec},
};

use crate::document::{
    Document, Documents, Mesh,
    identity::{Identity, Kind, dns_key, referred},
};

/// What answers a virtual service.
#[derive(Clone, Copy)]
pub(super) enum AnsweredBy<'a> {
    /// One node, unrouted.
    Node(&'a Document<VirtualNodeSpec>),
    /// A router, and the documents of its mesh.
    Router(&'a Mesh, &'a Document<VirtualRouterSpec>),
}

impl<'a> AnsweredBy<'a> {
    /// What it is called.
    pub(super) fn identity(self) -> &'a Identity {
        match self {
            Self::Node(node) => &node.identity,
            Self::Router(_, router) => &router.identity,
        }
    }

    /// The ports on which it answers.
    pub(super) fn ports(self) -> Vec<PortMapping> {
        match self {
            Self::Node(node) => {
                let listeners = node.spec.listeners().iter();
                listeners.map(|listener| listener.port_mapping).collect()
            }
            Self::Router(_, router) => router.spec.ports().collect(),
        }
    }
}

/// The virtual service of a name or ARN.
pub(super) fn service_named<'a>(
    documents: &'a Documents,
    given: &str,
    own_mesh: &str,
) -> Option<&'a Document<VirtualServiceSpec>> {
    let (mesh, name) = referred(given, Kind::VirtualService, own_mesh);
    documents.mesh(mesh)?.virtual_services.get(&*dns_key(name))
}

/// The virtual node of a name or ARN.
pub(super) fn node_named<'a>(
    documents: &'a Documents,
    given: &str,
    own_mesh: &str,
) -> Option<&'a Document<VirtualNodeSpec>> {
    let (mesh, name) = referred(given, Kind::VirtualNode, own_mesh);
    documents.mesh(mesh)?.virtual_nodes.get(name)
}

/// What answers a service, if it has a document.
pub(super) fn answered_by<'a>(
    documents: &'a Documents,
    service: &Document<VirtualServiceSpec>,
) -> Option<AnsweredBy<'a>> {
    let own_mesh = &service.identity.mesh;
    match service.spec.provider.as_ref()? {
        Provider::VirtualNode(provider) => {
            let given = provider.virtual_node_name.as_str();
            node_named(documents, given, own_mesh).map(AnsweredBy::Node)
        }
        Provider::VirtualRouter(provider) => {
            let given = provider.virtual_router_name.as_str();
            let (mesh, name) = referred(given, Kind::VirtualRouter, own_mesh);
            let mesh = documents.mesh(mesh)?;
            let router = mesh.virtual_routers.get(name)?;
            Some(AnsweredBy::Router(mesh, router))
        }
    }
}
