//! Files to typed documents, with every fault of every file reported at once.

use std::collections::BTreeMap;

use crate::{
    problem::{Problem, Warning},
    source::DocumentSet,
};

/// What came of reading a set of files.
#[derive(Debug)]
pub struct Parsed {
    /// Everything that could be read.
    pub documents: Documents,
    /// With any problem, the documents must not come into force.
    pub problems: Vec<Problem>,
    /// What is allowed and worth knowing.
    pub warnings: Vec<Warning>,
}

impl Parsed {
    /// The documents with their warnings, or every problem.
    pub fn into_result(self) -> Result<(Documents, Vec<Warning>), Vec<Problem>> {
        if self.problems.is_empty() {
            Ok((self.documents, self.warnings))
        } else {
            Err(self.problems)
        }
    }
}

/// Every document of a set, by mesh, kind and name, checked against each other.
#[derive(Debug)]
pub struct Documents {}

impl Documents {
    /// Reads, supersedes and cross-checks a set.
    pub fn parse(_set: &DocumentSet) -> Parsed {
        todo!()
    }

    /// How many resources of each kind there are: `virtual node` → 3.
    pub fn summary(&self) -> BTreeMap<&'static str, usize> {
        todo!()
    }

    /// The resources that a proxy can be.
    pub fn proxies(&self) -> Vec<mesh_model::resource::ResourceName> {
        todo!()
    }
}
