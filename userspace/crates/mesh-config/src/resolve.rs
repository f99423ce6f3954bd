//! Documents and a resource name to the snapshot of one workload. Pure: the same documents give
//! the same snapshot, in whatever order their files were read.
//!
//! `egress` is what the workload may call, `ingress` what it answers, `cluster` where either
//! leads. Names and defaults are those that App Mesh gave Envoy.

mod cluster;
mod egress;
mod ingress;
mod route;
mod timeout;

use std::collections::BTreeSet;

use cluster::Clusters;
use mesh_model::{
    resource::{ProxyKind, ResourceName},
    snapshot::{EgressFilter, Snapshot},
    spec::virtual_node::VirtualNodeSpec,
};

use crate::{
    Environment,
    document::{Document, Documents, Mesh},
    problem::{Distance, Finding, Place, Problem, Rule, path::FieldPath, suggest},
    redirect,
};

/// What one workload runs, and what of its documents it does not get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Its generation is 0: the caller gives it the one that it comes into force with.
    pub snapshot: Snapshot,
    /// What the documents ask for and do not get, or get differently. In the order of their places.
    pub findings: Vec<Finding>,
}

/// Resolves one resource.
///
/// # Errors
/// The resource is not in the documents, or they ask for something that cannot be left out
/// without misrouting or weakening security; each problem names document and field.
pub fn resolve(
    documents: &Documents,
    resource: &ResourceName,
    environment: &Environment,
) -> Result<Resolved, Vec<Problem>> {
    let (mesh, node) = find(documents, resource)?;
    let mut resolver = Resolver {
        documents,
        mesh_name: &resource.mesh,
        mesh,
        node,
        clusters: Clusters::default(),
        remarks: Remarks::default(),
    };
    let egress_filter = resolver.egress_filter();
    let egress = resolver.egress();
    let ingress = resolver.ingress();
    resolver.logging();
    if egress_filter == EgressFilter::AllowAll {
        resolver.clusters.allow_all(&resource.mesh);
    }
    for message in redirect::surprises(environment, ingress.keys().copied()) {
        resolver
            .remarks
            .note(node, &FieldPath::spec().member("listeners"), message);
    }
    let Remarks { problems, findings } = resolver.remarks;
    if !problems.is_empty() {
        return Err(problems.into_iter().collect());
    }
    Ok(Resolved {
        snapshot: Snapshot {
            generation: 0,
            resource: resource.clone(),
            egress_filter,
            egress,
            ingress,
            clusters: resolver.clusters.into_vec(),
            access_log: None,
        },
        findings: findings.into_iter().collect(),
    })
}

fn find<'a>(
    documents: &'a Documents,
    resource: &ResourceName,
) -> Result<(&'a Mesh, &'a Document<VirtualNodeSpec>), Vec<Problem>> {
    let place = || Place {
        document: Some(resource.to_string()),
        ..Place::default()
    };
    if resource.kind == ProxyKind::VirtualGateway {
        return Err(vec![Problem {
            place: place(),
            rule: Rule::NotYet,
            value: None,
            message: "virtual gateways are not run yet".to_owned(),
            mend: "name a virtual node".to_owned(),
        }]);
    }
    let missing = |message: String, names: Option<String>| {
        vec![Problem {
            place: place(),
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
    let node = mesh.virtual_nodes.get(&resource.name).ok_or_else(|| {
        let names = mesh.virtual_nodes.keys().map(String::as_str);
        missing(
            format!(
                "no virtual node `{}` in mesh `{}`",
                resource.name, resource.mesh
            ),
            suggest::listed(&resource.name, names),
        )
    })?;
    Ok((mesh, node))
}

/// What is needed on the way, and what has been found on it.
struct Resolver<'a> {
    documents: &'a Documents,
    mesh_name: &'a str,
    mesh: &'a Mesh,
    node: &'a Document<VirtualNodeSpec>,
    clusters: Clusters,
    remarks: Remarks,
}

impl Resolver<'_> {
    fn egress_filter(&mut self) -> EgressFilter {
        let document = self.mesh.mesh.as_ref();
        let filter = document
            .and_then(|mesh| mesh.spec.egress_filter)
            .map_or_else(EgressFilter::default, |egress| egress.filter);
        if let (EgressFilter::DropAll, Some(document)) = (filter, document) {
            self.remarks.differs(
                document,
                &FieldPath::spec().member("egressFilter"),
                "under DROP_ALL App Mesh still let TLS to `*.amazonaws.com` on port 443 through; \
                 here it is dropped too, unless its addresses are ignored"
                    .to_owned(),
            );
        }
        filter
    }

    fn logging(&mut self) {
        let log = self
            .node
            .spec
            .logging
            .as_ref()
            .and_then(|logging| logging.access_log.as_ref());
        if log.is_some() {
            let at = FieldPath::spec().members(&["logging", "accessLog"]);
            self.remarks
                .not_yet(self.node, &at, "no access log is written".to_owned());
        }
    }
}

/// What was found on the way. Sets, for several routes lead to one node.
#[derive(Default)]
struct Remarks {
    problems: BTreeSet<Problem>,
    findings: BTreeSet<Finding>,
}

impl Remarks {
    /// What the document asks for cannot be left out without harm: the resource is not run.
    fn refuse<S>(&mut self, document: &Document<S>, at: &FieldPath, message: String, mend: &str) {
        self.problems.insert(Problem {
            place: document.place(at),
            rule: Rule::NotYet,
            value: None,
            message,
            mend: mend.to_owned(),
        });
    }

    /// What the document asks for is left out.
    fn not_yet<S>(&mut self, document: &Document<S>, at: &FieldPath, message: String) {
        self.find(document, at, Distance::NotYet, message);
    }

    /// What the document asks for is done otherwise.
    fn differs<S>(&mut self, document: &Document<S>, at: &FieldPath, message: String) {
        self.find(document, at, Distance::Differs, message);
    }

    /// What the document asks for is done, and may surprise.
    fn note<S>(&mut self, document: &Document<S>, at: &FieldPath, message: String) {
        self.find(document, at, Distance::Note, message);
    }

    fn find<S>(
        &mut self,
        document: &Document<S>,
        at: &FieldPath,
        distance: Distance,
        message: String,
    ) {
        self.findings.insert(Finding {
            place: document.place(at),
            distance,
            message,
        });
    }
}

#[cfg(test)]
mod tests;
