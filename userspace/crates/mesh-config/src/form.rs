//! Files of every form to documents in the shape of the App Mesh API.
//!
//! `text` makes trees of a file. What a tree holds is told by its members, never by the file's
//! name; each form has a module that brings its documents into the shape of the API, and keeps how
//! the file spells them.

mod cli;
pub(crate) mod cloudformation;
mod identify;
pub(crate) mod kubernetes;
mod mesh_options;
mod named;
mod terraform;

use std::{collections::BTreeMap, sync::Arc};

pub use named::{InvalidDocumentName, ResourcePath};

use self::cloudformation::Template;
pub(crate) use self::mesh_options::OptionsRead;
use crate::{
    document::{
        Kind,
        entry::Entry,
        finding::{Findings, Open, Origin},
    },
    problem::{Place, Rule, path::FieldPath},
    redirect::source::{self as redirect, RedirectSource},
    source::SourceFile,
    text::{self, Text, variables},
    tree::Value,
};

/// What the documents need that is in no file of theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Values of `$NAME` and `${NAME}`: those of the command line before those of the environment.
    pub variables: BTreeMap<String, String>,
    /// Values of the expressions of templates, by their text: `Environment`, `AWS::Region`,
    /// `LoadBalancer.DNSName`, `ImportValue stack-MeshName`.
    pub parameters: BTreeMap<String, String>,
    /// The resources whose bare `spec` a file holds, by the file's name.
    pub names: BTreeMap<String, ResourcePath>,
}

/// What one file holds. It depends on the file and on [`Inputs`] alone.
#[derive(Debug, Default)]
pub(crate) struct FileRead {
    pub(crate) entries: Vec<Arc<Entry>>,
    /// What `list-*` names.
    pub(crate) listed: Vec<Listed>,
    /// Objects of Kubernetes, of which documents come once all of them are known.
    pub(crate) objects: Vec<Arc<kubernetes::Object>>,
    /// They are evaluated together with those of the other files.
    pub(crate) templates: Vec<Arc<Template>>,
    /// What no document of App Mesh can say.
    pub(crate) options: Vec<Arc<OptionsRead>>,
    /// What is said of redirection.
    pub(crate) redirects: Vec<Arc<RedirectSource>>,
    pub(crate) findings: Findings,
}

/// A resource that an inventory names.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) kind: Kind,
    pub(crate) mesh: Option<String>,
    pub(crate) parent: Option<String>,
    pub(crate) name: String,
    pub(crate) place: Place,
}

/// Said of a member that is written twice.
const TWICE: &str = "written twice in one object: the last counts";

/// Reads one file.
pub(crate) fn read(source: &Arc<SourceFile>, inputs: &Inputs) -> FileRead {
    let mut file = FileRead::default();
    if redirect::is_env_file(source) {
        let said = redirect::read_env_file(source, &mut file.findings);
        file.redirects.extend(said.map(Arc::new));
        return file;
    }
    let Text {
        documents,
        twice,
        placeholders,
    } = match trees(source) {
        Ok(text) => text,
        Err(fault) => {
            file.findings.problems.push(fault.in_file(&source.name));
            return file;
        }
    };
    if documents.is_empty() {
        let place = Place::file(&source.name);
        let message = "left out: nothing is in it";
        file.findings.warn(place, Rule::UnknownKind, message);
    }
    let several = documents.len() > 1;
    for (index, tree) in documents.into_iter().enumerate() {
        let origin = Origin {
            source: Arc::clone(source),
            tree,
            root: FieldPath::default(),
        };
        for (_, path) in twice.iter().filter(|(document, _)| *document == index) {
            let place = origin.place(None, path);
            if mesh_options::is_options(&origin.tree) {
                let message = "it is written twice in one object";
                file.findings
                    .refuse(place, Rule::Duplicate, message, "keep one");
            } else {
                file.findings.warn(place, Rule::Weak, TWICE);
            }
        }
        // Manifests of other kinds may have some, and are left alone.
        if (!kubernetes::is_object(&origin.tree) || mesh_options::is_options(&origin.tree))
            && let Some((_, fault)) = placeholders.iter().find(|(of, _)| *of == index)
        {
            let problem = fault.clone().in_file(&source.name);
            file.findings.problems.push(problem);
            continue;
        }
        // An empty document between two marks of YAML is no document.
        if several && origin.tree.value == Value::Null {
            continue;
        }
        file.read_tree(origin, inputs);
    }
    file
}

