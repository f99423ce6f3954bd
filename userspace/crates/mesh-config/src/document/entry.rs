//! One file to the documents in it, each read as far as it can be.

use std::sync::Arc;

use mesh_model::spec::{
    Items, Name, Text, gateway_route::GatewayRouteSpec, mesh::MeshSpec, route::RouteSpec,
    virtual_gateway::VirtualGatewaySpec, virtual_node::VirtualNodeSpec,
    virtual_router::VirtualRouterSpec, virtual_service::VirtualServiceSpec,
};
use serde_json::{Map, Value, error::Category};

use super::{
    identify::{Identified, identify},
    identity::Kind,
    json::{self, Json},
    locate,
};
use crate::{
    problem::{Place, Problem, Rule, Warning, path::FieldPath},
    read::{
        cursor::{At, Log, Object, Remark},
        object,
    },
    source::SourceFile,
};

/// A document as its file has it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// Absent where the command line was to name it.
    pub(crate) mesh: Option<String>,
    pub(crate) parent: Option<String>,
    pub(crate) name: String,
    /// The file is an `update-*`, which takes the place of a `create-*`.
    pub(crate) is_update: bool,
    pub(crate) source: Arc<SourceFile>,
    /// Where in the file it stands.
    pub(crate) root: FieldPath,
    /// Absent where it has faults.
    pub(crate) spec: Option<Spec>,
}

/// What a document says.
#[derive(Debug)]
pub(crate) enum Spec {
    GatewayRoute(Box<GatewayRouteSpec>),
    Mesh(MeshSpec),
    Route(Box<RouteSpec>),
    VirtualGateway(Box<VirtualGatewaySpec>),
    VirtualNode(Box<VirtualNodeSpec>),
    VirtualRouter(VirtualRouterSpec),
    VirtualService(VirtualServiceSpec),
}

/// Everything found in files.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    pub(crate) found: Vec<Entry>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Warning>,
}

impl Entries {
    /// Reads one file: a document, a list of documents, or the output of `describe-*`.
    pub(crate) fn read_file(&mut self, source: &Arc<SourceFile>) {
        let Json { value, twice } = match json::read(&source.text) {
            Ok(json) => json,
            Err(error) => return self.problems.push(no_json(source, &error)),
        };
        self.warnings.extend(twice.iter().map(|path| Warning {
            place: place(source, &FieldPath::default(), None, path),
            rule: Rule::Weak,
            message: "written twice in one object: the last counts".to_owned(),
        }));
        match value {
            Value::Array(items) => {
                for (index, item) in items.into_iter().enumerate() {
                    self.read_document(source, FieldPath::default().item(index), item);
                }
            }
            value => self.read_document(source, FieldPath::default(), value),
        }
    }

    fn read_document(&mut self, source: &Arc<SourceFile>, root: FieldPath, value: Value) {
        let (root, value, described) = unwrap_description(root, value);
        let Value::Object(mut members) = value else {
            return self.warn_foreign(source, &root);
        };
        let log = Log::default();
        move_names_out_of_spec(&mut members, &log);
        let value = Value::Object(members);
        let at = At::top(&value, &log);
        let identified = value
            .as_object()
            .map_or(Identified::Foreign, |members| identify(members, &at));
        let kind = match identified {
            Identified::Kind(kind) => Some(kind),
            Identified::Faulty => None,
            Identified::Foreign => return self.warn_foreign(source, &root),
        };
        let entry = kind.and_then(|kind| read_entry(kind, described, &at, source, &root));
        let name = kind
            .and_then(|kind| value.get(kind.name_member()))
            .and_then(Value::as_str);
        let label = kind.map(|kind| match name {
            Some(name) => format!("{} {name}", kind.label()),
            None => kind.label().to_owned(),
        });
        let (problems, warnings) = log.into_remarks();
        let place = |remark: &Remark| place(source, &root, label.as_deref(), &remark.path);
        self.problems
            .extend(problems.into_iter().map(|remark| Problem {
                place: place(&remark),
                rule: remark.rule,
                value: remark.value,
                message: remark.message,
                mend: remark.mend,
            }));
        self.warnings
            .extend(warnings.into_iter().map(|remark| Warning {
                place: place(&remark),
                rule: remark.rule,
                message: remark.message,
            }));
        self.found.extend(entry);
    }

    fn warn_foreign(&mut self, source: &SourceFile, root: &FieldPath) {
        self.warnings.push(Warning {
            place: place(source, root, None, &FieldPath::default()),
            rule: Rule::UnknownKind,
            message: "left out: it is no App Mesh document, it has neither `meshName` nor `spec`"
                .to_owned(),
        });
    }
}

/// The place of a field of a document.
pub(crate) fn place(
    source: &SourceFile,
    root: &FieldPath,
    document: Option<&str>,
    field: &FieldPath,
) -> Place {
    Place {
        file: Some(source.name.clone()),
        line: locate::line(&source.text, &root.clone().join(field)),
        column: None,
        document: document.map(str::to_owned),
        field: (!field.is_empty()).then(|| field.to_string()),
    }
}

