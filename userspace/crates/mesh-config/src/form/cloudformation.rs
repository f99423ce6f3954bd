//! CloudFormation templates, and what CDK and SAM make of them, to documents of App Mesh.
//!
//! In two steps: `read` looks at one file alone, `evaluate` at all templates of a set together,
//! for one may import what another exports. Only what App Mesh resources need is evaluated: the
//! rest of a stack may stay open.

mod condition;
mod evaluator;
mod function;
mod parameter;
mod reference;
mod resource;
mod spelling;
mod value;

use std::{collections::BTreeSet, sync::Arc};

use self::evaluator::Evaluator;
use super::{FileRead, Inputs};
use crate::{
    document::{
        Kind,
        entry::Entry,
        finding::{Findings, Origin},
    },
    problem::{Place, Rule, path::FieldPath, suggest},
    tree::{Members, Node, Value},
};

/// How to see what CloudFormation makes of macros and loops.
const PROCESSED: &str = "give the template that CloudFormation made of it: aws cloudformation \
                         get-template --stack-name STACK --template-stage Processed";

/// One template.
#[derive(Debug)]
pub(crate) struct Template {
    origin: Origin,
}

/// What the templates of a set come to.
#[derive(Debug, Default)]
pub(crate) struct Evaluation {
    /// The App Mesh resources.
    pub(crate) entries: Vec<Arc<Entry>>,
}

impl Template {
    /// A section of it: `Resources`, `Parameters`, ….
    fn section(&self, name: &str) -> Option<&Members> {
        self.origin.tree.get(name)?.as_map()
    }

    fn resource(&self, logical: &str) -> Option<&Node> {
        self.section("Resources")?.get(logical)
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
    // The output of `get-template` has it in a member.
    if let Some(body) = origin
        .tree
        .as_map_mut()
        .and_then(|tree| tree.remove("TemplateBody"))
    {
        origin.tree = body.node;
        origin.root = std::mem::take(&mut origin.root).member("TemplateBody");
    }
    let template = Template { origin };
    let Some(resources) = template.section("Resources") else {
        file.findings.refuse(
            template.place(None, &[], template.origin.tree.line),
            Rule::Value,
            "the template has no `Resources`",
            "give a whole template; one in YAML is printed by aws cloudformation get-template \
             --stack-name STACK --query TemplateBody --output text",
        );
        return;
    };
    warn_of_transforms(&template, &mut file.findings);
    for member in resources {
        let line = member.node.line;
        let path = ["Resources", member.name.as_str()];
        if member.name.starts_with("Fn::ForEach") {
            file.findings.refuse(
                template.place(None, &path, line),
                Rule::NotYet,
                "what a loop of the template makes is known to CloudFormation alone",
                PROCESSED,
            );
        }
        let unknown = type_of(&member.node)
            .and_then(|name| name.strip_prefix(APP_MESH))
            .filter(|_| kind_of(&member.node).is_none());
        if let Some(unknown) = unknown {
            let types = Kind::ALL.map(type_name);
            let hint = suggest::closest(unknown, types.iter().map(String::as_str))
                .map_or_else(String::new, |meant| {
                    format!("; did you mean `{APP_MESH}{meant}`?")
                });
            file.findings.warn(
                template.place(None, &path, line),
                Rule::UnknownKind,
                format!("left out: App Mesh has no `{APP_MESH}{unknown}`{hint}"),
            );
        }
    }
    file.templates.push(Arc::new(template));
}

/// Transforms of AWS that change no resource of App Mesh.
const HARMLESS: [&str; 4] = [
    "AWS::CodeDeployBlueGreen",
    "AWS::LanguageExtensions",
    "AWS::SecretsManager",
    "AWS::Serverless",
];

fn warn_of_transforms(template: &Template, findings: &mut Findings) {
    let named = template.origin.tree.get("Transform");
    let names = match named.map(|node| &node.value) {
        Some(Value::List(items)) => &items[..],
        Some(_) => named.map_or(&[][..], std::slice::from_ref),
        None => &[],
    };
    for node in names {
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
            let message = format!(
                "what the transform inserts here is known to CloudFormation alone; {PROCESSED}"
            );
            let path: Vec<&str> = path.iter().copied().chain(["Fn::Transform"]).collect();
            findings.warn(template.place(None, &path, call.line), Rule::Weak, message);
        }
    }
}

/// Evaluates what the App Mesh resources of all templates need.
pub(crate) fn evaluate(
    templates: &[Arc<Template>],
    inputs: &Inputs,
    findings: &mut Findings,
) -> Evaluation {
    let mut evaluator = Evaluator::new(templates, inputs, findings);
    let mut evaluation = Evaluation::default();
    for index in 0..templates.len() {
        evaluation.entries.extend(evaluator.entries(index));
    }
    let used = evaluator.into_used();
    warn_of_unused(templates, inputs, &used, findings);
    evaluation
}

/// A value that nothing in the templates asks for is a slip, mostly in the expression.
fn warn_of_unused(
    templates: &[Arc<Template>],
    inputs: &Inputs,
    used: &BTreeSet<String>,
    findings: &mut Findings,
) {
    let is_named = |expression: &str| {
        templates.iter().any(|template| {
            let has =
                |section: &str, name: &str| template.section(section).is_some_and(|s| s.has(name));
            let logical = expression.split('.').next().unwrap_or_default();
            let import = reference::imported(expression);
            has("Parameters", expression)
                || has("Resources", logical)
                || reference::is_pseudo(expression)
                || import.is_some_and(|name| template.origin.source.text.contains(name))
        })
    };
    let asked = findings.open.iter().map(|open| open.expression.as_str());
    let declared = templates
        .iter()
        .filter_map(|template| template.section("Parameters"))
        .flat_map(|parameters| parameters.iter().map(|member| member.name.as_str()));
    let known: Vec<&str> = asked.chain(declared).collect();
    let mut unused = Vec::new();
    for expression in inputs.parameters.keys() {
        if !used.contains(expression.as_str()) && !is_named(expression) {
            let hint = suggest::closest(expression, known.iter().copied())
                .map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            unused.push((expression, hint));
        }
    }
    for (expression, hint) in unused {
        let place = Place {
            document: Some(format!("--param '{expression}=…'")),
            ..Place::default()
        };
        let message = format!("no template has such an expression, so it has no effect{hint}");
        findings.warn(place, Rule::Variable, message);
    }
}

#[cfg(test)]
mod tests;
