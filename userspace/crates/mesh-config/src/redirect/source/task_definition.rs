//! The `proxyConfiguration` of an ECS task definition: as `register-task-definition` takes it, as
//! `describe-task-definition` prints it, and in a template (guide, "Proxy configuration").

use super::{
    super::variables::{
        APP_PORTS, EGRESS_PORT, IGNORED_GID, IGNORED_IPS, IGNORED_PORTS, IGNORED_UID, INGRESS_PORT,
    },
    Gathered, RedirectSource,
};
use crate::{
    document::finding::{Findings, Origin},
    form::Inputs,
    problem::{Rule, path::FieldPath, suggest},
    tree::{Node, Value},
};

/// What each property is called as the route manager's variable.
const PROPERTIES: [(&str, &str); 7] = [
    ("AppPorts", APP_PORTS),
    ("EgressIgnoredIPs", IGNORED_IPS),
    ("EgressIgnoredPorts", IGNORED_PORTS),
    ("IgnoredGID", IGNORED_GID),
    ("IgnoredUID", IGNORED_UID),
    ("ProxyEgressPort", EGRESS_PORT),
    ("ProxyIngressPort", INGRESS_PORT),
];

/// The only sort of proxy that ECS has.
const APPMESH: &str = "APPMESH";

const RESOURCE_TYPE: &str = "AWS::ECS::TaskDefinition";

/// How a form of task definition calls its members.
struct Spelling {
    family: &'static str,
    configuration: &'static str,
    of: &'static str,
    properties: &'static str,
    name: &'static str,
    value: &'static str,
}

const API: Spelling = Spelling {
    family: "family",
    configuration: "proxyConfiguration",
    of: "type",
    properties: "properties",
    name: "name",
    value: "value",
};

const TEMPLATE: Spelling = Spelling {
    family: "Family",
    configuration: "ProxyConfiguration",
    of: "Type",
    properties: "ProxyConfigurationProperties",
    name: "Name",
    value: "Value",
};

/// Whether a tree is a task definition, or what the AWS CLI prints of one.
pub(crate) fn is_task_definition(tree: &Node) -> bool {
    let tree = tree.get("taskDefinition").unwrap_or(tree);
    tree.get("containerDefinitions").is_some()
}

/// What a task definition says; nothing where it has no proxy.
pub(crate) fn read(
    origin: &Origin,
    inputs: &Inputs,
    findings: &mut Findings,
) -> Option<RedirectSource> {
    const WRAPPER: &str = "taskDefinition";
    let (tree, at) = match origin.tree.get(WRAPPER) {
        Some(inner) => (inner, FieldPath::default().member(WRAPPER)),
        None => (&origin.tree, FieldPath::default()),
    };
    let family = tree.get(API.family).and_then(Node::as_str);
    let label = format!("task definition {}", family.unwrap_or_default());
    Reader {
        origin,
        spelling: &API,
        label: label.trim_end(),
        inputs,
        findings,
    }
    .read(tree, &at)
}

/// What the task definitions of a template say, as far as their values are plain. One with
/// expressions is for CloudFormation to evaluate, and says nothing here.
pub(crate) fn read_template(origin: &Origin, findings: &mut Findings) -> Vec<RedirectSource> {
    let inputs = &Inputs::default();
    let resources = origin.tree.get("Resources").and_then(Node::as_map);
    let definitions = resources.into_iter().flatten().filter_map(|member| {
        let of = member.node.get("Type")?.as_str()?;
        (of == RESOURCE_TYPE).then_some(())?;
        let properties = member.node.get("Properties")?;
        let configuration = properties.get(TEMPLATE.configuration)?;
        is_plain(configuration).then_some((member.name.as_str(), properties))
    });
    definitions
        .filter_map(|(logical, properties)| {
            let at = FieldPath::default().members(&["Resources", logical, "Properties"]);
            Reader {
                origin,
                spelling: &TEMPLATE,
                label: &format!("task definition {logical}"),
                inputs,
                findings,
            }
            .read(properties, &at)
        })
        .collect()
}

