//! What has to come of a set of files, as `verdicts.json` and `counts.json` say it.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use mesh_config::{
    form::{Inputs, ResourcePath},
    source::{DocumentSet, SourceFile},
};
use serde::{Deserialize, de::DeserializeOwned};

/// What each published file holds, by its path.
pub(crate) type Counts = BTreeMap<String, File>;

/// What the independent script found in a file.
#[derive(Deserialize)]
pub(crate) struct File {
    pub(crate) form: String,
    #[serde(default)]
    pub(crate) variables: Vec<String>,
    #[serde(default)]
    pub(crate) resources: Vec<Resource>,
}

/// A resource that a file holds.
#[derive(Deserialize)]
pub(crate) struct Resource {
    /// Absent where only the kind's specification stands there.
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) kinds: Vec<String>,
    /// Absent where the command line names it.
    pub(crate) name: Option<String>,
    pub(crate) of: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Verdicts {
    pub(crate) sets: Vec<Set>,
}

/// Files that an operator would hand over together.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) directory: String,
    pub(crate) files: Vec<String>,
    pub(crate) verdict: Verdict,
    #[serde(default)]
    pub(crate) variables: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, String>,
    /// Names from the command line, by file; of a made set, the names of each kind.
    #[serde(default)]
    pub(crate) names: BTreeMap<String, Names>,
    #[serde(default)]
    pub(crate) warnings: Vec<Remark>,
    #[serde(default)]
    pub(crate) may_warn: Vec<Remark>,
    /// What the documents point at and no file of the source has.
    #[serde(default)]
    pub(crate) missing: Vec<String>,
    #[serde(default)]
    pub(crate) refusals: Vec<Remark>,
    /// Of a made set: how many resources of each kind.
    pub(crate) counts: Option<BTreeMap<String, usize>>,
    #[serde(rename = "why")]
    _why: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Accepted,
    Warned,
    Incomplete,
    Refused,
    ConvertedOrRefused,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Names {
    Given {
        kind: String,
        name: String,
        mesh: Option<String>,
        of: Option<String>,
    },
    OfKind(Vec<String>),
}

/// A problem or warning that is asked for, by as much of it as is given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Remark {
    pub(crate) rule: String,
    pub(crate) file: Option<String>,
    #[serde(default)]
    pub(crate) lines: Vec<usize>,
    pub(crate) line: Option<usize>,
    pub(crate) document: Option<String>,
    pub(crate) field: Option<String>,
    pub(crate) says: Option<String>,
    #[serde(default)]
    pub(crate) files: Vec<String>,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rule)?;
        for lines in self.line.iter().chain(&self.lines) {
            write!(f, ", line {lines}")?;
        }
        let parts = [&self.file, &self.document, &self.field];
        for part in parts.into_iter().flatten().chain(&self.files) {
            write!(f, ", {part}")?;
        }
        self.says
            .iter()
            .try_for_each(|said| write!(f, ", saying {said:?}"))
    }
}

impl Set {
    /// Its files, by their paths in the corpus.
    pub(crate) fn paths(&self) -> impl Iterator<Item = String> {
        self.files
            .iter()
            .map(|file| format!("{}/{file}", self.directory))
    }

    pub(crate) fn read(&self, base: &Path) -> DocumentSet {
        let read = |(file, path): (&String, String)| {
            let text = fs::read_to_string(base.join(path)).expect("a file of the corpus");
            SourceFile::new(file, text)
        };
        let mut files: Vec<_> = self.files.iter().zip(self.paths()).map(read).collect();
        files.sort_by(|left, right| left.name.cmp(&right.name));
        DocumentSet {
            files,
            ..DocumentSet::default()
        }
    }

    /// What the command line would give.
    pub(crate) fn inputs(&self) -> Inputs {
        let given = |(file, given): (&String, &Names)| Some((file.clone(), given.path()?));
        let names = self.names.iter().filter_map(given);
        Inputs {
            variables: self.variables.clone(),
            parameters: self.parameters.clone(),
            names: names.collect(),
        }
    }

    /// A name of the independent script with what the set gives filled in.
    pub(crate) fn filled(&self, name: &str) -> String {
        let mut filled = name.to_owned();
        for (variable, value) in self.variables.iter().chain(&self.parameters) {
            filled = filled.replace(&format!("${{{variable}}}"), value);
        }
        filled
    }
}

impl Names {
    fn path(&self) -> Option<ResourcePath> {
        let Self::Given {
            kind,
            name,
            mesh,
            of,
        } = self
        else {
            return None;
        };
        let word = |kind: &str| format!("{}{}", kind[..1].to_ascii_lowercase(), &kind[1..]);
        let parent = of.as_ref().map(|of| match kind.as_str() {
            "Route" => format!("virtualRouter/{of}/"),
            _ => format!("virtualGateway/{of}/"),
        });
        let mesh = mesh.as_ref().map(|mesh| format!("mesh/{mesh}/"));
        let path = [
            mesh.unwrap_or_default(),
            parent.unwrap_or_default(),
            format!("{}/{name}", word(kind)),
        ]
        .concat();
        Some(path.parse().expect("the way to a resource"))
    }
}

/// A file of the corpus, from JSON.
pub(crate) fn load<T: DeserializeOwned>(path: &Path) -> T {
    let text = fs::read_to_string(path).expect("a file of the corpus");
    serde_json::from_str(&text).expect("well-formed")
}
