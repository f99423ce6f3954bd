//! Text to trees, within stated limits: nothing that a file can hold costs more than its share of
//! memory.

pub(crate) mod json;
pub(crate) mod variables;
pub(crate) mod yaml;

use crate::{
    problem::{Place, Problem, Rule, path::FieldPath},
    tree::Node,
};

/// How deep objects and lists may nest. The deepest document of App Mesh needs 12.
pub(crate) const MAX_DEPTH: usize = 64;
/// How many values a file may hold, each use of a YAML alias counted in full.
pub(crate) const MAX_VALUES: usize = 1_000_000;

/// What a text holds.
#[derive(Debug)]
pub(crate) struct Text {
    /// Its documents, in their order.
    pub(crate) documents: Vec<Node>,
    /// Members that are written twice in one object, by document; the last counts.
    pub(crate) twice: Vec<(usize, FieldPath)>,
    /// The first `{{NAME}}` without quotation marks of each document that has one. In the tree it
    /// is text.
    pub(crate) placeholders: Vec<(usize, Fault)>,
}

/// Why a text cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// From 1.
    pub(crate) line: usize,
    /// From 1.
    pub(crate) column: usize,
    pub(crate) message: String,
    pub(crate) mend: String,
}

impl Fault {
    pub(crate) fn in_file(self, name: &str) -> Problem {
        Problem {
            place: Place {
                line: Some(self.line.max(1)),
                column: Some(self.column.max(1)),
                ..Place::file(name)
            },
            rule: Rule::Syntax,
            value: None,
            message: self.message,
            mend: self.mend,
        }
    }

    fn too_deep(line: usize, column: usize) -> Self {
        Self {
            line,
            column,
            message: format!("objects and lists nest deeper than {MAX_DEPTH} levels"),
            mend: "no document of App Mesh needs that: look for a missing bracket".to_owned(),
        }
    }

    fn too_many(line: usize, column: usize) -> Self {
        Self {
            line,
            column,
            message: format!("the file holds more than {MAX_VALUES} values"),
            mend: "part it into several files; each use of a YAML alias counts in full".to_owned(),
        }
    }
}
