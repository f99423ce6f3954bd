//! The resources of App Mesh in a state or a plan, with their addresses.

use super::{APP_MESH, type_name};
use crate::{
    document::Kind,
    tree::{Member, Members, Node, Value},
};

/// A resource that Terraform has made, or will.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) kind: Kind,
    /// `module.more["a"].aws_appmesh_virtual_node.extra[0]`
    pub(super) address: String,
    /// What stands in it before its type: `module.more["a"]`, or nothing.
    pub(super) module: String,
    /// Its type and name: `aws_appmesh_virtual_node.extra`.
    pub(super) local: String,
    pub(super) line: u32,
    pub(super) attributes: Node,
}

/// What a file holds of App Mesh.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) resources: Vec<Resource>,
    /// Resources of types that App Mesh has not: address, what stands after [`APP_MESH`], line.
    pub(super) unknown: Vec<(String, String, u32)>,
}

/// The resources of `terraform show -json`: of a plan those that it leads to.
pub(super) fn of_values(mut printed: Members) -> Found {
    let mut found = Found::default();
    let values = take(&mut printed, "planned_values").or_else(|| take(&mut printed, "values"));
    let root = values.and_then(|values| taken(values, "root_module"));
    let mut waiting: Vec<Node> = root.into_iter().collect();
    while let Some(module) = waiting.pop() {
        let Value::Map(mut module) = module.value else {
            continue;
        };
        let address = text(module.get("address"));
        for resource in items(take(&mut module, "resources")) {
            found.take_printed(&address, resource);
        }
        waiting.extend(items(take(&mut module, "child_modules")));
    }
    found
}

/// The resources of a state file of version 4.
pub(super) fn of_state(mut state: Members) -> Found {
    let mut found = Found::default();
    for resource in items(take(&mut state, "resources")) {
        let line = resource.line;
        let Value::Map(mut resource) = resource.value else {
            continue;
        };
        let module = text(resource.get("module"));
        let local = local(&resource);
        let Some(of) = app_mesh_type(&resource) else {
            continue;
        };
        for instance in items(take(&mut resource, "instances")) {
            let instance_line = instance.line;
            let Value::Map(mut instance) = instance.value else {
                continue;
            };
            // One that is to be destroyed, and has a successor.
            if instance
                .get("deposed")
                .is_some_and(|key| key.value != Value::Null)
            {
                continue;
            }
            let all = joined(&module, &local);
            let address = match instance.get("index_key") {
                Some(key) => format!("{all}[{key}]"),
                None => all,
            };
            let attributes = take(&mut instance, "attributes");
            let line = if instance_line > 0 {
                instance_line
            } else {
                line
            };
            found.push(&of, address, &module, &local, attributes, line);
        }
    }
    found
}

impl Found {
    fn take_printed(&mut self, module: &str, resource: Node) {
        let line = resource.line;
        let Value::Map(mut resource) = resource.value else {
            return;
        };
        let is_deposed = resource
            .get("deposed_key")
            .is_some_and(|key| key.value != Value::Null);
        let Some(of) = app_mesh_type(&resource).filter(|_| !is_deposed) else {
            return;
        };
        let local = local(&resource);
        let mut address = text(resource.get("address"));
        if address.is_empty() {
            address = joined(module, &local);
        }
        let attributes = take(&mut resource, "values");
        self.push(&of, address, module, &local, attributes, line);
    }

    fn push(
        &mut self,
        of: &str,
        address: String,
        module: &str,
        local: &str,
        attributes: Option<Node>,
        line: u32,
    ) {
        let Some(kind) = Kind::ALL.into_iter().find(|kind| type_name(*kind) == of) else {
            self.unknown.push((address, of.to_owned(), line));
            return;
        };
        self.resources.push(Resource {
            kind,
            address,
            module: module.to_owned(),
            local: local.to_owned(),
            line,
            attributes: attributes.unwrap_or(Node::new(Value::Null, line)),
        });
    }
}

/// The type of a resource of App Mesh that Terraform manages, after [`APP_MESH`]. What it only
/// reads, `data`, is another's to tell.
fn app_mesh_type(resource: &Members) -> Option<String> {
    let mode = resource.get("mode").and_then(Node::as_str);
    let of = resource.get("type")?.as_str()?.strip_prefix(APP_MESH)?;
    (mode != Some("data")).then(|| of.to_owned())
}

fn local(resource: &Members) -> String {
    format!(
        "{}.{}",
        text(resource.get("type")),
        text(resource.get("name"))
    )
}

fn joined(module: &str, local: &str) -> String {
    if module.is_empty() {
        local.to_owned()
    } else {
        format!("{module}.{local}")
    }
}

fn text(node: Option<&Node>) -> String {
    node.and_then(Node::as_str).unwrap_or_default().to_owned()
}

fn take(members: &mut Members, name: &str) -> Option<Node> {
    members.remove(name).map(|Member { node, .. }| node)
}

fn taken(node: Node, name: &str) -> Option<Node> {
    match node.value {
        Value::Map(mut members) => take(&mut members, name),
        _ => None,
    }
}

fn items(node: Option<Node>) -> Vec<Node> {
    match node.map(|node| node.value) {
        Some(Value::List(items)) => items,
        _ => Vec::new(),
    }
}
