//! `MeshOptions`: the one kind of document that is Ferromesh's own. What has no effect in it is a
//! fault, for no other program reads it.

use std::sync::Arc;

use mesh_model::spec::mesh_options::MeshOptionsSpec;

use super::{FileRead, Inputs, filled};
use crate::{
    document::finding::{Findings, Origin},
    own,
    problem::Rule,
    read::{
        Read,
        cursor::{At, Log},
    },
    tree::Node,
};

const GROUP: &str = "ferromesh.dev/";
const API_VERSION: &str = "ferromesh.dev/v1";
const KIND: &str = "MeshOptions";
/// How a sentence calls it.
const LABEL: &str = "mesh options";

/// A document of options as its file has it, without faults of its own.
#[derive(Debug)]
pub(crate) struct OptionsRead {
    /// How messages call it.
    pub(crate) label: String,
    pub(crate) origin: Origin,
    pub(crate) spec: MeshOptionsSpec,
}

/// Whether a tree is such a document, or was to be one.
pub(super) fn is_options(tree: &Node) -> bool {
    let text = |name| tree.get(name).and_then(Node::as_str);
    text("kind") == Some(KIND) || text("apiVersion").is_some_and(|given| given.starts_with(GROUP))
}

/// Reads one.
pub(super) fn read(mut origin: Origin, inputs: &Inputs, file: &mut FileRead) {
    let open = filled(&mut origin, inputs);
    let is_open = !open.is_empty();
    file.findings.open.extend(open);
    let name = origin
        .tree
        .get("metadata")
        .and_then(|node| node.get("name"));
    let name = name.and_then(Node::as_str).unwrap_or_default();
    let label = format!("{LABEL} {name}").trim_end().to_owned();
    let log = Log::default();
    let spec = read_object(&At::top(&origin.tree, &log));
    let mut findings = Findings::default();
    findings.take(log, &origin, Some(&label));
    own::refuse_what_has_no_effect(&mut findings);
    let is_sound = findings.problems.is_empty() && !is_open;
    file.findings.extend(findings);
    if let Some(spec) = spec.filter(|_| is_sound) {
        file.options.push(Arc::new(OptionsRead {
            label,
            origin,
            spec,
        }));
    }
}

fn read_object(at: &At<'_>) -> Option<MeshOptionsSpec> {
    let object = at.object(&["apiVersion", "kind", "metadata", "spec", "status"])?;
    let version = object.required::<Version>("apiVersion");
    let kind = object.required::<Kind>("kind");
    let metadata = object.required::<Metadata>("metadata");
    let spec = object.required("spec");
    version.and(kind).and(metadata).and(spec)
}

struct Version;

impl Read for Version {
    fn read(at: &At<'_>) -> Option<Self> {
        only(at, API_VERSION).then_some(Self)
    }
}

struct Kind;

impl Read for Kind {
    fn read(at: &At<'_>) -> Option<Self> {
        only(at, KIND).then_some(Self)
    }
}

fn only(at: &At<'_>, word: &'static str) -> bool {
    at.word(&[word]).is_some()
}

/// A name by which people know the document. What else Kubernetes keeps there is its own.
struct Metadata;

impl Read for Metadata {
    fn read(at: &At<'_>) -> Option<Self> {
        let Some(members) = at.members() else {
            at.refuse("an object with `name`", "write metadata: { name: … }");
            return None;
        };
        let name = members.get("name").and_then(Node::as_str);
        if name.is_none_or(str::is_empty) {
            at.problem(
                Rule::Value,
                "`name` is missing: it is required here",
                "add a name by which messages call the document",
            );
            return None;
        }
        Some(Self)
    }
}
