//! What Terraform prints and keeps, to documents of App Mesh: `terraform show -json` of a state or
//! of a plan, and state files.
//!
//! The resources `aws_appmesh_*` are read as the AWS provider would send them to App Mesh. What
//! they are made of, HCL, has expressions that only Terraform can evaluate, and is refused.

mod attributes;
mod plan;
mod resource;

use std::sync::Arc;

use smol_str::SmolStr;

use self::{
    attributes::Shaper,
    plan::{Plan, is_unknown},
    resource::{Found, Resource},
};
use super::FileRead;
use crate::{
    document::{
        Kind,
        entry::Entry,
        finding::{Findings, Open, Origin},
    },
    problem::{Rule, path::FieldPath, suggest},
    source::SourceFile,
    text::Fault,
    tree::{Members, Node, Value},
};

/// What a resource of App Mesh is called in Terraform: `aws_appmesh_virtual_node`.
const APP_MESH: &str = "aws_appmesh_";

/// The account whose mesh it is.
const MESH_OWNER: &str = "mesh_owner";

/// The version of state files since Terraform 0.12.
const STATE_VERSION: i64 = 4;

/// How to get values out of source.
const SHOW: &str =
    "run `terraform show -json > mesh.json` where its state is, and give that file alone";
/// How to get the values that a plan has not.
const APPLY: &str =
    "apply the plan, and give what `terraform show -json` prints of the state that comes of it";

/// Whether a tree is what Terraform prints or keeps.
pub(super) fn is_shown(tree: &Node) -> bool {
    is_printed(tree) || is_state(tree)
}

/// `terraform show -json`
fn is_printed(tree: &Node) -> bool {
    let has = |name| tree.get(name).is_some();
    has("format_version") && (has("terraform_version") || has("values") || has("planned_values"))
}

/// A state file. Up to version 3 resources stood in `modules`.
fn is_state(tree: &Node) -> bool {
    let has = |name| tree.get(name).is_some();
    tree.get("version")
        .is_some_and(|version| version.as_i64().is_some())
        && (has("serial") || has("lineage") || has("terraform_version"))
        && (has("resources") || has("modules"))
}

/// Whether a text is Terraform's source in HCL, told by its file's name.
pub(super) fn is_hcl(file_name: &str) -> bool {
    let end = file_name.rsplit('.').next().unwrap_or_default();
    ["tf", "tofu", "hcl", "tfvars"].contains(&end)
}

/// Whether a tree is Terraform's source in JSON, told by its file's name or by its resources.
pub(super) fn is_source(tree: &Node, file_name: &str) -> bool {
    let ends = [".tf.json", ".tofu.json", ".tfvars.json"];
    let resources = tree.get("resource").and_then(Node::as_map);
    ends.iter().any(|end| file_name.ends_with(end))
        || resources.is_some_and(|types| types.iter().any(|of| of.name.starts_with(APP_MESH)))
}

/// Why source is not read.
pub(super) fn source_fault() -> Fault {
    Fault {
        line: 1,
        column: 1,
        message: "the file is Terraform's source (HCL), whose values only Terraform can tell"
            .to_owned(),
        mend: SHOW.to_owned(),
    }
}

/// Reads the resources of a state or a plan.
pub(super) fn read(origin: Origin, file: &mut FileRead) {
    let Origin { source, tree, root } = origin;
    let here = |tree| Origin {
        source: Arc::clone(&source),
        tree,
        root: root.clone(),
    };
    let is_state = is_state(&tree);
    if let Some(version) = tree.get("version").filter(|_| is_state)
        && version.as_i64() != Some(STATE_VERSION)
    {
        let message = format!(
            "{version} is not allowed: a state file that is read has version {STATE_VERSION}, \
             which Terraform writes since 0.12"
        );
        let place = here(tree).place(None, &FieldPath::default().member("version"));
        return file.findings.refuse(place, Rule::Value, message, SHOW);
    }
    let line = tree.line;
    let Value::Map(mut members) = tree.value else {
        return;
    };
    let plan = Plan::take(&mut members);
    let found = if is_state {
        resource::of_state(members)
    } else {
        resource::of_values(members)
    };
    let whole = here(Node::new(Value::Map(Members::default()), line));
    if found.resources.is_empty() && found.unknown.is_empty() {
        let place = whole.place(None, &FieldPath::default());
        let message = format!("nothing of App Mesh is in it: it has no resource `{APP_MESH}…`");
        file.findings.warn(place, Rule::UnknownKind, message);
    }
    Reader {
        source: &source,
        plan: plan.naming(&found.resources),
        findings: &mut file.findings,
    }
    .read(found, &mut file.entries);
}

/// What a resource type is called after [`APP_MESH`].
fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::GatewayRoute => "gateway_route",
        Kind::Mesh => "mesh",
        Kind::Route => "route",
        Kind::VirtualGateway => "virtual_gateway",
        Kind::VirtualNode => "virtual_node",
        Kind::VirtualRouter => "virtual_router",
        Kind::VirtualService => "virtual_service",
    }
}

