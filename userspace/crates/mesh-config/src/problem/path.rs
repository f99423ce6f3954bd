//! The path of a field in a document: `spec.httpRoute.action.weightedTargets[1].weight`.

use std::fmt;

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    /// Into an object.
    Member(String),
    /// Into an array, from 0.
    Item(usize),
}

/// Steps from the top of a document, or of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FieldPath(pub(crate) Vec<Step>);

impl FieldPath {
    /// `spec`, where nearly every path begins.
    pub(crate) fn spec() -> Self {
        Self::default().member("spec")
    }

    /// A step into an object.
    pub(crate) fn member(mut self, name: &str) -> Self {
        self.0.push(Step::Member(name.to_owned()));
        self
    }

    /// Several steps into objects.
    pub(crate) fn members(self, names: &[&str]) -> Self {
        names.iter().fold(self, |path, name| path.member(name))
    }

    /// A step into an array.
    pub(crate) fn item(mut self, index: usize) -> Self {
        self.0.push(Step::Item(index));
        self
    }

    /// This path from where `self` leads.
    pub(crate) fn join(mut self, rest: &Self) -> Self {
        self.0.extend(rest.0.iter().cloned());
        self
    }

    /// Whether it leads nowhere.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Member(name) if index == 0 => f.write_str(name)?,
                Step::Member(name) => write!(f, ".{name}")?,
                Step::Item(item) => write!(f, "[{item}]")?,
            }
        }
        Ok(())
    }
}
