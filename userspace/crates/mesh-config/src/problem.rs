//! What is wrong, or worth knowing, in documents and variables: place, rule and mend.

pub(crate) mod path;
pub(crate) mod suggest;

use std::fmt;

use serde::Serialize;

/// Where in the documents something was found. Every part is there as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The file, relative to the directory of documents; empty for a variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in it, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column in it, from 1; only where the text is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// The kind and name of the resource: `route serviceB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// The path of the field: `spec.httpRoute.action.weightedTargets[1].weight`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl Place {
    /// A file as a whole.
    pub fn file(name: impl Into<String>) -> Self {
        Self {
            file: Some(name.into()),
            ..Self::default()
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(file) = &self.file {
            f.write_str(file)?;
            for number in [self.line, self.column].into_iter().flatten() {
                write!(f, ":{number}")?;
            }
            separator = ": ";
        }
        for part in [&self.document, &self.field].into_iter().flatten() {
            write!(f, "{separator}{part}")?;
            separator = ": ";
        }
        Ok(())
    }
}

/// The sort of a problem or warning; its name is stable and fit for a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Two documents are the state of one resource.
    Duplicate,
    /// A document or a field that App Mesh took is not run yet.
    NotYet,
    /// A document points at something that is not there, or does not fit it.
    Reference,
    /// A file cannot be read.
    Syntax,
    /// A field that no App Mesh document of this kind has.
    UnknownField,
    /// A document whose kind cannot be told.
    UnknownKind,
    /// A value outside the bounds of the App Mesh API or the guide.
    Value,
    /// A variable or an expression: its value, or that it has none.
    Variable,
    /// It is allowed, but does not do what one may think.
    Weak,
}

impl Rule {
    /// Every rule, by name.
    pub const ALL: [Self; 9] = [
        Self::Duplicate,
        Self::NotYet,
        Self::Reference,
        Self::Syntax,
        Self::UnknownField,
        Self::UnknownKind,
        Self::Value,
        Self::Variable,
        Self::Weak,
    ];

    /// What it is about, in a sentence.
    pub fn description(self) -> &'static str {
        match self {
            Self::Duplicate => "Two documents are the state of one resource.",
            Self::NotYet => "A document or a field that App Mesh took is not run yet.",
            Self::Reference => {
                "A document points at something that is not there, or does not fit it."
            }
            Self::Syntax => "A file cannot be read.",
            Self::UnknownField => "No App Mesh document of this kind has the field.",
            Self::UnknownKind => "The kind of a document cannot be told.",
            Self::Value => "A value is outside the bounds of the App Mesh API or its guide.",
            Self::Variable => "A variable or an expression has no value, or one that does not fit.",
            Self::Weak => "It is allowed, but does not do what one may think.",
        }
    }
}

/// Something wrong that keeps a configuration from coming into force.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// Which sort.
    pub rule: Rule,
    /// The value that breaks the rule, where there is one: JSON, or a variable's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What is wrong, the value and the rule that it breaks, in one sentence.
    pub message: String,
    /// What to do about it.
    pub mend: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.message, self.mend)
    }
}

impl std::error::Error for Problem {}

/// Something that is allowed and worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// Where.
    pub place: Place,
    /// Which sort.
    pub rule: Rule,
    /// What it is and what will happen.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// How far something that a document asks is from what Ferromesh does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distance {
    /// It runs, in another way than App Mesh's.
    Differs,
    /// It does what App Mesh did, which may surprise.
    Note,
    /// It is read and checked, and has no effect yet.
    NotYet,
}

/// Something that a running configuration asks for and does not get, or gets differently.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Where it is asked for.
    pub place: Place,
    /// How far off.
    pub distance: Distance,
    /// What is asked for and what happens instead.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}
