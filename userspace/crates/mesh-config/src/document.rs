//! Files to typed documents, with every fault of every file reported at once.
//!
//! The path: `form` brings each file's documents into the shape of the API and `entry` types them,
//! `gather` settles which document is the state of which resource, `check` looks at them together.
//! `parse` is that path, and keeps what came of the files that did not change.

mod check;
pub(crate) mod entry;
pub(crate) mod finding;
mod gather;
pub(crate) mod identity;
pub(crate) mod options;
mod parse;
pub(crate) mod target;

use std::{collections::BTreeMap, sync::Arc};

pub use finding::Open;
use finding::Origin;
use foldhash::fast::RandomState;
pub use identity::{Identity, Kind};
use indexmap::IndexMap;
use mesh_model::{
    resource::{ProxyKind, ResourceName},
    spec::{
        Port, gateway_route::GatewayRouteSpec, mesh::MeshSpec, route::RouteSpec,
        virtual_gateway::VirtualGatewaySpec, virtual_node::VirtualNodeSpec,
        virtual_router::VirtualRouterSpec, virtual_service::VirtualServiceSpec,
    },
};
use options::Options;
pub use parse::Parser;

use crate::{
    form::Inputs,
    problem::{Place, Problem, Rule, Warning, path::FieldPath},
    redirect::source::RedirectSource,
    source::DocumentSet,
};

/// What came of reading a set of files.
#[derive(Debug)]
pub struct Parsed {
    /// Everything that could be read. Resolve it by way of [`Parsed::into_result`] only.
    pub documents: Documents,
    /// What the files say of redirection. Nothing of it is in force by itself.
    pub redirects: Vec<Arc<RedirectSource>>,
    /// With any problem, the documents do not come into force. In the order of their places.
    pub problems: Vec<Problem>,
    /// What is allowed and worth knowing. In the order of their places.
    pub warnings: Vec<Warning>,
    /// What has no value yet: with any, the documents do not come into force. Each expression of a
    /// file once, in the order of their places.
    pub open: Vec<Open>,
}

impl Parsed {
    /// The documents with their warnings, or every problem; what has no value is one.
    pub fn into_result(mut self) -> Result<(Documents, Vec<Warning>), Vec<Problem>> {
        self.problems
            .extend(self.open.into_iter().map(Open::into_problem));
        if self.problems.is_empty() {
            Ok((self.documents, self.warnings))
        } else {
            Err(self.problems)
        }
    }
}

impl Open {
    pub(crate) fn into_problem(self) -> Problem {
        Problem {
            message: format!("`{}` has no value", self.expression),
            place: self.place,
            rule: Rule::Variable,
            value: None,
            mend: format!("give it one: {}", self.mend),
        }
    }
}

/// A document and where it came from.
#[derive(Clone, Debug)]
pub struct Document<S> {
    /// The resource whose state it is.
    pub identity: Arc<Identity>,
    /// What it says.
    pub spec: Arc<S>,
    origin: Arc<Origin>,
}

impl<S> Document<S> {
    /// The place of one of its fields.
    pub(crate) fn place(&self, field: &FieldPath) -> Place {
        self.origin.place(Some(&self.identity.to_string()), field)
    }
}

/// Documents in the order of their names. Looked up by hash: checks do so several times for every
/// route of a mesh.
pub type ByName<S> = IndexMap<String, Document<S>, RandomState>;

/// The documents of one mesh, by name.
#[derive(Clone, Debug, Default)]
pub struct Mesh {
    /// The mesh's own; without one it has App Mesh's defaults.
    pub mesh: Option<Document<MeshSpec>>,
    /// By name.
    pub virtual_nodes: ByName<VirtualNodeSpec>,
    /// By lower-case name.
    pub virtual_services: ByName<VirtualServiceSpec>,
    /// By name.
    pub virtual_routers: ByName<VirtualRouterSpec>,
    /// By the router's name and their own.
    pub routes: BTreeMap<(String, String), Document<RouteSpec>>,
    /// By name.
    pub virtual_gateways: ByName<VirtualGatewaySpec>,
    /// By the gateway's name and their own.
    pub gateway_routes: BTreeMap<(String, String), Document<GatewayRouteSpec>>,
    /// What documents of Ferromesh's own add.
    pub(crate) options: Options,
}

