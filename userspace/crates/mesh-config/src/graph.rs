//! The meshes of the documents as a picture: what leads where, and what leads nowhere. Pure; the
//! same documents give the same text.

mod collect;
mod draw;
mod label;

use std::{collections::BTreeMap, fmt};

use crate::document::{Documents, Identity};

/// Every resource of the documents and every reference between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// By mesh, kind, parent and name.
    things: BTreeMap<Identity, Thing>,
    /// In that order.
    ways: Vec<Way>,
}

/// One resource.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Thing {
    /// Its name as its document spells it.
    name: String,
    /// What else a reader wants to know of it, a line each.
    details: Vec<String>,
    /// Something names it, and it has no document.
    missing: bool,
}

/// One reference from a resource to another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Way {
    from: Identity,
    to: Identity,
    /// The share of a target.
    label: Option<String>,
    /// From a node to a service that it may call.
    is_backend: bool,
}

impl Graph {
    /// The graph of all meshes.
    pub fn of(documents: &Documents) -> Self {
        collect::collect(documents)
    }

    /// Its text for Graphviz.
    pub fn dot(&self) -> impl fmt::Display {
        draw::Dot(self)
    }

    /// Its text for Mermaid.
    pub fn mermaid(&self) -> impl fmt::Display {
        draw::Mermaid(self)
    }
}

#[cfg(test)]
mod tests;
