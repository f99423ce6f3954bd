//! The enrolment file: which workloads a daemon serves, and what each was given.
//!
//! ```yaml
//! workloads:
//!   - name: shop
//!     resource: mesh/apps/virtualNode/shop
//!     cgroup: /sys/fs/cgroup/mesh.slice/shop.service
//!     netns: /run/netns/shop
//!     onProxyDown: refuse
//!     environment: { APPMESH_APP_PORTS: "8080" }
//!     filesRoot: /srv/shop
//!     log: /var/log/shop-access.log
//!     strict: false
//! ```

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use mesh_model::{redirect::OnProxyDown, resource::ResourceName};
use serde::{Deserialize, Serialize};

use crate::{
    Environment,
    document::finding::{Findings, Origin},
    own::{self, Mends},
    problem::{Place, Problem, Rule, path::FieldPath},
    read::{Read, cursor::At, words},
    tree::{Node, Value},
};

/// A name becomes a file name in bpffs, and a word in status and statistics.
const NAME_LENGTH: usize = 63;
/// How large a file may be, in bytes: thousands of workloads.
const MAX_FILE: u64 = 8 << 20;

/// One workload as it is to be enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Enrolment {
    /// Unique in a daemon: 1 to 63 letters, digits, hyphens and underscores.
    pub name: String,
    /// What it is; none where `APPMESH_RESOURCE_ARN` of its environment says it.
    pub resource: Option<ResourceName>,
    /// The cgroup v2 directory whose processes are the workload.
    pub cgroup: PathBuf,
    /// A file that stands for its network namespace; none for the daemon's own.
    pub netns: Option<PathBuf>,
    /// What its new connections do while the proxy is down.
    pub on_proxy_down: OnProxyDown,
    /// The variables of App Mesh that it was given.
    pub environment: Environment,
    /// Its root directory as the daemon sees it, for the files that documents and defaults name.
    pub files_root: Option<PathBuf>,
    /// Where what it logs to `/dev/stdout` goes; none for the daemon's own output.
    pub log: Option<PathBuf>,
    /// Sockets that cannot be redirected any more are closed.
    pub strict: bool,
}

impl Enrolment {
    /// A workload with defaults for the rest.
    pub fn new(name: impl Into<String>, cgroup: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            resource: None,
            cgroup: cgroup.into(),
            netns: None,
            on_proxy_down: OnProxyDown::default(),
            environment: Environment::new(),
            files_root: None,
            log: None,
            strict: false,
        }
    }
}

