//! Manifests of the App Mesh controller for Kubernetes (`appmesh.k8s.aws`) to documents.
//!
//! A file gives objects: what each holds is brought into the shape of the API as far as the object
//! itself tells. Names of other objects, the mesh of a namespace and the gateway of a route hang on
//! all objects together; `cluster` settles them.

mod cluster;
mod kind;
mod membership;
mod name;
mod object;
mod reader;
mod reference;
mod route;
mod scribe;
mod selector;
mod shape;
mod unrendered;

use std::sync::Arc;

pub(crate) use cluster::Settler;
pub(crate) use object::Object;
use reader::Reader;
pub(super) use unrendered::{is_kustomization, kustomization_fault};

use super::{FileRead, Inputs, mesh_options};
use crate::{
    document::finding::Origin,
    problem::{Rule, path::FieldPath},
    tree::{Node, Value},
};

/// Whether a tree is an object of Kubernetes.
pub(super) fn is_object(tree: &Node) -> bool {
    let text = |name| tree.get(name).and_then(Node::as_str);
    let is_of_app_mesh = text("apiVersion").is_some_and(|version| version.starts_with(kind::GROUP));
    let is_typed = text("apiVersion").is_some() || tree.get("metadata").is_some();
    is_of_app_mesh || (text("kind").is_some() && is_typed)
}

/// Reads an object, or those of a list. Objects of other kinds are left alone.
pub(super) fn read(mut origin: Origin, inputs: &Inputs, file: &mut FileRead) {
    if is_list(&origin.tree) {
        return read_list(origin, inputs, file);
    }
    let Some(kind) = kind::of(&origin, &mut file.findings) else {
        return;
    };
    unrendered::refuse(&mut origin, kind, &mut file.findings);
    file.fill(&mut origin, inputs);
    let reader = Reader::new(kind, &origin, &mut file.findings);
    let object = reader.and_then(|reader| reader.read(&origin));
    file.objects.extend(object.map(Arc::new));
}

/// What `kubectl get -o yaml` prints of several objects.
fn is_list(tree: &Node) -> bool {
    let kind = tree.get("kind").and_then(Node::as_str);
    kind.is_some_and(|kind| kind.ends_with("List"))
        && tree
            .get("items")
            .is_some_and(|items| items.as_list().is_some())
}

fn read_list(mut origin: Origin, inputs: &Inputs, file: &mut FileRead) {
    let items = origin.tree.as_map_mut();
    let items = items.and_then(|members| members.remove("items"));
    let Some(Value::List(items)) = items.map(|member| member.node.value) else {
        return;
    };
    for (index, tree) in items.into_iter().enumerate() {
        let origin = Origin {
            source: Arc::clone(&origin.source),
            tree,
            root: origin.root.clone().member("items").item(index),
        };
        if mesh_options::is_options(&origin.tree) {
            mesh_options::read(origin, inputs, file);
        } else if is_object(&origin.tree) {
            read(origin, inputs, file);
        } else {
            let place = origin.place(None, &FieldPath::default());
            let message = "left out: it is no object of Kubernetes, it has no `kind`";
            file.findings.warn(place, Rule::UnknownKind, message);
        }
    }
}

#[cfg(test)]
mod tests;