fn no_json(source: &SourceFile, error: &serde_json::Error) -> Problem {
    let reason = error.to_string();
    let reason = reason.split(" at line ").next().unwrap_or_default();
    let at_fault = source
        .text
        .lines()
        .nth(error.line().saturating_sub(1))
        .unwrap_or_default();
    let at_fault = at_fault
        .get(error.column().saturating_sub(1)..)
        .unwrap_or_default();
    let mend = if at_fault.starts_with('$') || at_fault.starts_with("{{") {
        "variables are not filled in yet: write the value itself"
    } else if error.classify() == Category::Eof {
        "the file ends too early: close every brace, bracket and quotation mark"
    } else {
        "mend the text here: often a comma, a quotation mark or a brace too many or too few"
    };
    Problem {
        place: Place {
            line: Some(error.line().max(1)),
            column: Some(error.column().max(1)),
            ..Place::file(&source.name)
        },
        rule: Rule::Syntax,
        value: None,
        message: format!("the file is no JSON: {reason}"),
        mend: mend.to_owned(),
    }
}

/// The output of `describe-*` has the document in a member named after its kind.
fn unwrap_description(root: FieldPath, value: Value) -> (FieldPath, Value, bool) {
    let wrapper = value
        .as_object()
        .filter(|members| members.len() == 1)
        .and_then(|members| {
            let word = Kind::ALL
                .map(Kind::word)
                .into_iter()
                .find(|word| members.contains_key(*word))?;
            members[word].is_object().then_some(word)
        });
    match (wrapper, value) {
        (Some(word), Value::Object(mut members)) => {
            let inner = members.remove(word).unwrap_or_default();
            (root.member(word), inner, true)
        }
        (_, value) => (root, value, false),
    }
}

/// The guide prints documents with a name inside `spec`. That is a problem with a plain mend; the
/// rest of the document is read as if it had been mended.
fn move_names_out_of_spec(members: &mut Map<String, Value>, log: &Log) {
    let Some(Value::Object(spec)) = members.get("spec") else {
        return;
    };
    let names = Kind::ALL.map(Kind::name_member);
    let misplaced: Vec<&str> = names
        .into_iter()
        .filter(|name| spec.contains_key(*name))
        .collect();
    if misplaced.is_empty() {
        return;
    }
    let original = Value::Object(members.clone());
    let at = At::top(&original, log);
    for name in misplaced {
        let spec = members.get_mut("spec").and_then(Value::as_object_mut);
        let value = spec.and_then(|spec| spec.shift_remove(name));
        at.with_member("spec", |spec| {
            spec.with_member(name, |at| {
                at.problem(
                    Rule::Value,
                    format!("`{name}` is not allowed in `spec`: a name stands beside `spec`"),
                    format!("move `{name}` out of `spec`, to the level of `spec` itself"),
                );
            });
        });
        if let (Some(value), false) = (value, members.contains_key(name)) {
            members.insert(name.to_owned(), value);
        }
    }
}

fn read_entry(
    kind: Kind,
    described: bool,
    at: &At<'_>,
    source: &Arc<SourceFile>,
    root: &FieldPath,
) -> Option<Entry> {
    let mut known = vec![
        "clientToken",
        "meshName",
        "meshOwner",
        "spec",
        "tags",
        kind.name_member(),
    ];
    known.extend(kind.parent().map(Kind::name_member));
    if described {
        known.extend(["metadata", "status"]);
    }
    let object = at.object(&known)?;
    // Checked for their form only: none has a meaning outside the management API.
    let _ = object.optional::<String>("clientToken");
    let _ = object.optional::<Text<12, 12>>("meshOwner");
    let _ = object.optional::<Items<Tag, 0, 50>>("tags");
    let mesh = object.optional::<Name>("meshName");
    let parent = match kind.parent() {
        Some(parent) => object.required::<Name>(parent.name_member()).map(Some),
        None => Some(None),
    };
    let name = match kind {
        Kind::VirtualService => object
            .required::<Text<1, { usize::MAX }>>(kind.name_member())
            .map(|name| name.as_str().to_owned()),
        _ => object
            .required::<Name>(kind.name_member())
            .map(|name| name.as_str().to_owned()),
    };
    let spec = read_spec(kind, &object);
    let file_name = source.name.rsplit('/').next().unwrap_or_default();
    Some(Entry {
        kind,
        mesh: mesh?.map(|name| name.as_str().to_owned()),
        parent: parent?.map(|name| name.as_str().to_owned()),
        name: name?,
        is_update: file_name.starts_with("update-"),
        source: Arc::clone(source),
        root: root.clone(),
        spec,
    })
}

fn read_spec(kind: Kind, object: &Object<'_>) -> Option<Spec> {
    match kind {
        Kind::GatewayRoute => object
            .required("spec")
            .map(|spec| Spec::GatewayRoute(Box::new(spec))),
        Kind::Mesh => object
            .optional::<MeshSpec>("spec")
            .map(|spec| Spec::Mesh(spec.unwrap_or_default())),
        Kind::Route => object
            .required("spec")
            .map(|spec| Spec::Route(Box::new(spec))),
        Kind::VirtualGateway => object
            .required("spec")
            .map(|spec| Spec::VirtualGateway(Box::new(spec))),
        Kind::VirtualNode => object
            .required("spec")
            .map(|spec| Spec::VirtualNode(Box::new(spec))),
        Kind::VirtualRouter => object.required("spec").map(Spec::VirtualRouter),
        Kind::VirtualService => object.required("spec").map(Spec::VirtualService),
    }
}

/// `TagRef`
struct Tag {
    #[expect(dead_code, reason = "tags are checked and have no effect")]
    key: Text<1, 128>,
    #[expect(dead_code, reason = "tags are checked and have no effect")]
    value: Text<0, 256>,
}

object!(Tag { key: required "key", value: required "value" });