fn trees(source: &SourceFile) -> Result<Text, text::Fault> {
    if terraform::is_hcl(&source.name) {
        return Err(terraform::source_fault());
    }
    if kubernetes::is_kustomization(&source.name) {
        return Err(kubernetes::kustomization_fault());
    }
    parsed(&source.text)
}

/// Reads text: JSON begins with a brace or bracket, or wrongly with a comment; so does little else.
fn parsed(text: &str) -> Result<Text, text::Fault> {
    let beginning = text.trim_start();
    let is_object = beginning.starts_with(['{', '[']) && !beginning.starts_with("{{");
    if is_object || beginning.starts_with("//") || beginning.starts_with("/*") {
        text::json::read(text)
    } else {
        text::yaml::read(text)
    }
}

impl FileRead {
    fn read_tree(&mut self, mut origin: Origin, inputs: &Inputs) {
        match Form::of(&origin) {
            Form::List => {
                let Origin { source, tree, root } = origin;
                let Value::List(items) = tree.value else {
                    return;
                };
                for (index, tree) in items.into_iter().enumerate() {
                    let origin = Origin {
                        source: Arc::clone(&source),
                        tree,
                        root: root.clone().item(index),
                    };
                    self.read_tree(origin, inputs);
                }
            }
            Form::CloudFormation => {
                let said = redirect::read_template(&origin, &mut self.findings);
                self.redirects.extend(said.into_iter().map(Arc::new));
                cloudformation::read(origin, self);
            }
            Form::BesideTemplate => {}
            Form::Cli => {
                let open = filled(&mut origin, inputs);
                if cli::read(origin, inputs, self) {
                    self.findings.open.extend(open);
                }
            }
            Form::Kubernetes => {
                let said = redirect::read_pods(&origin, inputs, &mut self.findings);
                self.redirects.extend(said.into_iter().map(Arc::new));
                kubernetes::read(origin, inputs, self);
            }
            Form::Options => mesh_options::read(origin, inputs, self),
            Form::TaskDefinition => {
                let said = redirect::read_task_definition(&origin, inputs, &mut self.findings);
                self.redirects.extend(said.map(Arc::new));
            }
            Form::Terraform => terraform::read(origin, self),
            Form::TerraformSource => {
                let fault = terraform::source_fault().in_file(&origin.source.name);
                self.findings.problems.push(fault);
            }
        }
    }

    /// Fills variables in, and notes those that have no value.
    fn fill(&mut self, origin: &mut Origin, inputs: &Inputs) {
        self.findings.open.extend(filled(origin, inputs));
    }
}

/// Fills variables in; those that have no value come back.
fn filled(origin: &mut Origin, inputs: &Inputs) -> Vec<Open> {
    if !origin.source.text.contains('$') {
        return Vec::new();
    }
    let mut unknown = Vec::new();
    variables::fill(&mut origin.tree, &inputs.variables, &mut unknown);
    let open = |(name, line): (String, u32)| Open {
        place: Place {
            line: Some(line as usize),
            ..Place::file(&origin.source.name)
        },
        mend: format!("--var {name}=VALUE"),
        expression: name,
    };
    unknown.into_iter().map(open).collect()
}

/// The forms of a tree.
enum Form {
    /// What the AWS CLI takes and prints.
    Cli,
    /// An object of Kubernetes.
    Kubernetes,
    /// A template.
    CloudFormation,
    /// A state or a plan, as Terraform prints or keeps it.
    Terraform,
    /// What is Ferromesh's own.
    Options,
    /// What ECS runs, which has no document but may say what is redirected.
    TaskDefinition,
    /// What only Terraform can evaluate.
    TerraformSource,
    /// What CDK writes beside a template.
    BesideTemplate,
    /// Several trees in one.
    List,
}

impl Form {
    fn of(origin: &Origin) -> Self {
        let tree = &origin.tree;
        if terraform::is_shown(tree) {
            return Self::Terraform;
        }
        if terraform::is_source(tree, &origin.source.name) {
            return Self::TerraformSource;
        }
        if tree.as_list().is_some() {
            return Self::List;
        }
        if mesh_options::is_options(tree) {
            return Self::Options;
        }
        if kubernetes::is_object(tree) {
            return Self::Kubernetes;
        }
        if cloudformation::is_template(tree) {
            return Self::CloudFormation;
        }
        if cloudformation::is_beside_template(tree) {
            return Self::BesideTemplate;
        }
        if redirect::is_task_definition(tree) {
            return Self::TaskDefinition;
        }
        Self::Cli
    }
}
