//! Documents for the tests of this crate.

use std::collections::BTreeMap;

use mesh_model::resource::ResourceName;
use serde_json::Value;

use crate::{
    Environment,
    document::{Documents, Parsed},
    problem::{Problem, Warning},
    resolve::{Resolved, resolve},
    source::{DocumentSet, SourceFile},
};

macro_rules! examples {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../../docs/examples/getting-started/", $name)))),*]
    };
}

/// Files by name, to be changed by a test.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files(pub(crate) BTreeMap<String, String>);

impl Files {
    /// The guide's getting-started mesh in its final state.
    pub(crate) fn getting_started() -> Self {
        let files = examples![
            "create-mesh.json",
            "create-route.json",
            "create-virtual-node-servicea.json",
            "create-virtual-node-serviceb.json",
            "create-virtual-node-servicebv2.json",
            "create-virtual-router.json",
            "create-virtual-service-servicea.json",
            "create-virtual-service-serviceb.json",
        ];
        Self(
            files
                .map(|(name, text)| (name.to_owned(), text.to_owned()))
                .into(),
        )
    }

    /// Adds or replaces a file.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "text and JSON alike, without a borrow"
    )]
    pub(crate) fn with(mut self, name: &str, text: impl ToString) -> Self {
        self.0.insert(name.to_owned(), text.to_string());
        self
    }

    /// Takes a file out.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.remove(name).expect("the file was there");
        self
    }

    /// Changes a value of a file, by JSON pointer. The pointer's last member may be new.
    pub(crate) fn set(self, name: &str, pointer: &str, value: Value) -> Self {
        let mut document = self.json(name);
        let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
        match document
            .pointer_mut(parent)
            .expect("a place in the document")
        {
            Value::Object(members) => {
                members.insert(member.to_owned(), value);
            }
            Value::Array(items) => items[member.parse::<usize>().expect("an index")] = value,
            other => panic!("{other} has no members"),
        }
        self.with(name, format!("{document:#}"))
    }

    /// A file as JSON.
    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.0[name]).expect("JSON")
    }

    pub(crate) fn document_set(&self) -> DocumentSet {
        DocumentSet {
            files: self
                .0
                .iter()
                .map(|(name, text)| SourceFile::new(name, text.as_str()))
                .collect(),
            ..DocumentSet::default()
        }
    }

    pub(crate) fn parse(&self) -> Parsed {
        Documents::parse(&self.document_set())
    }

    /// The only problem of the files.
    pub(crate) fn problem(&self) -> Problem {
        let problems = self.parse().problems;
        let [problem] = &problems[..] else {
            panic!("one problem was expected: {problems:#?}")
        };
        problem.clone()
    }

    /// The warnings of files that are good.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        self.parse().into_result().expect("good documents").1
    }

    /// Resolves a node of good files.
    pub(crate) fn resolve(&self, node: &str) -> Result<Resolved, Vec<Problem>> {
        let resource = format!("mesh/apps/virtualNode/{node}");
        self.resolve_in(&resource, &Environment::new())
    }

    /// Resolves a resource of good files in an environment.
    pub(crate) fn resolve_in(
        &self,
        resource: &str,
        environment: &Environment,
    ) -> Result<Resolved, Vec<Problem>> {
        let (documents, _) = self.parse().into_result().expect("good documents");
        let resource: ResourceName = resource.parse().expect("a name");
        resolve(&documents, &resource, environment)
    }
}
