//! What the AWS CLI takes and prints: `--cli-input-json`, bare `--spec` files, the output of
//! `describe-*` and of `list-*`.

use super::{
    FileRead, Inputs, Listed,
    identify::{
        Identified, identify, kind_of_bare_spec, kind_of_spec, kinds_of_bare_spec, may_be_spec_of,
    },
    named::{ResourcePath, named_by_file},
};
use crate::{
    document::{
        Kind,
        entry::{DESCRIBED, Entry},
        finding::{Findings, Origin},
    },
    problem::{Rule, path::FieldPath, suggest},
    read::cursor::{At, Log},
    tree::{Members, Node, Value},
};

/// Reads a tree of the AWS CLI. Whether it is of App Mesh comes back.
pub(super) fn read(mut origin: Origin, inputs: &Inputs, file: &mut FileRead) -> bool {
    if let Some((kind, items)) = listed(&origin.tree) {
        take_list(kind, items, &origin, file);
        return true;
    }
    let described = unwrap_description(&mut origin);
    if described && is_deleted(&origin.tree) {
        let place = origin.place(None, &FieldPath::default().member("status"));
        let message = "left out: it was deleted, and this is what the AWS CLI printed of it then";
        file.findings.warn(place, Rule::Weak, message);
        return true;
    }
    move_names_out_of_spec(&mut origin, &mut file.findings);
    if let Value::Map(members) = &mut origin.tree.value {
        name_bare_spec(members, &origin.source.name, inputs);
    }
    let log = Log::default();
    let identified = match &origin.tree.value {
        Value::Map(members) => identify(members, &At::top(&origin.tree, &log)),
        _ => Identified::Foreign,
    };
    match identified {
        Identified::Kind(kind) => {
            let label = origin.tree.get(kind.name_member());
            let label = label.and_then(Node::as_str).unwrap_or_default();
            let label = format!("{} {label}", kind.label());
            file.findings.take(log, &origin, Some(label.trim_end()));
            let more = if described { &DESCRIBED[..] } else { &[] };
            let entry = Entry::read(kind, origin, more, &mut file.findings);
            file.entries.extend(entry.map(Into::into));
        }
        Identified::Faulty => file.findings.take(log, &origin, None),
        Identified::Foreign => {
            let members = origin.tree.as_map();
            let kinds = members.map(kinds_of_bare_spec).unwrap_or_default();
            if !kinds.is_empty() {
                refuse_unnamed(&kinds, &origin, &mut file.findings);
                return true;
            }
            let place = origin.place(None, &FieldPath::default());
            let message =
                "left out: it is no App Mesh document, it has neither `meshName` nor `spec`";
            file.findings.warn(place, Rule::UnknownKind, message);
            return false;
        }
    }
    true
}

/// A bare spec that nothing names.
fn refuse_unnamed(kinds: &[Kind], origin: &Origin, findings: &mut Findings) {
    let each = |write: fn(&Kind) -> String| {
        let written: Vec<String> = kinds.iter().map(write).collect();
        suggest::alternatives(&written).unwrap_or_default()
    };
    let word = match kinds {
        [kind] => kind.word(),
        _ => "KIND",
    };
    findings.refuse(
        origin.place(None, &FieldPath::default()),
        Rule::UnknownKind,
        format!(
            "the file holds the `spec` of a {}, and nothing tells of which",
            each(|kind| kind.label().to_owned())
        ),
        format!(
            "say so on the command line, --document FILE=mesh/MESH/…/{word}/NAME, or call the \
             file {}",
            each(|kind| format!("NAME-{}.json", kind.label().replace(' ', "-")))
        ),
    );
}

/// The output of `delete-*` is that of `describe-*` with another status.
fn is_deleted(tree: &Node) -> bool {
    let status = tree.get("status").and_then(|status| status.get("status"));
    status.and_then(Node::as_str) == Some("DELETED")
}

/// The output of `describe-*` has the document in a member named after its kind; that of an SDK is
/// the document itself.
fn unwrap_description(origin: &mut Origin) -> bool {
    let Some(members) = origin.tree.as_map_mut() else {
        return false;
    };
    if members.has("metadata") && members.has("spec") && members.has("status") {
        return true;
    }
    let wrapper = Kind::ALL.map(Kind::word).into_iter().find(|word| {
        members
            .get(word)
            .is_some_and(|inner| inner.as_map().is_some())
    });
    let Some(word) = wrapper.filter(|_| members.len() == 1) else {
        return false;
    };
    if let Some(inner) = members.remove(word) {
        origin.tree = inner.node;
        origin.root = std::mem::take(&mut origin.root).member(word);
    }
    true
}

