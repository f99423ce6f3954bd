//! Manifests of which another tool makes others: templates as Helm has them, with placeholders
//! (`{{ .Values.port }}`), and directories of Kustomize.

use super::object::ObjectKind;
use crate::{
    document::finding::{Findings, Origin},
    problem::{Rule, path::FieldPath},
    text::Fault,
    tree::{Node, Value},
};

/// Kustomize knows its file by these names alone.
pub(in super::super) fn is_kustomization(file_name: &str) -> bool {
    let name = file_name.rsplit('/').next().unwrap_or_default();
    matches!(name, "kustomization.yaml" | "kustomization.yml")
}

/// What Kustomize makes of the manifests beside its file may have other names and fields.
pub(in super::super) fn kustomization_fault() -> Fault {
    Fault {
        line: 1,
        column: 1,
        message: "the directory is one of Kustomize, which changes names and fields of the \
                  manifests in it"
            .to_owned(),
        mend: "give what comes out of it: `kubectl kustomize DIRECTORY > mesh.yaml`".to_owned(),
    }
}

/// Reports the first placeholder of an object. All of them are left open: of what stands there
/// nothing can be said.
pub(super) fn refuse(origin: &mut Origin, kind: ObjectKind, findings: &mut Findings) {
    if !origin.source.text.contains("{{") {
        return;
    }
    let mut first = None;
    open(&mut origin.tree, &FieldPath::default(), &mut first);
    if let Some((at, placeholder)) = first {
        findings.refuse(
            origin.place(Some(kind.label()), &at),
            Rule::Value,
            format!("`{placeholder}` stands for a value: the file is a template, as Helm has them"),
            "give what comes out of it: `helm template CHART > mesh.yaml`",
        );
    }
}

fn open(node: &mut Node, at: &FieldPath, first: &mut Option<(FieldPath, String)>) {
    match &mut node.value {
        Value::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                open(item, &at.clone().item(index), first);
            }
        }
        Value::Map(members) => {
            for member in members.iter_mut() {
                open(&mut member.node, &at.clone().member(&member.name), first);
            }
        }
        Value::Text(text) | Value::Loose(text) => {
            let Some(placeholder) = placeholder(text) else {
                return;
            };
            first.get_or_insert_with(|| (at.clone(), placeholder.to_owned()));
            node.value = Value::Open(text.clone());
        }
        _ => {}
    }
}

fn placeholder(text: &str) -> Option<&str> {
    let begin = text.find("{{")?;
    let length = text[begin..].find("}}")?;
    Some(&text[begin..begin + length + 2])
}