impl Mesh {
    /// The routes of a router, by name.
    pub(crate) fn routes_of<'a>(
        &'a self,
        router: &'a str,
    ) -> impl Iterator<Item = &'a Document<RouteSpec>> {
        self.routes
            .range((router.to_owned(), String::new())..)
            .take_while(move |((of, _), _)| of == router)
            .map(|(_, route)| route)
    }

    /// The routes of a gateway, by name.
    pub(crate) fn gateway_routes_of<'a>(
        &'a self,
        gateway: &'a str,
    ) -> impl Iterator<Item = &'a Document<GatewayRouteSpec>> {
        self.gateway_routes
            .range((gateway.to_owned(), String::new())..)
            .take_while(move |((of, _), _)| of == gateway)
            .map(|(_, route)| route)
    }

    /// The routes of one listener of a router: those that name its port, and those that name none
    /// where it is the only one.
    pub(crate) fn routes_of_listener<'a>(
        &'a self,
        router: &'a Document<VirtualRouterSpec>,
        port: Port,
    ) -> impl Iterator<Item = &'a Document<RouteSpec>> {
        let only = router.spec.ports().count() == 1;
        self.routes_of(&router.identity.name)
            .filter(move |route| match route.spec.kind.port() {
                Some(named) => named == port,
                None => only,
            })
    }
}

/// Every document of a set, by mesh, kind and name, checked against each other.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    meshes: BTreeMap<String, Mesh>,
    /// How many documents of options there are.
    options: usize,
}

impl Documents {
    /// Reads a set without variables and parameters; see [`Parser`].
    pub fn parse(set: &DocumentSet) -> Parsed {
        Parser::new(Inputs::default()).parse(set)
    }

    /// The documents of a mesh.
    pub fn mesh(&self, name: &str) -> Option<&Mesh> {
        self.meshes.get(name)
    }

    /// Every mesh by name.
    pub fn meshes(&self) -> impl Iterator<Item = (&str, &Mesh)> {
        self.meshes.iter().map(|(name, mesh)| (name.as_str(), mesh))
    }

    /// How many documents of each kind there are: `virtual node` → 3.
    pub fn summary(&self) -> BTreeMap<&'static str, usize> {
        let mut summary = BTreeMap::new();
        for mesh in self.meshes.values() {
            for (kind, count) in [
                (Kind::Mesh, usize::from(mesh.mesh.is_some())),
                (Kind::VirtualNode, mesh.virtual_nodes.len()),
                (Kind::VirtualService, mesh.virtual_services.len()),
                (Kind::VirtualRouter, mesh.virtual_routers.len()),
                (Kind::Route, mesh.routes.len()),
                (Kind::VirtualGateway, mesh.virtual_gateways.len()),
                (Kind::GatewayRoute, mesh.gateway_routes.len()),
            ] {
                *summary.entry(kind.label()).or_default() += count;
            }
        }
        summary.insert(options::LABEL, self.options);
        summary.retain(|_, count| *count > 0);
        summary
    }

    /// How many resources there are.
    pub(crate) fn resources(&self) -> usize {
        self.summary().into_values().sum::<usize>() - self.options
    }

    /// The resources that a proxy can be, by mesh and name.
    pub fn proxies(&self) -> Vec<ResourceName> {
        let mut proxies = Vec::new();
        for (mesh, documents) in &self.meshes {
            let nodes = documents
                .virtual_nodes
                .keys()
                .map(|name| (ProxyKind::VirtualNode, name));
            let gateways = documents
                .virtual_gateways
                .keys()
                .map(|name| (ProxyKind::VirtualGateway, name));
            proxies.extend(nodes.chain(gateways).map(|(kind, name)| ResourceName {
                mesh: mesh.clone(),
                mesh_owner: None,
                kind,
                name: name.clone(),
            }));
        }
        proxies
    }
}

/// Resources that have a document, whether it could be read or not, in their order, each once.
type Declared = Vec<Arc<Identity>>;

#[cfg(test)]
mod tests;
