//! What documents of options add to the resources of a mesh: of each resource it is said once.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use mesh_model::spec::mesh_options::{RouteOptions, VirtualNodeOptions, VirtualServiceOptions};

use super::{Documents, Mesh, finding::Findings, identity::dns_key};
use crate::{
    form::OptionsRead,
    problem::{Place, Rule, path::FieldPath, suggest},
};

/// How a summary calls the documents.
pub(super) const LABEL: &str = "mesh options";

/// What is added to the resources of one mesh.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// By lower-case name.
    pub(crate) virtual_services: BTreeMap<String, Added<VirtualServiceOptions>>,
    /// By name.
    pub(crate) virtual_nodes: BTreeMap<String, Added<VirtualNodeOptions>>,
    /// By the router's name and their own.
    pub(crate) routes: BTreeMap<(String, String), Added<RouteOptions>>,
}

/// What is added to one resource, and where that stands.
#[derive(Clone, Debug)]
pub(crate) struct Added<O> {
    pub(crate) options: O,
    document: Arc<OptionsRead>,
    at: FieldPath,
}

impl<O> Added<O> {
    /// The place of one of its fields.
    pub(crate) fn place(&self, field: &[&str]) -> Place {
        let field = self.at.clone().members(field);
        self.document.place(&field)
    }
}

impl OptionsRead {
    fn place(&self, field: &FieldPath) -> Place {
        self.origin.place(Some(&self.label), field)
    }
}

/// Gives each mesh its options.
pub(super) fn settle(
    read: &[Arc<OptionsRead>],
    documents: &mut Documents,
    findings: &mut Findings,
) {
    for document in read {
        documents.options += 1;
        let Some(mesh) = mesh_of(document, documents, findings) else {
            continue;
        };
        let options = &mut mesh.options;
        let services = document.spec.virtual_services.iter();
        let services = services.map(|added| {
            let name = dns_key(added.virtual_service_name.as_str()).into_owned();
            (name, added)
        });
        let list = ("virtualServices", "virtualServiceName");
        add(
            &mut options.virtual_services,
            document,
            list,
            services,
            findings,
        );
        let nodes = document.spec.virtual_nodes.iter();
        let nodes = nodes.map(|added| (added.virtual_node_name.as_str().to_owned(), added));
        let list = ("virtualNodes", "virtualNodeName");
        add(&mut options.virtual_nodes, document, list, nodes, findings);
        let routes = document.spec.routes.iter();
        let routes = routes.map(|added| {
            let of = added.virtual_router_name.as_str().to_owned();
            ((of, added.route_name.as_str().to_owned()), added)
        });
        let list = ("routes", "routeName");
        add(&mut options.routes, document, list, routes, findings);
    }
}

/// The mesh that a document names, or the only one.
fn mesh_of<'a>(
    document: &OptionsRead,
    documents: &'a mut Documents,
    findings: &mut Findings,
) -> Option<&'a mut Mesh> {
    let place = document.place(&FieldPath::spec().member("meshName"));
    let names = || documents.meshes.keys().map(String::as_str);
    let name = match (&document.spec.mesh_name, documents.meshes.len()) {
        (Some(given), _) if documents.meshes.contains_key(given.as_str()) => {
            given.as_str().to_owned()
        }
        (Some(given), _) => {
            let mend = match suggest::listed(given.as_str(), names()) {
                Some(names) => format!("write {names}, or add its documents"),
                None => "add its documents".to_owned(),
            };
            let message = format!("no mesh `{given}` in the documents");
            findings.refuse(place, Rule::Reference, message, mend);
            return None;
        }
        (None, 1) => names().next()?.to_owned(),
        (None, 0) => {
            let message = "there is no document of a mesh to which this could add anything";
            findings.refuse(
                place,
                Rule::Reference,
                message,
                "add the documents of the mesh",
            );
            return None;
        }
        (None, _) => {
            let names: Vec<&str> = names().collect();
            let names = names.join(", ");
            let message = format!("`meshName` is missing, and there are several meshes: {names}");
            findings.refuse(place, Rule::Value, message, "add `meshName`");
            return None;
        }
    };
    documents.meshes.get_mut(&name)
}

fn add<'a, N: Ord, O: Clone + 'a>(
    known: &mut BTreeMap<N, Added<O>>,
    document: &Arc<OptionsRead>,
    (list, name_member): (&str, &str),
    given: impl Iterator<Item = (N, &'a O)>,
    findings: &mut Findings,
) {
    for (index, (name, options)) in given.enumerate() {
        let added = Added {
            options: options.clone(),
            document: Arc::clone(document),
            at: FieldPath::spec().member(list).item(index),
        };
        match known.entry(name) {
            Entry::Vacant(free) => {
                free.insert(added);
            }
            Entry::Occupied(first) => findings.refuse(
                added.place(&[name_member]),
                Rule::Duplicate,
                format!("{} is of the same resource", first.get().place(&[])),
                "say all of a resource in one place",
            ),
        }
    }
}
