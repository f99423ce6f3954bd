//! CloudFormation templates, and what CDK and SAM make of them, to documents of App Mesh.
//!
//! In two steps: `read` looks at one file alone, `evaluate` at all templates of a set together,
//! for one may import what another exports. Only what App Mesh resources need is evaluated: the
//! rest of a stack may stay open.

mod arn;
mod attribute;
mod condition;
mod evaluator;
mod function;
mod import;
mod loops;
mod parameter;
mod reference;
mod resource;
mod shape;
mod spelling;
mod substitute;
mod unused;
mod value;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use smol_str::SmolStr;

use self::evaluator::Evaluator;
use super::{FileRead, Inputs};
use crate::{
    document::{
        Kind,
        entry::Entry,
        finding::{Findings, Origin},
    },
    problem::{Place, Rule, path::FieldPath, suggest},
    tree::{Member, Members, Node, Value},
};

/// How to see what CloudFormation makes of macros and loops.
const PROCESSED: &str = "give the template that CloudFormation made of it: aws cloudformation \
                         get-template --stack-name STACK --template-stage Processed";

/// Why a transform cannot be run here.
const INSERTED: &str = "what a transform inserts is known to CloudFormation alone";

/// One template.
#[derive(Debug)]
pub(crate) struct Template {
    origin: Origin,
    /// Where each member of a section stands in it.
    index: HashMap<&'static str, HashMap<SmolStr, usize>>,
}

/// Sections whose members are referred to.
const INDEXED: [&str; 3] = ["Conditions", "Parameters", "Resources"];

impl Template {
    fn new(origin: Origin) -> Self {
        let index = INDEXED.map(|section| {
            let members = origin.tree.get(section).and_then(Node::as_map);
            let members = members.into_iter().flatten().enumerate();
            let places = members.map(|(place, member)| (member.name.clone(), place));
            (section, places.collect())
        });
        Self {
            origin,
            index: HashMap::from(index),
        }
    }

    /// A section of it: `Resources`, `Parameters`, ….
    fn section(&self, name: &str) -> Option<&Members> {
        self.origin.tree.get(name)?.as_map()
    }

    /// A member of a section that is referred to.
    fn member(&self, section: &str, name: &str) -> Option<&Member> {
        let place = *self.index.get(section)?.get(name)?;
        self.section(section)?.iter().nth(place)
    }

    /// The names of a section's members.
    fn names(&self, section: &str) -> impl Iterator<Item = &str> {
        let members = self.section(section).into_iter().flatten();
        members.map(|member| member.name.as_str())
    }

    /// The place of something in it.
    fn place(&self, document: Option<&str>, path: &[&str], line: u32) -> Place {
        let path = FieldPath::default().members(path);
        Place {
            line: (line > 0).then_some(line as usize),
            ..self.origin.place(document, &path)
        }
    }
}

/// Whether a tree is a template.
pub(super) fn is_template(tree: &Node) -> bool {
    let resources = tree.get("Resources").and_then(Node::as_map);
    tree.get("AWSTemplateFormatVersion").is_some()
        || tree.get("TemplateBody").is_some()
        || resources.is_some_and(|resources| {
            let mut types = resources.iter().filter_map(|member| type_of(&member.node));
            types.any(|name| name.contains("::"))
        })
}

/// Whether a tree is one of the files that CDK writes beside its templates: `manifest.json`,
/// `tree.json`, `STACK.assets.json` and `STACK.metadata.json`.
pub(super) fn is_beside_template(tree: &Node) -> bool {
    let Some(members) = tree.as_map() else {
        return false;
    };
    let is_versioned = members
        .get("version")
        .is_some_and(|node| node.as_str().is_some());
    let beside = ["artifacts", "dockerImages", "tree"];
    let is_metadata = || {
        let mut names = members.iter().map(|member| &member.name);
        !members.is_empty() && names.all(|name| name.starts_with('/'))
    };
    is_versioned && beside.iter().any(|name| members.has(name)) || is_metadata()
}

/// The type of a resource: `AWS::AppMesh::Mesh`.
fn type_of(resource: &Node) -> Option<&str> {
    resource.get("Type")?.as_str()
}

/// The kind of a resource of App Mesh.
fn kind_of(resource: &Node) -> Option<Kind> {
    let name = type_of(resource)?.strip_prefix(APP_MESH)?;
    Kind::ALL.into_iter().find(|kind| type_name(*kind) == name)
}

const APP_MESH: &str = "AWS::AppMesh::";

/// The last part of a kind's type.
fn type_name(kind: Kind) -> String {
    spelling::of_template(kind.word())
}

/// Takes a template in, and says what in it cannot be known.
pub(super) fn read(mut origin: Origin, file: &mut FileRead) {
    if unwrap_body(&mut origin, &mut file.findings).is_none() {
        return;
    }
    let template = Template::new(origin);
    let Some(resources) = template.section("Resources") else {
        file.findings.refuse(
            template.place(None, &[], template.origin.tree.line),
            Rule::Value,
            "the template has no `Resources`",
            "give a whole template",
        );
        return;
    };
    warn_of_transforms(&template, &mut file.findings);
    for member in resources {
        refuse_type(&template, member, &mut file.findings);
    }
    file.templates.push(Arc::new(template));
}