/// Whether a word can name a workload.
pub fn is_name(word: &str) -> bool {
    (1..=NAME_LENGTH).contains(&word.len())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Reads a file: YAML, or JSON where its name ends so.
///
/// # Errors
/// The file cannot be read, or is at fault: every fault of it, with place and mend.
pub fn read(path: &Path) -> Result<Vec<Enrolment>, Vec<Problem>> {
    let name = path.display().to_string();
    let text = text_of(path).map_err(|error| {
        vec![Problem {
            place: Place::file(name.clone()),
            rule: Rule::Syntax,
            value: None,
            message: format!("the enrolment file cannot be read: {error}"),
            mend: "give a file that is there and that root may read".to_owned(),
        }]
    })?;
    parse(&name, &text)
}

fn text_of(path: &Path) -> io::Result<String> {
    let size = fs::metadata(path)?.len();
    if size > MAX_FILE {
        let message = format!("it is larger than {} MiB", MAX_FILE >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    fs::read_to_string(path)
}

/// The same of a text; `name` is the file's.
///
/// # Errors
/// Every fault of it, with place and mend.
pub fn parse(name: &str, text: &str) -> Result<Vec<Enrolment>, Vec<Problem>> {
    let mends = Mends {
        several: "list all workloads in one document",
        empty: "write `workloads: []` where there are none",
    };
    let list = |top: &At<'_>| top.object(&["workloads"])?.required("workloads");
    own::read(name, text, &mends, list, refuse_doubles).map(|List(list)| list)
}

fn refuse_doubles(List(list): &List, origin: &Origin, findings: &mut Findings) {
    let mut first = BTreeMap::new();
    for (index, enrolment) in list.iter().enumerate() {
        if let Some(before) = first.insert(&enrolment.name, index) {
            let path = FieldPath::default()
                .member("workloads")
                .item(index)
                .member("name");
            findings.refuse(
                origin.place(Some(&format!("workload {}", enrolment.name)), &path),
                Rule::Duplicate,
                format!("workloads[{before}] has the name `{}` too", enrolment.name),
                "give each workload a name of its own",
            );
        }
    }
}

struct List(Vec<Enrolment>);

impl Read for List {
    fn read(at: &At<'_>) -> Option<Self> {
        at.items().map(Self)
    }
}

impl Read for Enrolment {
    fn read(at: &At<'_>) -> Option<Self> {
        let object = at.object(&[
            "name",
            "resource",
            "cgroup",
            "netns",
            "onProxyDown",
            "environment",
            "filesRoot",
            "log",
            "strict",
        ])?;
        let name: Option<Name> = object.required("name");
        let resource: Option<Option<ResourceName>> = object.optional("resource");
        let cgroup: Option<AbsolutePath> = object.required("cgroup");
        let [netns, files_root, log] =
            ["netns", "filesRoot", "log"].map(|member| object.optional::<AbsolutePath>(member));
        let on_proxy_down: Option<Option<OnProxyDown>> = object.optional("onProxyDown");
        let environment: Option<Option<Variables>> = object.optional("environment");
        let strict: Option<Option<Strict>> = object.optional("strict");
        let path = |path: Option<AbsolutePath>| path.map(|AbsolutePath(path)| path);
        Some(Self {
            name: name?.0,
            resource: resource?,
            cgroup: cgroup?.0,
            netns: path(netns?),
            on_proxy_down: on_proxy_down?.unwrap_or_default(),
            environment: environment?.map_or_else(Environment::new, |Variables(read)| read),
            files_root: path(files_root?),
            log: path(log?),
            strict: strict?.is_some_and(|Strict(is_strict)| is_strict),
        })
    }
}

words!(OnProxyDown { Refuse "refuse", Bypass "bypass" });

struct Name(String);

impl Read for Name {
    fn read(at: &At<'_>) -> Option<Self> {
        let name = at.as_str().filter(|name| is_name(name));
        if name.is_none() {
            at.refuse(
                "1 to 63 letters, digits, hyphens and underscores",
                "give it such a name",
            );
        }
        name.map(|name| Self(name.to_owned()))
    }
}

struct AbsolutePath(PathBuf);

impl Read for AbsolutePath {
    fn read(at: &At<'_>) -> Option<Self> {
        let path = at.as_str().map(Path::new).filter(|path| path.is_absolute());
        if path.is_none() {
            at.refuse("an absolute path", "write it from the root: /…");
        }
        path.map(|path| Self(path.to_owned()))
    }
}

struct Strict(bool);

impl Read for Strict {
    fn read(at: &At<'_>) -> Option<Self> {
        let strict = at.as_bool();
        if strict.is_none() {
            at.refuse("true or false", "write true or false");
        }
        strict.map(Self)
    }
}

impl Read for ResourceName {
    fn read(at: &At<'_>) -> Option<Self> {
        let resource = at.as_str().and_then(|name| name.parse().ok());
        if resource.is_none() {
            at.refuse(
                "the name of a resource",
                "write mesh/MESH/virtualNode/NODE, mesh/MESH/virtualGateway/GATEWAY or the whole ARN",
            );
        }
        resource
    }
}

/// Values are text; a number is taken as it is written.
struct Variables(Environment);

impl Read for Variables {
    fn read(at: &At<'_>) -> Option<Self> {
        let Some(members) = at.members() else {
            at.refuse("an object", "write it in braces: { NAME: \"VALUE\" }");
            return None;
        };
        let mut variables = Some(Environment::new());
        for member in members {
            let text = match &member.node.value {
                Value::Int(number) => Some(number.to_string()),
                _ => Node::as_str(&member.node).map(str::to_owned),
            };
            match (text, &mut variables) {
                (Some(text), Some(read)) => {
                    read.insert(member.name.to_string(), text);
                }
                (Some(_), None) => {}
                (None, _) => {
                    at.with_member(&member.name, |at| {
                        at.refuse("the text of a variable", "write it in quotation marks");
                    });
                    variables = None;
                }
            }
        }
        variables.map(Self)
    }
}

#[cfg(test)]
mod tests;
