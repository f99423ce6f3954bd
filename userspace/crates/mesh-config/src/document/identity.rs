//! What a document is a state of: its kind, its mesh, its name.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::Serialize;

/// The kinds of App Mesh resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// `gatewayRoute`
    GatewayRoute,
    /// `mesh`
    Mesh,
    /// `route`
    Route,
    /// `virtualGateway`
    VirtualGateway,
    /// `virtualNode`
    VirtualNode,
    /// `virtualRouter`
    VirtualRouter,
    /// `virtualService`
    VirtualService,
}

impl Kind {
    /// Every kind; a kind with a parent stands before that parent, whose name it carries too.
    pub(crate) const ALL: [Self; 7] = [
        Self::Route,
        Self::GatewayRoute,
        Self::VirtualNode,
        Self::VirtualService,
        Self::VirtualRouter,
        Self::VirtualGateway,
        Self::Mesh,
    ];

    /// How a sentence calls it.
    pub fn label(self) -> &'static str {
        match self {
            Self::GatewayRoute => "gateway route",
            Self::Mesh => "mesh",
            Self::Route => "route",
            Self::VirtualGateway => "virtual gateway",
            Self::VirtualNode => "virtual node",
            Self::VirtualRouter => "virtual router",
            Self::VirtualService => "virtual service",
        }
    }

    /// The member that holds its name.
    pub(crate) fn name_member(self) -> &'static str {
        match self {
            Self::GatewayRoute => "gatewayRouteName",
            Self::Mesh => "meshName",
            Self::Route => "routeName",
            Self::VirtualGateway => "virtualGatewayName",
            Self::VirtualNode => "virtualNodeName",
            Self::VirtualRouter => "virtualRouterName",
            Self::VirtualService => "virtualServiceName",
        }
    }

    /// The member that holds a list of it in the output of `list-*`.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::GatewayRoute => "gatewayRoutes",
            Self::Mesh => "meshes",
            Self::Route => "routes",
            Self::VirtualGateway => "virtualGateways",
            Self::VirtualNode => "virtualNodes",
            Self::VirtualRouter => "virtualRouters",
            Self::VirtualService => "virtualServices",
        }
    }

    /// What it belongs to, below the mesh.
    pub(crate) fn parent(self) -> Option<Self> {
        match self {
            Self::GatewayRoute => Some(Self::VirtualGateway),
            Self::Route => Some(Self::VirtualRouter),
            _ => None,
        }
    }

    /// The member that holds it in the output of `describe-*`, and its word in an ARN.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::GatewayRoute => "gatewayRoute",
            Self::Mesh => "mesh",
            Self::Route => "route",
            Self::VirtualGateway => "virtualGateway",
            Self::VirtualNode => "virtualNode",
            Self::VirtualRouter => "virtualRouter",
            Self::VirtualService => "virtualService",
        }
    }
}

/// The resource whose state a document is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Identity {
    /// The kind.
    pub kind: Kind,
    /// Its mesh; a mesh's own name.
    pub mesh: String,
    /// The router of a route, the gateway of a gateway route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Its own name, as the document spells it.
    pub name: String,
}

impl fmt::Display for Identity {
    /// `route serviceB`: what stands in messages, where the mesh is mostly the only one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.label(), self.name)
    }
}

impl Identity {
    /// What it belongs to, below the mesh.
    pub(crate) fn parent_identity(&self) -> Option<Self> {
        Some(Self {
            kind: self.kind.parent()?,
            mesh: self.mesh.clone(),
            parent: None,
            name: self.parent.clone()?,
        })
    }

    /// The form in which names are compared. A virtual service's name is a DNS name, whose case
    /// does not count.
    pub(crate) fn key(&self) -> Self {
        self.clone().into_key()
    }

    /// The same of an identity that is not needed any more.
    pub(crate) fn into_key(mut self) -> Self {
        if self.kind == Kind::VirtualService {
            self.name.make_ascii_lowercase();
        }
        self
    }
}

/// Whether a resource, in the form in which names are compared, is among ordered ones.
pub(crate) fn is_declared(declared: &[Arc<Identity>], identity: &Identity) -> bool {
    declared
        .binary_search_by(|other| other.as_ref().cmp(identity))
        .is_ok()
}

/// The form in which DNS names are compared.
pub(crate) fn dns_key(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// Whether a part of a name has no value yet: a variable, or a template's placeholder.
pub(crate) fn is_open(name: &str) -> bool {
    name.contains("${") || name.contains("{{")
}

/// A reference to a resource of a kind without a parent: its name, or in a shared mesh its ARN.
/// Gives the mesh and the name.
pub(crate) fn referred<'a>(given: &'a str, kind: Kind, own_mesh: &'a str) -> (&'a str, &'a str) {
    let by_arn = || {
        let path = given.strip_prefix("arn:")?.splitn(5, ':').nth(4)?;
        let (mesh, rest) = path.strip_prefix("mesh/")?.split_once('/')?;
        let name = rest.strip_prefix(kind.word())?.strip_prefix('/')?;
        let mesh = mesh.split_once('@').map_or(mesh, |(mesh, _owner)| mesh);
        Some((mesh, name))
    };
    by_arn().unwrap_or((own_mesh, given))
}

#[cfg(test)]
mod tests;