/// The attributes that name a resource and what it belongs to, with the kinds that they name.
fn names(kind: Kind) -> impl Iterator<Item = (String, Kind)> {
    let owners = [Some(Kind::Mesh).filter(|mesh| *mesh != kind), kind.parent()];
    let owners = owners.into_iter().flatten();
    owners
        .map(|owner| (format!("{}_name", type_name(owner)), owner))
        .chain([("name".to_owned(), kind)])
}

/// Makes documents of resources.
struct Reader<'a> {
    source: &'a Arc<SourceFile>,
    plan: Plan,
    findings: &'a mut Findings,
}

impl Reader<'_> {
    fn read(mut self, found: Found, entries: &mut Vec<Arc<Entry>>) {
        for (address, name, line) in found.unknown {
            let hint = suggest::closest(&name, Kind::ALL.map(type_name))
                .map_or_else(String::new, |meant| {
                    format!("; did you mean `{APP_MESH}{meant}`?")
                });
            let message = format!("left out: App Mesh has no `{APP_MESH}{name}`{hint}");
            let place = self
                .origin(&address, Node::new(Value::Null, line))
                .place(None, &FieldPath::default());
            self.findings.warn(place, Rule::UnknownKind, message);
        }
        for resource in found.resources {
            entries.extend(self.entry(resource).map(Into::into));
        }
    }

    /// An origin whose paths begin with a resource's address, as Terraform's own do.
    fn origin(&self, address: &str, tree: Node) -> Origin {
        Origin {
            source: Arc::clone(self.source),
            tree,
            root: FieldPath::default().member(address),
        }
    }

    fn entry(&mut self, resource: Resource) -> Option<Entry> {
        let Resource {
            kind,
            line,
            attributes,
            ..
        } = resource;
        let address = resource.address.as_str();
        let Value::Map(mut attributes) = attributes.value else {
            let origin = self.origin(address, Node::new(Value::Null, line));
            let message = "the resource has no attributes that can be read";
            let place = origin.place(None, &FieldPath::default());
            self.findings.refuse(place, Rule::Value, message, SHOW);
            return None;
        };
        let mut shaper = Shaper::new(kind);
        let unknown = self.plan.unknown(address);
        let mut missing = Vec::new();
        let mut members = Members::default();
        for (attribute, named) in names(kind) {
            let given = attributes.remove(&attribute).map(|member| member.node);
            let known = given.filter(|node| node.value != Value::Null).or_else(|| {
                let mesh = self.plan.mesh_of(&resource.module, address);
                let mesh = mesh.filter(|_| named == Kind::Mesh);
                mesh.map(|name| Node::text(name, line))
            });
            let is_open = unknown.is_some_and(|unknown| is_unknown(unknown.get(&attribute)));
            let node = match known {
                Some(node) => node,
                None if is_open => shaper.open(&attribute, named.name_member(), line),
                None => {
                    missing.push(attribute);
                    continue;
                }
            };
            let written = FieldPath::default().member(&attribute);
            members.push(named.name_member(), Some(written), node);
        }
        let owner = attributes.remove(MESH_OWNER).map(|member| member.node);
        let owner = owner.filter(|owner| owner.as_str().is_some_and(|owner| !owner.is_empty()));
        if let Some(owner) = owner {
            let written = FieldPath::default().member(MESH_OWNER);
            members.push("meshOwner", Some(written), owner);
        }
        let spec = attributes.remove("spec").map(|member| member.node);
        let unknown_spec = unknown.and_then(|unknown| unknown.get("spec"));
        let (written, spec) = shaper.spec(spec, unknown_spec, line);
        members.push("spec", Some(written), spec);
        let origin = self.origin(address, Node::new(Value::Map(members), line));
        self.note(kind, &origin, shaper, &missing);
        let is_named = missing.is_empty();
        is_named
            .then(|| Entry::read(kind, origin, &[], self.findings))
            .flatten()
    }

    /// Passes on what a resource does not tell.
    fn note(&mut self, kind: Kind, origin: &Origin, shaper: Shaper, missing: &[String]) {
        let name = origin.tree.get(kind.name_member()).and_then(Node::as_str);
        let label = format!("{} {}", kind.label(), name.unwrap_or_default());
        let label = Some(label.trim_end());
        for (path, written) in shaper.into_open() {
            self.findings.open.push(Open {
                place: origin.place(label, &path),
                expression: origin.root.clone().join(&written).to_string(),
                mend: APPLY.to_owned(),
            });
        }
        for attribute in missing {
            let place = origin.place(label, &FieldPath::default());
            let message = format!("`{attribute}` has no value, and the AWS provider requires one");
            self.findings.refuse(place, Rule::Value, message, APPLY);
        }
    }
}

/// An expression in place of a value that Terraform does not know yet.
fn placeholder(written: &FieldPath) -> SmolStr {
    format!("${{{written}}}").into()
}

#[cfg(test)]
mod tests;
