//! The operator's file of instances: where nodes and services of AWS Cloud Map are, for hosts without AWS.
//!
//! ```yaml
//! virtualNodes:
//!   - name: serviceB
//!     instances:
//!       - { ipv4: 192.0.2.12, port: 8080, zone: eu-west-1a }
//! services:
//!   - namespace: apps.local
//!     name: payments
//!     instances:
//!       - ipv4: 192.0.2.13
//!         ipv6: 2001:db8::13
//!         attributes: { stage: prod }
//! ```

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, Ipv6Addr},
};

use mesh_model::{
    instance::{Instance, Instances},
    spec::Port,
};

use crate::{
    document::finding::{Findings, Origin},
    own::{self, Mends},
    problem::{Problem, Rule, path::FieldPath},
    read::{Read, cursor::At},
    tree::Node,
};

/// Reads a text: YAML, or JSON where the file's name ends so.
///
/// # Errors
/// Every fault of it, with place and mend.
pub fn parse(name: &str, text: &str) -> Result<Instances, Vec<Problem>> {
    let mends = Mends {
        several: "list all nodes and services in one document",
        empty: "write `virtualNodes: []` where there are none",
    };
    let whole = own::read(name, text, &mends, Whole::read, refuse_doubles)?;
    let of_node = |node: Named| (node.name, node.instances);
    let of_service = |service: Service| {
        let Named { name, instances } = service.named;
        ((service.namespace, name), instances)
    };
    Ok(Instances {
        nodes: whole.nodes.into_iter().map(of_node).collect(),
        services: whole.services.into_iter().map(of_service).collect(),
    })
}

struct Whole {
    nodes: Vec<Named>,
    services: Vec<Service>,
}

struct Named {
    name: String,
    instances: Vec<Instance>,
}

struct Service {
    namespace: String,
    named: Named,
}

fn refuse_doubles(whole: &Whole, origin: &Origin, findings: &mut Findings) {
    let mut refuse = |list: &str, before: usize, index: usize| {
        let path = FieldPath::default().member(list).item(index);
        findings.refuse(
            origin.place(None, &path.member("name")),
            Rule::Duplicate,
            format!("{list}[{before}] is the same"),
            "list all instances in one place",
        );
    };
    let mut first = BTreeMap::new();
    for (index, node) in whole.nodes.iter().enumerate() {
        if let Some(before) = first.insert(&node.name, index) {
            refuse("virtualNodes", before, index);
        }
    }
    let mut first = BTreeMap::new();
    for (index, service) in whole.services.iter().enumerate() {
        if let Some(before) = first.insert((&service.namespace, &service.named.name), index) {
            refuse("services", before, index);
        }
    }
}

impl Read for Whole {
    fn read(at: &At<'_>) -> Option<Self> {
        let object = at.object(&["virtualNodes", "services"])?;
        let nodes: Option<Option<List<Named>>> = object.optional("virtualNodes");
        let services: Option<Option<List<Service>>> = object.optional("services");
        Some(Self {
            nodes: nodes?.map_or_else(Vec::new, |List(nodes)| nodes),
            services: services?.map_or_else(Vec::new, |List(services)| services),
        })
    }
}

struct List<T>(Vec<T>);

impl<T: Read> Read for List<T> {
    fn read(at: &At<'_>) -> Option<Self> {
        at.items().map(Self)
    }
}

impl Read for Named {
    fn read(at: &At<'_>) -> Option<Self> {
        let object = at.object(&["name", "instances"])?;
        let name = object.required("name");
        let instances: Option<List<Instance>> = object.required("instances");
        Some(Self {
            name: name?,
            instances: instances?.0,
        })
    }
}

impl Read for Service {
    fn read(at: &At<'_>) -> Option<Self> {
        let object = at.object(&["namespace", "name", "instances"])?;
        let namespace = object.required("namespace");
        let name = object.required("name");
        let instances: Option<List<Instance>> = object.required("instances");
        Some(Self {
            namespace: namespace?,
            named: Named {
                name: name?,
                instances: instances?.0,
            },
        })
    }
}

impl Read for Instance {
    fn read(at: &At<'_>) -> Option<Self> {
        let object = at.object(&["ipv4", "ipv6", "port", "zone", "attributes"])?;
        let ipv4: Option<Option<Ipv4Addr>> = object.optional("ipv4");
        let ipv6: Option<Option<Ipv6Addr>> = object.optional("ipv6");
        let port: Option<Option<Port>> = object.optional("port");
        let zone = object.optional("zone");
        let attributes: Option<Option<Attributes>> = object.optional("attributes");
        if !object.has("ipv4") && !object.has("ipv6") {
            at.problem(
                Rule::Value,
                "an instance has an address, and this one has none",
                "add `ipv4`, `ipv6` or both",
            );
            return None;
        }
        Some(Self {
            ipv4: ipv4?,
            ipv6: ipv6?,
            port: port?.map(u16::from),
            zone: zone?,
            attributes: attributes?.map_or_else(BTreeMap::new, |Attributes(read)| read),
        })
    }
}

impl Read for Ipv4Addr {
    fn read(at: &At<'_>) -> Option<Self> {
        let address = at.as_str().and_then(|text| text.parse().ok());
        if address.is_none() {
            at.refuse("an IPv4 address", "write it as 192.0.2.1");
        }
        address
    }
}

impl Read for Ipv6Addr {
    fn read(at: &At<'_>) -> Option<Self> {
        let address = at.as_str().and_then(|text| text.parse().ok());
        if address.is_none() {
            at.refuse("an IPv6 address", "write it as \"2001:db8::1\"");
        }
        address
    }
}

struct Attributes(BTreeMap<String, String>);

impl Read for Attributes {
    fn read(at: &At<'_>) -> Option<Self> {
        let Some(members) = at.members() else {
            at.refuse("an object", "write it in braces: { KEY: VALUE }");
            return None;
        };
        let mut attributes = Some(BTreeMap::new());
        for member in members {
            let text = Node::as_str(&member.node);
            match (text, &mut attributes) {
                (Some(text), Some(read)) => {
                    read.insert(member.name.to_string(), text.to_owned());
                }
                (Some(_), None) => {}
                (None, _) => {
                    at.with_member(&member.name, |at| {
                        at.refuse("a string", "write it in quotation marks");
                    });
                    attributes = None;
                }
            }
        }
        attributes.map(Self)
    }
}

#[cfg(test)]
mod tests;
