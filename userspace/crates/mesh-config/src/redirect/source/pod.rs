//! A pod of Kubernetes: the environment of the init container that the App Mesh controller adds, or
//! the annotations that the controller would make it of.

use super::{
    super::variables::{
        APP_PORTS, EGRESS_PORT, ENABLE_IPV6, IGNORED_GID, IGNORED_IPS, IGNORED_PORTS, IGNORED_UID,
        INGRESS_PORT, NAMES,
    },
    Gathered, RedirectSource,
};
use crate::{
    document::finding::{Findings, Origin},
    form::Inputs,
    problem::{Place, Rule, path::FieldPath},
    tree::{Node, Value},
};

/// The container that the controller adds.
const PROXYINIT: &str = "proxyinit";

/// Objects that have pods, and what leads to them.
const PODS: [(&str, &[&str]); 9] = [
    ("CronJob", &["spec", "jobTemplate", "spec", "template"]),
    ("DaemonSet", &["spec", "template"]),
    ("Deployment", &["spec", "template"]),
    ("Job", &["spec", "template"]),
    ("Pod", &[]),
    ("PodTemplate", &["template"]),
    ("ReplicaSet", &["spec", "template"]),
    ("ReplicationController", &["spec", "template"]),
    ("StatefulSet", &["spec", "template"]),
];

/// The group of the controller's annotations.
const GROUP: &str = "appmesh.k8s.aws/";

/// The controller's annotations, after their group, and the variables that it makes of them.
const ANNOTATIONS: [(&str, &str); 7] = [
    ("egressIgnoredIPs", IGNORED_IPS),
    ("egressIgnoredPorts", IGNORED_PORTS),
    ("ignoredGID", IGNORED_GID),
    ("ignoredUID", IGNORED_UID),
    ("ports", APP_PORTS),
    ("proxyEgressPort", EGRESS_PORT),
    ("proxyIngressPort", INGRESS_PORT),
];

/// Annotation by which the controller leaves IPv6 alone; only the word `disabled` counts.
const IPV6: &str = "ipv6";

/// What the controller sets where no annotation speaks (its flag `--ignored-ips`). The user that it
/// lets past is its Envoy's, which is not there, and so is not taken over.
const CONTROLLER: [(&str, &str); 2] = [(ENABLE_IPV6, "1"), (IGNORED_IPS, "169.254.169.254")];

/// What the pods of an object say.
pub(crate) fn read(
    origin: &Origin,
    inputs: &Inputs,
    findings: &mut Findings,
) -> Vec<RedirectSource> {
    let kind = origin.tree.get("kind").and_then(Node::as_str);
    let items = origin.tree.get("items").and_then(Node::as_list);
    if let Some(items) = items.filter(|_| kind.is_some_and(|kind| kind.ends_with("List"))) {
        let read = items.iter().enumerate().filter_map(|(index, item)| {
            let at = FieldPath::default().member("items").item(index);
            read_object(origin, item, &at, inputs, findings)
        });
        return read.collect();
    }
    let read = read_object(
        origin,
        &origin.tree,
        &FieldPath::default(),
        inputs,
        findings,
    );
    read.into_iter().collect()
}

fn read_object(
    origin: &Origin,
    object: &Node,
    at: &FieldPath,
    inputs: &Inputs,
    findings: &mut Findings,
) -> Option<RedirectSource> {
    let kind = object.get("kind")?.as_str()?;
    let (_, way) = PODS.iter().find(|(known, _)| *known == kind)?;
    let pod = way.iter().try_fold(object, |node, name| node.get(name))?;
    let name = object
        .get("metadata")
        .and_then(|metadata| metadata.get("name"));
    let label = format!("{kind} {}", name.and_then(Node::as_str).unwrap_or_default());
    let reader = Reader {
        origin,
        at: at.clone().members(way),
        label: label.trim_end(),
        inputs,
    };
    let (gathered, whole) = reader
        .environment(pod, findings)
        .or_else(|| reader.annotations(pod, findings))?;
    gathered.into_source(reader.place(&whole), findings)
}