/// The guide prints documents with a name inside `spec`. That is a problem with a plain mend; the
/// rest of the document is read as if it had been mended.
fn move_names_out_of_spec(origin: &mut Origin, findings: &mut Findings) {
    let Some(spec) = origin.tree.get("spec").and_then(Node::as_map) else {
        return;
    };
    let misplaced: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|kind| spec.has(kind.name_member()))
        .collect();
    if misplaced.is_empty() {
        return;
    }
    let log = Log::default();
    let at = At::top(&origin.tree, &log);
    for kind in &misplaced {
        let name = kind.name_member();
        at.with_member("spec", |spec| {
            spec.with_member(name, |at| {
                at.problem(
                    Rule::Value,
                    format!("`{name}` is not allowed in `spec`: a name stands beside `spec`"),
                    format!("move `{name}` out of `spec`, to the level of `spec` itself"),
                );
            });
        });
    }
    let label = misplaced.first().and_then(|kind| {
        let name = spec.get(kind.name_member())?.as_str()?;
        Some(format!("{} {name}", kind.label()))
    });
    findings.take(log, origin, label.as_deref());
    let Some(members) = origin.tree.as_map_mut() else {
        return;
    };
    for kind in misplaced {
        let name = kind.name_member();
        let spec = members.get_mut("spec").and_then(Node::as_map_mut);
        let moved = spec.and_then(|spec| spec.remove(name));
        if let (Some(moved), false) = (moved, members.has(name)) {
            members.push(name, Some(FieldPath::spec().member(name)), moved.node);
        }
    }
}

/// A file for `--spec`, or for `--cli-input-json` beside flags: the command line, else the file's
/// own name, says of what.
fn name_bare_spec(members: &mut Members, file_name: &str, inputs: &Inputs) {
    let given = inputs.names.get(file_name);
    let spec = members.get("spec").and_then(Node::as_map);
    let path = match (given, spec) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(spec)) if members.len() == 1 => named_by_file(file_name, kind_of_spec(spec)),
        (None, None) => {
            let kind = kind_of_bare_spec(members);
            let path = named_by_file(file_name, kind);
            path.filter(|path| kind.is_some() || may_be_spec_of(path.kind, members))
        }
        (None, Some(_)) => None,
    };
    let Some(path) = path else { return };
    if spec.is_none() {
        let line = members.iter().next().map_or(0, |member| member.node.line);
        let spec = Node::new(Value::Map(std::mem::take(members)), line);
        members.push("spec", Some(FieldPath::default()), spec);
    }
    name(members, &path);
}

fn name(members: &mut Members, path: &ResourcePath) {
    let names = [
        (Some(Kind::Mesh), path.mesh.as_ref()),
        (path.kind.parent(), path.parent.as_ref()),
        (Some(path.kind), Some(&path.name)),
    ];
    for (kind, name) in names {
        if let (Some(kind), Some(name)) = (kind, name) {
            members.insert(kind.name_member(), Node::text(name.as_str(), 0));
        }
    }
}

/// The inventory in the output of `list-*`.
fn listed(tree: &Node) -> Option<(Kind, &[Node])> {
    let members = tree.as_map()?;
    Kind::ALL.into_iter().find_map(|kind| {
        let items = members.get(kind.plural())?.as_list()?;
        let alone = members.iter().all(|member| {
            member.name == kind.plural() || member.name.eq_ignore_ascii_case("nextToken")
        });
        alone.then_some((kind, items))
    })
}

fn take_list(kind: Kind, items: &[Node], origin: &Origin, file: &mut FileRead) {
    for (index, item) in items.iter().enumerate() {
        let path = FieldPath::default().member(kind.plural()).item(index);
        let text = |kind: Kind| item.get(kind.name_member())?.as_str().map(str::to_owned);
        if let Some(name) = text(kind) {
            file.listed.push(Listed {
                kind,
                mesh: text(Kind::Mesh),
                parent: kind.parent().and_then(text),
                name,
                place: origin.place(None, &path),
            });
        } else {
            file.findings.refuse(
                origin.place(None, &path),
                Rule::Value,
                format!(
                    "an item of `{}` has no `{}`",
                    kind.plural(),
                    kind.name_member()
                ),
                "give the output of the AWS CLI as it is",
            );
        }
    }
}

#[cfg(test)]
mod tests;