/// Whether nothing in a configuration is an expression: all of it is lists of names and values.
fn is_plain(configuration: &Node) -> bool {
    let is_scalar = |node: &Node| !matches!(node.value, Value::Map(_) | Value::List(_));
    configuration.as_map().is_some_and(|members| {
        members.iter().all(|member| match &member.node.value {
            Value::List(pairs) => pairs.iter().all(|pair| {
                let members = pair.as_map();
                members.is_some_and(|members| members.iter().all(|member| is_scalar(&member.node)))
            }),
            _ => is_scalar(&member.node),
        })
    })
}

struct Reader<'a> {
    origin: &'a Origin,
    spelling: &'a Spelling,
    label: &'a str,
    inputs: &'a Inputs,
    findings: &'a mut Findings,
}

impl Reader<'_> {
    fn read(mut self, definition: &Node, at: &FieldPath) -> Option<RedirectSource> {
        let Spelling {
            configuration,
            of,
            properties,
            ..
        } = *self.spelling;
        let at = at.clone().member(configuration);
        let configuration = definition
            .get(configuration)
            .filter(|node| node.value != Value::Null)?;
        let given = configuration
            .get(of)
            .filter(|of| of.as_str() != Some(APPMESH));
        if let Some(given) = given {
            let message = format!("{given} is not allowed: `{of}` is \"{APPMESH}\"");
            self.refuse(
                &at.clone().member(of),
                message,
                &format!("write \"{APPMESH}\""),
            );
            return None;
        }
        let at = at.member(properties);
        let mut gathered = Gathered::default();
        match configuration.get(properties).map(|node| &node.value) {
            None | Some(Value::Null) => {}
            Some(Value::List(pairs)) => {
                for (index, pair) in pairs.iter().enumerate() {
                    self.property(pair, &at.clone().item(index), &mut gathered);
                }
            }
            Some(_) => {
                let message = format!("`{properties}` is a list");
                self.refuse(&at, message, "write it in brackets: [ … ]");
                return None;
            }
        }
        let place = self.origin.place(Some(self.label), &at);
        gathered.into_source(place, self.findings)
    }

    fn property(&mut self, pair: &Node, at: &FieldPath, gathered: &mut Gathered) {
        let Spelling { name, value, .. } = *self.spelling;
        let Some(given) = pair.get(name).and_then(Node::as_str) else {
            let message = format!("a property has no `{name}`");
            let mend = format!("write it as {{ \"{name}\": …, \"{value}\": … }}");
            return self.refuse(at, message, &mend);
        };
        let known = PROPERTIES.iter().find(|(property, _)| *property == given);
        let Some((_, variable)) = known else {
            let hint = suggest::closest(given, PROPERTIES.map(|(property, _)| property))
                .map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            let message = format!("App Mesh knows no property `{given}`, it has no effect{hint}");
            let place = self
                .origin
                .place(Some(self.label), &at.clone().member(name));
            return self.findings.warn(place, Rule::UnknownField, message);
        };
        let at = at.clone().member(value);
        let text = match pair.get(value).map(|node| &node.value) {
            None | Some(Value::Null) => return,
            Some(Value::Text(text) | Value::Loose(text)) => text.to_string(),
            Some(Value::Int(number)) => number.to_string(),
            Some(_) => {
                let message = format!("the `{value}` of `{given}` is a string");
                return self.refuse(&at, message, "write it in quotation marks");
            }
        };
        let place = self.origin.place(Some(self.label), &at);
        gathered.fill(variable, &text, place, self.inputs, self.findings);
    }

    fn refuse(&mut self, at: &FieldPath, message: String, mend: &str) {
        let place = self.origin.place(Some(self.label), at);
        self.findings.refuse(place, Rule::Value, message, mend);
    }
}
