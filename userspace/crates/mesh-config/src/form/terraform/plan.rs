//! What a plan says beside the values that it leads to: which of them are not known yet, and what
//! they refer to.

use std::collections::{HashMap, HashSet};

use super::{APP_MESH, resource::Resource};
use crate::{
    document::Kind,
    tree::{Members, Node, Value},
};

/// The rest of a plan; of a state it is empty.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// `after_unknown` of each change, by address.
    unknown: HashMap<String, Node>,
    /// The mesh whose `id` is a resource's `mesh_name`: both without the keys of their instances.
    references: HashMap<String, String>,
    /// The names of the meshes, by module and local address; None where there are several.
    meshes: HashMap<(String, String), Option<String>>,
}

impl Plan {
    /// Takes out of the output of `terraform show -json` what it has of a plan.
    pub(super) fn take(printed: &mut Members) -> Self {
        let mut plan = Self::default();
        let changes = printed.remove("resource_changes");
        if let Some(Value::List(changes)) = changes.map(|member| member.node.value) {
            plan.unknown = changes.into_iter().filter_map(unknown_of).collect();
        }
        let configuration = printed.remove("configuration");
        let root = configuration
            .as_ref()
            .and_then(|member| member.node.get("root_module"));
        let mut waiting: Vec<(String, &Node)> =
            root.map(|root| (String::new(), root)).into_iter().collect();
        while let Some((prefix, module)) = waiting.pop() {
            plan.refer(&prefix, module);
            let calls = module.get("module_calls").and_then(Node::as_map);
            waiting.extend(calls.into_iter().flatten().filter_map(|call| {
                let prefix = format!("{prefix}module.{}.", call.name);
                Some((prefix, call.node.get("module")?))
            }));
        }
        plan
    }

    /// Notes what the resources of a module's configuration refer to.
    fn refer(&mut self, prefix: &str, module: &Node) {
        let resources = module.get("resources").and_then(Node::as_list);
        for resource in resources.into_iter().flatten() {
            let mesh = mesh_by_id(resource);
            let address = resource.get("address").and_then(Node::as_str);
            if let (Some(mesh), Some(address)) = (mesh, address) {
                self.references.insert(format!("{prefix}{address}"), mesh);
            }
        }
    }

    /// Learns what the meshes are called.
    pub(super) fn naming(mut self, resources: &[Resource]) -> Self {
        for mesh in resources
            .iter()
            .filter(|resource| resource.kind == Kind::Mesh)
        {
            let name = mesh.attributes.get("name").and_then(Node::as_str);
            let key = (mesh.module.clone(), mesh.local.clone());
            let name = name.map(str::to_owned);
            self.meshes
                .entry(key)
                .and_modify(|known| {
                    if *known != name {
                        *known = None;
                    }
                })
                .or_insert(name);
        }
        self
    }

    /// What of a resource is not known yet: `true` in place of each such value.
    pub(super) fn unknown(&self, address: &str) -> Option<&Node> {
        self.unknown.get(address)
    }

    /// The name of the mesh to whose `id` a resource's `mesh_name` refers. A mesh's id is its
    /// name, but Terraform does not know that before the mesh is made.
    pub(super) fn mesh_of(&self, module: &str, address: &str) -> Option<&str> {
        let mesh = self.references.get(&without_keys(address))?;
        let key = (module.to_owned(), mesh.clone());
        self.meshes.get(&key)?.as_deref()
    }
}

/// Whether all or a part of a value is not known yet.
pub(super) fn is_unknown(after: Option<&Node>) -> bool {
    after.is_some_and(|after| match &after.value {
        Value::Bool(unknown) => *unknown,
        Value::List(items) => items.iter().any(|item| is_unknown(Some(item))),
        Value::Map(members) => members.iter().any(|member| is_unknown(Some(&member.node))),
        _ => false,
    })
}

fn unknown_of(change: Node) -> Option<(String, Node)> {
    let Value::Map(mut members) = change.value else {
        return None;
    };
    let address = members.get("address")?.as_str()?.to_owned();
    let of = members.get("type")?.as_str()?;
    if !of.starts_with(APP_MESH) {
        return None;
    }
    let change = members.remove("change")?.node;
    let Value::Map(mut change) = change.value else {
        return None;
    };
    Some((address, change.remove("after_unknown")?.node))
}

/// The mesh that a resource's configuration refers to by `id`, without the key of its instance.
fn mesh_by_id(resource: &Node) -> Option<String> {
    let references = resource
        .get("expressions")?
        .get("mesh_name")?
        .get("references")?;
    let texts = references.as_list()?.iter().filter_map(Node::as_str);
    let meshes: HashSet<String> = texts
        .filter_map(|reference| reference.strip_suffix(".id"))
        .filter(|reference| reference.starts_with(APP_MESH))
        .map(without_keys)
        .collect();
    let mut meshes = meshes.into_iter();
    meshes.next().filter(|_| meshes.next().is_none())
}

/// An address without the keys of instances: `module.more["a"].x.y[0]` is `module.more.x.y`.
fn without_keys(address: &str) -> String {
    let mut plain = String::with_capacity(address.len());
    let mut rest = address.chars();
    while let Some(character) = rest.next() {
        if character != '[' {
            plain.push(character);
            continue;
        }
        let mut quoted = false;
        while let Some(character) = rest.next() {
            match character {
                '\\' => drop(rest.next()),
                '"' => quoted = !quoted,
                ']' if !quoted => break,
                _ => {}
            }
        }
    }
    plain
}
