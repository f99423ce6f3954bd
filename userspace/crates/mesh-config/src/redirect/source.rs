//! Files that App Mesh took redirection rules from, as values of the route manager's variables.
//!
//! ECS has them in a task definition's `proxyConfiguration`, the Kubernetes controller in a pod's
//! annotations and in the environment of its init container, EC2 in the environment of the script.

mod env_file;
mod pod;
mod task_definition;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

pub(crate) use env_file::{is_env_file, read as read_env_file};
use mesh_model::redirect::{OnProxyDown, RedirectRules, port_ranges};
pub(crate) use pod::read as read_pods;
use serde::Serialize;
pub(crate) use task_definition::{is_task_definition, read as read_task_definition, read_template};

use super::variables::{APP_PORTS, Variables};
use crate::{
    Environment,
    document::{Open, finding::Findings},
    form::{self, Inputs},
    problem::{Place, Problem, Rule, Warning},
    source::directory::read_paths,
    text::variables,
    tree::Node,
};

/// What a file says of the redirection rules of one workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RedirectSource {
    /// Where it stands.
    pub place: Place,
    /// The route manager's variables that it has values for.
    pub variables: BTreeMap<&'static str, String>,
    /// The rules that come of it alone. Unless the file names them, `app_ports` is empty: they are
    /// those of the resource's listeners.
    pub rules: RedirectRules,
}

/// Reads the only source of rules of a file, with what is worth knowing of it.
///
/// # Errors
/// The file cannot be read, has a value that cannot be used, or is not the source of the rules of
/// one workload.
pub fn read(path: &Path, inputs: &Inputs) -> Result<(RedirectSource, Vec<Warning>), Vec<Problem>> {
    let name = path.display().to_string();
    let refused = |rule, message: String, mend: &str| {
        vec![Problem {
            place: Place::file(name.clone()),
            rule,
            value: None,
            message,
            mend: mend.to_owned(),
        }]
    };
    if path.is_dir() {
        let message = "it is a directory".to_owned();
        return Err(refused(Rule::Syntax, message, "give one file of it"));
    }
    let set = match read_paths(&[PathBuf::from(path)]) {
        Ok(set) if set.unreadable.is_empty() => set,
        Ok(set) => return Err(set.unreadable),
        Err(error) => {
            let reason = std::error::Error::source(&error).map(ToString::to_string);
            let message = format!("the file cannot be read: {}", reason.unwrap_or_default());
            return Err(refused(Rule::Syntax, message, "give a file that is there"));
        }
    };
    let mut sources = Vec::new();
    let mut findings = Findings::default();
    for file in &set.files {
        let read = form::read(file, inputs);
        sources.extend(read.redirects);
        findings.extend(read.findings);
    }
    let Findings {
        mut problems,
        warnings,
        open,
    } = findings;
    problems.extend(open.into_iter().map(Open::into_problem));
    if !problems.is_empty() {
        return Err(problems);
    }
    match &sources[..] {
        [source] => Ok(((**source).clone(), warnings)),
        [] => Err(refused(
            Rule::UnknownKind,
            "nothing in the file says what is redirected".to_owned(),
            "give an ECS task definition with a `proxyConfiguration`, a pod with the container \
             `proxyinit` or annotations of App Mesh, or a list of APPMESH_… variables in a file \
             whose name ends in .env",
        )),
        several => {
            let names: Vec<String> = several
                .iter()
                .filter_map(|source| source.place.document.clone())
                .collect();
            let message = format!("the file has the rules of several: {}", names.join(", "));
            Err(refused(Rule::Duplicate, message, "give a file with one"))
        }
    }
}

/// Values of the route manager's variables as they are found in a file.
#[derive(Debug, Default)]
struct Gathered {
    values: BTreeMap<&'static str, (String, Place)>,
    /// One of them has a variable of the document in it that has no value.
    is_open: bool,
}

impl Gathered {
    /// Takes a value. One before it is replaced.
    fn insert(&mut self, variable: &'static str, value: impl Into<String>, place: Place) {
        self.values.insert(variable, (value.into(), place));
    }

    /// Takes a value in which `$NAME` and `${NAME}` are filled in.
    fn fill(
        &mut self,
        variable: &'static str,
        value: &str,
        place: Place,
        inputs: &Inputs,
        findings: &mut Findings,
    ) {
        let mut node = Node::text(value, 0);
        let mut unknown = Vec::new();
        variables::fill(&mut node, &inputs.variables, &mut unknown);
        self.is_open |= !unknown.is_empty();
        findings
            .open
            .extend(unknown.into_iter().map(|(name, _)| Open {
                place: place.clone(),
                mend: format!("--var {name}=VALUE"),
                expression: name,
            }));
        self.insert(variable, node.as_str().unwrap_or_default(), place);
    }

    /// The source that they make, checked. `place` is that of the whole.
    fn into_source(self, place: Place, findings: &mut Findings) -> Option<RedirectSource> {
        if self.is_open {
            return None;
        }
        let values = self.values;
        let environment: Environment = values
            .iter()
            .map(|(name, (value, _))| ((*name).to_owned(), value.clone()))
            .collect();
        let place_of = |name: &str| {
            let found = values.get(name).map(|(_, place)| place.clone());
            found.unwrap_or_else(|| place.clone())
        };
        let mut variables = Variables::new(&environment, &place_of);
        let rules = variables.rules(BTreeSet::new);
        let problems = variables.problems;
        let is_sound = problems.is_empty();
        // What a file says is a document's value; only those of the process are variables.
        findings
            .problems
            .extend(problems.into_iter().map(|problem| Problem {
                rule: Rule::Value,
                ..problem
            }));
        is_sound.then(|| RedirectSource {
            place,
            variables: values
                .into_iter()
                .map(|(name, (value, _))| (name, value))
                .collect(),
            rules,
        })
    }
}

impl fmt::Display for RedirectSource {
    /// The rules, in a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RedirectRules {
            enabled,
            ipv6,
            ignored_uid,
            ignored_gid,
            ignored_ports,
            ignored_networks,
            app_ports,
            egress_port,
            ingress_port,
            on_proxy_down: OnProxyDown::Refuse | OnProxyDown::Bypass,
        } = &self.rules;
        if !enabled {
            f.write_str("nothing is redirected; once it is: ")?;
        }
        if self.variables.contains_key(APP_PORTS) && !app_ports.is_empty() {
            write!(
                f,
                "in on {} to port {ingress_port}",
                port_ranges(app_ports.iter().copied()).join(", ")
            )?;
        } else {
            write!(f, "in on the resource's listeners to port {ingress_port}")?;
        }
        let families = if *ipv6 { "IPv4 and IPv6" } else { "IPv4" };
        write!(f, ", out by {families} to port {egress_port}")?;
        let ignored_ports = port_ranges(ignored_ports.iter().copied()).join(", ");
        write!(f, "; left alone: destination ports {ignored_ports}")?;
        if !ignored_networks.is_empty() {
            write!(f, ", destinations {}", list(ignored_networks))?;
        }
        if let Some(uid) = ignored_uid {
            write!(f, ", user {uid}")?;
        }
        if let Some(gid) = ignored_gid {
            write!(f, ", group {gid}")?;
        }
        Ok(())
    }
}

fn list<T: fmt::Display>(items: &BTreeSet<T>) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}

#[cfg(test)]
mod tests;
