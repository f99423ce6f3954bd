//! An object of a manifest: what it is called, what it selects, and the documents that it makes.

use std::{fmt, sync::Arc};

use smol_str::SmolStr;

use super::{
    selector::{Labels, Selector},
    shape::Shaped,
};
use crate::{
    document::Kind,
    problem::{Place, path::FieldPath},
    source::SourceFile,
};

/// Where Kubernetes puts an object that names no namespace.
pub(super) const DEFAULT_NAMESPACE: &str = "default";

/// The kinds of object that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum ObjectKind {
    /// Of its labels, the meshes and gateways select.
    Namespace,
    /// Virtual services under one name.
    BackendGroup,
    /// What makes a document of this kind.
    Document(Kind),
}

impl ObjectKind {
    /// Those of App Mesh.
    pub(super) const APP_MESH: [(&'static str, Self); 7] = [
        ("BackendGroup", Self::BackendGroup),
        ("GatewayRoute", Self::Document(Kind::GatewayRoute)),
        ("Mesh", Self::Document(Kind::Mesh)),
        ("VirtualGateway", Self::Document(Kind::VirtualGateway)),
        ("VirtualNode", Self::Document(Kind::VirtualNode)),
        ("VirtualRouter", Self::Document(Kind::VirtualRouter)),
        ("VirtualService", Self::Document(Kind::VirtualService)),
    ];

    /// How a sentence calls it.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::BackendGroup => "backend group",
            Self::Document(kind) => kind.label(),
        }
    }

    pub(super) fn is_in_a_namespace(self) -> bool {
        !matches!(self, Self::Namespace | Self::Document(Kind::Mesh))
    }

    /// The name in App Mesh of an object that gives none.
    pub(super) fn aws_name(self, key: &Key) -> SmolStr {
        let Key { namespace, name } = key;
        match self {
            Self::Namespace | Self::BackendGroup | Self::Document(Kind::Mesh) => name.clone(),
            Self::Document(Kind::VirtualService) => format!("{name}.{namespace}").into(),
            Self::Document(_) => format!("{name}_{namespace}").into(),
        }
    }
}

/// The namespace, empty for what has none, and the name of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) namespace: SmolStr,
    pub(super) name: SmolStr,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            return write!(f, "`{}`", self.name);
        }
        write!(f, "`{}` of namespace `{}`", self.name, self.namespace)
    }
}

/// An object, as far as its file tells.
#[derive(Debug)]
pub(crate) struct Object {
    pub(super) kind: ObjectKind,
    pub(super) key: Key,
    /// Its name in App Mesh.
    pub(super) aws_name: SmolStr,
    pub(super) labels: Labels,
    pub(super) place: Place,
    pub(super) source: Arc<SourceFile>,
    /// What leads to it in its file.
    pub(super) root: FieldPath,
    pub(super) selectors: Selectors,
    pub(super) owners: Owners,
    /// Of a virtual node, its backend groups.
    pub(super) groups: Vec<Group>,
    /// Of a backend group, its virtual services.
    pub(super) services: Vec<Key>,
    /// The documents that it makes; what they name is still open.
    pub(super) documents: Vec<Shaped>,
}

/// What an object selects; where there is none, nothing is selected.
#[derive(Debug, Default)]
pub(super) struct Selectors {
    /// Of a mesh: the namespaces that belong to it. Of a gateway: those of its routes.
    pub(super) namespaces: Option<Selector>,
    /// Of a gateway: its routes. Without any, all of those namespaces.
    pub(super) routes: Option<Selector>,
}

/// What the controller wrote into an object that comes from a cluster.
#[derive(Debug, Default)]
pub(super) struct Owners {
    /// The name of the `Mesh`.
    pub(super) mesh: Option<SmolStr>,
    pub(super) gateway: Option<Key>,
}

/// A reference to a backend group.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) key: Key,
    pub(super) place: Place,
    pub(super) line: u32,
}
