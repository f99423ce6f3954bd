//! Documents and a resource name to the snapshot of one workload. Pure: the same documents give
//! the same snapshot, in whatever order their files were read.
//!
//! `egress` is what the workload may call, `ingress` what it answers, `cluster` where either
//! leads, `gateway` what differs at the edge of the mesh. Names and defaults are those that App
//! Mesh gave Envoy. The snapshot is all that App Mesh configured; what this proxy does not do of it
//! is said beside it, by `remarks`.

mod access_log;
mod client;
mod cluster;
mod egress;
mod gateway;
mod ingress;
pub(crate) mod matches;
mod remarks;
mod retry;
mod route;
mod settings;
mod timeout;
mod tls;

use client::Client;
use cluster::Clusters;
use mesh_model::{
    resource::{ProxyKind, ResourceName},
    snapshot::{EgressFilter, Snapshot},
    spec::virtual_node::VirtualNodeSpec,
};
use remarks::Remarks;
use settings::Settings;

use crate::{
    Environment,
    document::{Document, Documents, Kind, Mesh},
    problem::{Finding, Place, Problem, Rule, path::FieldPath, suggest},
    redirect,
};

/// What one workload runs, and what of it this proxy does not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Its generation is 0: the caller gives it the one that it comes into force with.
    pub snapshot: Snapshot,
    /// What the documents ask for and do not get, or get differently. In the order of their places.
    pub findings: Vec<Finding>,
    /// What this proxy would misroute, or make less secure than the documents ask for. With any of
    /// these the snapshot may be looked at and must not be run. In the order of their places.
    pub refusals: Vec<Problem>,
}

/// Resolves one resource.
///
/// `FERROMESH_DEFAULT_RETRY_POLICY` and `FERROMESH_DEFAULT_CIRCUIT_BREAKER` of the environment say
/// which defaults App Mesh filled in, by the age of the account; `FERROMESH_RESPECT_DNS_TTL`, when DNS
/// is asked again, `FERROMESH_INSTANCES` a file that names where nodes and services are, and
/// `FERROMESH_ZONE` the availability zone that the workload is in.
///
/// # Errors
/// The resource is not in the documents, or one of those variables has no value of its own.
pub fn resolve(
    documents: &Documents,
    resource: &ResourceName,
    environment: &Environment,
) -> Result<Resolved, Vec<Problem>> {
    let (mesh, client) = find(documents, resource)?;
    let mut resolver = Resolver {
        documents,
        mesh_name: &resource.mesh,
        mesh,
        client,
        settings: Settings::read(environment)?,
        clusters: Clusters::default(),
        remarks: Remarks::default(),
    };
    let snapshot = match client {
        Client::Gateway(gateway) => resolver.gateway_snapshot(resource, gateway),
        Client::Node(node) => resolver.node_snapshot(resource, node),
    };
    for message in redirect::surprises(environment, snapshot.ingress.keys().copied()) {
        let place = client.place(&FieldPath::spec().member("listeners"));
        resolver.remarks.note(place, message);
    }
    Ok(Resolved {
        snapshot,
        findings: resolver.remarks.findings.into_iter().collect(),
        refusals: resolver.remarks.refusals.into_iter().collect(),
    })
}

fn find<'a>(
    documents: &'a Documents,
    resource: &ResourceName,
) -> Result<(&'a Mesh, Client<'a>), Vec<Problem>> {
    let missing = |message: String, names: Option<String>| {
        vec![Problem {
            place: Place {
                document: Some(resource.to_string()),
                ..Place::default()
            },
            rule: Rule::Reference,
            value: None,
            message,
            mend: names.map_or_else(
                || "add its documents".to_owned(),
                |names| format!("name {names}, or add its documents"),
            ),
        }]
    };
    let mesh = documents.mesh(&resource.mesh).ok_or_else(|| {
        let names = documents.meshes().map(|(name, _)| name);
        missing(
            format!("no mesh `{}` in the documents", resource.mesh),
            suggest::listed(&resource.mesh, names),
        )
    })?;
    let client = match resource.kind {
        ProxyKind::VirtualGateway => mesh
            .virtual_gateways
            .get(&resource.name)
            .map(Client::Gateway),
        ProxyKind::VirtualNode => mesh.virtual_nodes.get(&resource.name).map(Client::Node),
    };
    let client = client.ok_or_else(|| {
        let (kind, names): (Kind, Vec<&str>) = match resource.kind {
            ProxyKind::VirtualGateway => {
                let names = mesh.virtual_gateways.keys().map(String::as_str);
                (Kind::VirtualGateway, names.collect())
            }
            ProxyKind::VirtualNode => {
                let names = mesh.virtual_nodes.keys().map(String::as_str);
                (Kind::VirtualNode, names.collect())
            }
        };
        missing(
            format!(
                "no {} `{}` in mesh `{}`",
                kind.label(),
                resource.name,
                resource.mesh
            ),
            suggest::listed(&resource.name, names),
        )
    })?;
    Ok((mesh, client))
}

/// What is needed on the way, and what has been found on it.
struct Resolver<'a> {
    documents: &'a Documents,
    mesh_name: &'a str,
    mesh: &'a Mesh,
    client: Client<'a>,
    settings: Settings,
    clusters: Clusters,
    remarks: Remarks,
}

impl<'a> Resolver<'a> {
    fn node_snapshot(
        &mut self,
        resource: &ResourceName,
        node: &'a Document<VirtualNodeSpec>,
    ) -> Snapshot {
        let egress = self.node_egress(node);
        let ingress = self.node_ingress(node);
        let egress_filter = self.egress_filter();
        if egress_filter == EgressFilter::AllowAll {
            let allow_all = cluster::allow_all(self.mesh_name);
            self.add_cluster(allow_all);
        }
        let aws_endpoints = self.add_cluster(cluster::aws_endpoints(self.mesh_name));
        Snapshot {
            generation: 0,
            resource: resource.clone(),
            egress_filter,
            egress_listener: self.egress_listener(),
            aws_endpoints: Some(aws_endpoints),
            egress,
            ingress,
            access_log: self.access_log(node.spec.logging.as_ref()),
            clusters: std::mem::take(&mut self.clusters).into_vec(),
        }
    }

    fn egress_listener(&self) -> String {
        format!("lds_egress_0.0.0.0_{}", self.settings.egress_port)
    }

    fn egress_filter(&self) -> EgressFilter {
        let document = self.mesh.mesh.as_ref();
        document
            .and_then(|mesh| mesh.spec.egress_filter)
            .map_or_else(EgressFilter::default, |egress| egress.filter)
    }
}

#[cfg(test)]
mod tests;
