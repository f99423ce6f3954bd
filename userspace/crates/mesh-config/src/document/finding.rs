//! What is found on the way from files to documents, and where.

use std::sync::Arc;

use serde::Serialize;

use crate::{
    problem::{Place, Problem, Rule, Warning, path::FieldPath},
    read::cursor::{Log, Remark},
    source::SourceFile,
    tree::Node,
};

/// Something in a document that has no value yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Open {
    /// Where it stands first.
    pub place: Place,
    /// What is open: a variable's name, or a template's expression.
    pub expression: String,
    /// How to give it a value: `--var NAME=VALUE`.
    pub mend: String,
}

/// Everything found in files, in the order in which it was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) open: Vec<Open>,
}

impl Findings {
    pub(crate) fn extend(&mut self, other: Self) {
        self.problems.extend(other.problems);
        self.warnings.extend(other.warnings);
        self.open.extend(other.open);
    }

    pub(crate) fn warn(&mut self, place: Place, rule: Rule, message: impl Into<String>) {
        self.warnings.push(Warning {
            place,
            rule,
            message: message.into(),
        });
    }

    pub(crate) fn refuse(
        &mut self,
        place: Place,
        rule: Rule,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.problems.push(Problem {
            place,
            rule,
            value: None,
            message: message.into(),
            mend: mend.into(),
        });
    }

    /// Takes over what was found while a document was read.
    pub(crate) fn take(&mut self, log: Log, origin: &Origin, document: Option<&str>) {
        let (problems, warnings) = log.into_remarks();
        let place = |remark: &Remark| origin.place(document, &remark.path);
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
    }
}

/// Where a document came from.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) source: Arc<SourceFile>,
    /// The document in the shape of the API.
    pub(crate) tree: Node,
    /// What leads to it in its file; empty where it is the file, or one of the file's documents.
    pub(crate) root: FieldPath,
}

impl Origin {
    /// The place of one of its fields, as the file spells it.
    pub(crate) fn place(&self, document: Option<&str>, field: &FieldPath) -> Place {
        let (line, written) = self.tree.locate(field);
        let field = self.root.clone().join(&written);
        Place {
            file: Some(self.source.name.clone()),
            line: (line > 0).then_some(line as usize),
            column: None,
            document: document.map(str::to_owned),
            field: (!field.is_empty()).then(|| field.to_string()),
        }
    }
}