/// The output of `get-template` has the template in a member: as an object where it is JSON, as text
/// where it is YAML. None where that is no template; the fault is reported.
fn unwrap_body(origin: &mut Origin, findings: &mut Findings) -> Option<()> {
    const BODY: &str = "TemplateBody";
    let Some(body) = origin.tree.as_map_mut().and_then(|tree| tree.remove(BODY)) else {
        return Some(());
    };
    origin.root = std::mem::take(&mut origin.root).member(BODY);
    origin.tree = body.node;
    let Some(text) = origin.tree.as_str() else {
        return Some(());
    };
    let line = origin.tree.line;
    let inner = super::parsed(text).and_then(|inner| match inner.placeholders.first() {
        Some((_, fault)) => Err(fault.clone()),
        None => Ok(inner),
    });
    let mut inner = match inner {
        Ok(inner) => inner,
        Err(fault) => {
            let place = origin.place(None, &FieldPath::default());
            let at = format!("in line {} of its text", fault.line);
            let message = format!("{}, {at}", fault.message);
            findings.refuse(place, Rule::Syntax, message, fault.mend);
            return None;
        }
    };
    for (_, path) in &inner.twice {
        let place = origin.place(None, path);
        findings.warn(place, Rule::Weak, super::TWICE);
    }
    let mut tree = inner.documents.drain(..).next()?;
    // The lines of text in text are not those of the file.
    put_at(&mut tree, line);
    origin.tree = tree;
    Some(())
}

fn put_at(node: &mut Node, line: u32) {
    node.line = line;
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| put_at(item, line)),
        Value::Map(members) => {
            for member in members.iter_mut() {
                put_at(&mut member.node, line);
            }
        }
        _ => {}
    }
}

fn refuse_type(template: &Template, member: &Member, findings: &mut Findings) {
    let Some(unknown) = type_of(&member.node)
        .and_then(|name| name.strip_prefix(APP_MESH))
        .filter(|_| kind_of(&member.node).is_none())
    else {
        return;
    };
    let types = Kind::ALL.map(type_name);
    let mend = match suggest::closest(unknown, types.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{APP_MESH}{meant}`?"),
        None => format!("its types are {}", types.join(", ")),
    };
    findings.refuse(
        template.place(None, &["Resources", &member.name], member.node.line),
        Rule::UnknownKind,
        format!("App Mesh has no `{APP_MESH}{unknown}`"),
        mend,
    );
}

/// Transforms of AWS that change no resource of App Mesh.
const HARMLESS: [&str; 4] = [
    "AWS::CodeDeployBlueGreen",
    "AWS::LanguageExtensions",
    "AWS::SecretsManager",
    "AWS::Serverless",
];

fn warn_of_transforms(template: &Template, findings: &mut Findings) {
    let transform = template.origin.tree.get("Transform");
    let all = match transform.map(|node| &node.value) {
        Some(Value::List(items)) => &items[..],
        Some(_) => transform.map_or(&[][..], std::slice::from_ref),
        None => &[],
    };
    for node in all {
        let name = node.as_str().or_else(|| node.get("Name")?.as_str());
        let name = name.unwrap_or("AWS::Include");
        if !HARMLESS.iter().any(|harmless| name.starts_with(harmless)) {
            let message = format!(
                "`{name}` may change the template's App Mesh resources, which are read as they \
                 stand here; {PROCESSED}"
            );
            let place = template.place(None, &["Transform"], node.line);
            findings.warn(place, Rule::Weak, message);
        }
    }
    let sections = [&[][..], &["Resources"][..]];
    for path in sections {
        let node = path
            .iter()
            .try_fold(&template.origin.tree, |node, name| node.get(name));
        if let Some(call) = node.and_then(|node| node.get("Fn::Transform")) {
            let message = format!("{INSERTED}; {PROCESSED}");
            let path: Vec<&str> = path.iter().copied().chain(["Fn::Transform"]).collect();
            findings.warn(template.place(None, &path, call.line), Rule::Weak, message);
        }
    }
}

/// Evaluates one set of templates after another. What came of them is kept for as long as all of
/// them stay the same, for one may import what another exports.
#[derive(Debug, Default)]
pub(crate) struct Stacks {
    known: Option<Known>,
}

/// What some templates came to.
#[derive(Debug)]
struct Known {
    templates: Vec<Arc<Template>>,
    entries: Vec<Arc<Entry>>,
    findings: Findings,
}

impl Stacks {
    /// The App Mesh resources of all templates. The inputs must be the same each time.
    pub(crate) fn evaluate(
        &mut self,
        templates: &[Arc<Template>],
        inputs: &Inputs,
        findings: &mut Findings,
    ) -> &[Arc<Entry>] {
        let is_same = |known: &Known| {
            let each = known.templates.iter().zip(templates);
            known.templates.len() == templates.len()
                && each.into_iter().all(|(a, b)| Arc::ptr_eq(a, b))
        };
        let known = self.known.take().filter(is_same);
        let known = known.unwrap_or_else(|| Known::of(templates, inputs));
        findings.extend(known.findings.clone());
        &self.known.insert(known).entries
    }
}

impl Known {
    fn of(templates: &[Arc<Template>], inputs: &Inputs) -> Self {
        let mut findings = Findings::default();
        let mut used = BTreeSet::new();
        let unrolled: Vec<Arc<Template>> = templates
            .iter()
            .map(|template| loops::unrolled(template, inputs, &mut findings, &mut used))
            .collect();
        let mut evaluator = Evaluator::new(&unrolled, inputs, &mut findings);
        let entries = (0..unrolled.len()).flat_map(|index| evaluator.entries(index));
        let entries = entries.collect();
        used.extend(evaluator.into_used());
        unused::warn(&unrolled, inputs, &used, &mut findings);
        // What both a loop and a resource need.
        findings.problems.sort();
        findings.problems.dedup();
        Self {
            templates: templates.to_vec(),
            entries,
            findings,
        }
    }
}

#[cfg(test)]
mod tests;