struct Reader<'a> {
    origin: &'a Origin,
    /// What leads to the pod.
    at: FieldPath,
    label: &'a str,
    inputs: &'a Inputs,
}

impl Reader<'_> {
    fn place(&self, path: &FieldPath) -> Place {
        self.origin.place(Some(self.label), path)
    }

    /// The environment of the container that the controller has added, and where it stands.
    fn environment(&self, pod: &Node, findings: &mut Findings) -> Option<(Gathered, FieldPath)> {
        let containers = pod.get("spec")?.get("initContainers")?.as_list()?;
        let is_ours =
            |container: &Node| container.get("name").and_then(Node::as_str) == Some(PROXYINIT);
        let index = containers.iter().position(is_ours)?;
        let at = self.at.clone().members(&["spec", "initContainers"]);
        let at = at.item(index).member("env");
        let mut gathered = Gathered::default();
        let variables = containers[index].get("env").and_then(Node::as_list);
        for (index, variable) in variables.into_iter().flatten().enumerate() {
            let name = variable.get("name").and_then(Node::as_str);
            let Some(known) = NAMES.into_iter().find(|known| Some(*known) == name) else {
                continue;
            };
            let at = at.clone().item(index);
            match variable.get("value") {
                Some(value) => {
                    self.take(known, value, &at.member("value"), &mut gathered, findings);
                }
                None if variable.get("valueFrom").is_some() => {
                    let message = format!("the value of `{known}` is in another object");
                    let mend = "write the value itself";
                    findings.refuse(self.place(&at), Rule::Value, message, mend);
                }
                None => {}
            }
        }
        Some((gathered, at))
    }

    /// What the controller would make of the pod's annotations, and where they stand.
    fn annotations(&self, pod: &Node, findings: &mut Findings) -> Option<(Gathered, FieldPath)> {
        let annotations = pod.get("metadata")?.get("annotations")?.as_map()?;
        let whole = self.at.clone().members(&["metadata", "annotations"]);
        let mut gathered = Gathered::default();
        for (variable, value) in CONTROLLER {
            gathered.insert(variable, value, self.place(&whole));
        }
        let mut speaks = false;
        for member in annotations {
            let Some(name) = member.name.strip_prefix(GROUP) else {
                continue;
            };
            let at = whole.clone().member(&member.name);
            if name == IPV6 {
                speaks = true;
                if member.node.as_str() == Some("disabled") {
                    gathered.insert(ENABLE_IPV6, "0", self.place(&at));
                }
            } else if let Some((_, variable)) = ANNOTATIONS.iter().find(|(known, _)| *known == name)
            {
                speaks = true;
                self.take(variable, &member.node, &at, &mut gathered, findings);
            } else if let Some((meant, _)) = ANNOTATIONS
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
            {
                let message = format!(
                    "the controller knows no such annotation, it has no effect; did you mean \
                     `{GROUP}{meant}`?"
                );
                findings.warn(self.place(&at), Rule::UnknownField, message);
            }
        }
        speaks.then_some((gathered, whole))
    }

    /// Takes a value; Kubernetes has strings alone in such places.
    fn take(
        &self,
        variable: &'static str,
        value: &Node,
        at: &FieldPath,
        gathered: &mut Gathered,
        findings: &mut Findings,
    ) {
        match &value.value {
            Value::Text(text) | Value::Loose(text) => {
                gathered.fill(variable, text, self.place(at), self.inputs, findings);
            }
            Value::Null => {}
            _ => {
                let message = format!("{value} is not allowed: Kubernetes takes a string here");
                let mend = format!("write it in quotation marks: \"{value}\"");
                findings.refuse(self.place(at), Rule::Value, message, mend);
            }
        }
    }
}
