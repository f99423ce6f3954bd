//! A tree in the shape of the API to a document, read as far as it can be.

use std::sync::Arc;

use mesh_model::spec::{
    Items, Name, Text, gateway_route::GatewayRouteSpec, mesh::MeshSpec, route::RouteSpec,
    virtual_gateway::VirtualGatewaySpec, virtual_node::VirtualNodeSpec,
    virtual_router::VirtualRouterSpec, virtual_service::VirtualServiceSpec,
};

use super::{
    finding::{Findings, Origin},
    identity::{Identity, Kind},
};
use crate::read::{
    Read,
    cursor::{At, Log, Object},
    object,
};

/// A document as its file has it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// Absent where the command line was to name it.
    pub(crate) mesh: Option<String>,
    /// Absent where there is none, or where the command line was to name it.
    pub(crate) parent: Option<String>,
    pub(crate) name: String,
    /// It is what a command of the AWS CLI takes or prints.
    pub(crate) is_of_command: bool,
    /// The file is an `update-*`, which takes the place of a `create-*`.
    pub(crate) is_update: bool,
    pub(crate) origin: Arc<Origin>,
    /// Absent where it has faults, or parts without a value.
    pub(crate) spec: Option<Spec>,
    /// Absent where its mesh or its parent is.
    pub(crate) named: Option<Named>,
}

/// Which resource's state a document is.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) identity: Arc<Identity>,
    /// In the form in which names are compared.
    pub(crate) key: Arc<Identity>,
}

impl From<Identity> for Named {
    fn from(identity: Identity) -> Self {
        let key = identity.key();
        let identity = Arc::new(identity);
        let key = if key == *identity {
            Arc::clone(&identity)
        } else {
            Arc::new(key)
        };
        Self { identity, key }
    }
}

/// What a document says.
#[derive(Clone, Debug)]
pub(crate) enum Spec {
    GatewayRoute(Arc<GatewayRouteSpec>),
    Mesh(Arc<MeshSpec>),
    Route(Arc<RouteSpec>),
    VirtualGateway(Arc<VirtualGatewaySpec>),
    VirtualNode(Arc<VirtualNodeSpec>),
    VirtualRouter(Arc<VirtualRouterSpec>),
    VirtualService(Arc<VirtualServiceSpec>),
}

/// Members that stand beside a document's names and `spec` in the output of `describe-*`.
pub(crate) const DESCRIBED: [&str; 2] = ["metadata", "status"];

impl Entry {
    /// Reads a tree of a kind: an object with names and `spec`. Members other than those of the
    /// API's `Create*` input and `more` are warned of. None where it has no name.
    pub(crate) fn read(
        kind: Kind,
        origin: Origin,
        more: &[&str],
        findings: &mut Findings,
    ) -> Option<Self> {
        let log = Log::default();
        let read = Parts::read(kind, &At::top(&origin.tree, &log), more);
        let name = origin.tree.get(kind.name_member());
        let label = match name.and_then(|name| name.as_str()) {
            None | Some("") => kind.label().to_owned(),
            Some(name) => format!("{} {name}", kind.label()),
        };
        findings.take(log, &origin, Some(&label));
        let Parts {
            mesh,
            parent,
            name,
            spec,
        } = read?;
        let file_name = origin.source.name.rsplit('/').next().unwrap_or_default();
        // Other forms have their own spelling of names, and no commands for their files.
        let member = origin
            .tree
            .as_map()
            .and_then(|members| members.member(kind.name_member()));
        let is_of_command = member.is_some_and(|member| member.written.is_none());
        let named = mesh
            .clone()
            .filter(|_| parent.is_some() == kind.parent().is_some());
        let named = named.map(|mesh| {
            Named::from(Identity {
                kind,
                mesh,
                parent: parent.clone(),
                name: name.clone(),
            })
        });
        Some(Self {
            kind,
            mesh,
            parent,
            name,
            named,
            is_of_command,
            is_update: is_of_command && file_name.starts_with("update-"),
            origin: Arc::new(origin),
            spec,
        })
    }
}

struct Parts {
    mesh: Option<String>,
    parent: Option<String>,
    name: String,
    spec: Option<Spec>,
}

impl Parts {
    fn read(kind: Kind, at: &At<'_>, more: &[&str]) -> Option<Self> {
        let mut known = vec![
            "clientToken",
            "meshName",
            "meshOwner",
            "spec",
            "tags",
            kind.name_member(),
        ];
        known.extend(kind.parent().map(Kind::name_member));
        known.extend(more);
        let object = at.object(&known)?;
        // Checked for their form only: none has a meaning outside the management API.
        let _ = object.optional::<String>("clientToken");
        let _ = object.optional::<Text<12, 12>>("meshOwner");
        let _ = object.optional::<Items<Tag, 0, 50>>("tags");
        let mesh = object.optional::<Name>("meshName");
        let parent = match kind.parent() {
            Some(parent) => object.optional::<Name>(parent.name_member()),
            None => Some(None),
        };
        let name = match kind {
            Kind::VirtualService => object
                .required::<Text<1, { usize::MAX }>>(kind.name_member())
                .map(|name| name.as_str().to_owned()),
            _ => object
                .required::<Name>(kind.name_member())
                .map(|name| name.as_str().to_owned()),
        };
        let spec = Spec::read(kind, &object);
        Some(Self {
            mesh: mesh?.map(|name| name.as_str().to_owned()),
            parent: parent?.map(|name| name.as_str().to_owned()),
            name: name?,
            spec,
        })
    }
}

impl Spec {
    fn read(kind: Kind, object: &Object<'_>) -> Option<Self> {
        fn required<T: Read>(object: &Object<'_>) -> Option<Arc<T>> {
            object.required("spec").map(Arc::new)
        }
        match kind {
            Kind::Mesh => object
                .optional::<MeshSpec>("spec")
                .map(|spec| Self::Mesh(Arc::new(spec.unwrap_or_default()))),
            Kind::GatewayRoute => required(object).map(Self::GatewayRoute),
            Kind::Route => required(object).map(Self::Route),
            Kind::VirtualGateway => required(object).map(Self::VirtualGateway),
            Kind::VirtualNode => required(object).map(Self::VirtualNode),
            Kind::VirtualRouter => required(object).map(Self::VirtualRouter),
            Kind::VirtualService => required(object).map(Self::VirtualService),
        }
    }
}

/// `TagRef`
struct Tag {
    #[expect(dead_code, reason = "tags are checked and have no effect")]
    key: Text<1, 128>,
    #[expect(dead_code, reason = "tags are checked and have no effect")]
    value: Text<0, 256>,
}

object!(Tag { key: required "key", value: required "value" });
