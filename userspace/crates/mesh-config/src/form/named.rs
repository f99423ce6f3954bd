//! Which resource a file describes that does not say so: by the command line, or by its name.

use std::str::FromStr;

use crate::document::Kind;

/// The way to a resource: `mesh/apps/virtualRouter/colors/route/main`, as an ARN has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourcePath {
    /// The mesh, where it is named.
    pub mesh: Option<String>,
    /// The kind.
    pub kind: Kind,
    /// The router of a route, the gateway of a gateway route, where it is named.
    pub parent: Option<String>,
    /// The resource's own name.
    pub name: String,
}

/// A way to a resource that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{given}` is the way to no resource; write mesh/MESH/virtualNode/NODE, \
     mesh/MESH/virtualRouter/ROUTER/route/ROUTE and so on"
)]
pub struct InvalidDocumentName {
    given: String,
}

impl FromStr for ResourcePath {
    type Err = InvalidDocumentName;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let steps: Vec<&str> = given.split('/').collect();
        let path = at_end(&steps).filter(|path| path.steps() == steps.len());
        path.map(Borrowed::into_owned)
            .ok_or_else(|| InvalidDocumentName {
                given: given.to_owned(),
            })
    }
}

/// What a file is called may say what it is: the end of its path is the way to a resource
/// (`apps/virtualRouter/colors/route/main.json`), or its name ends with a word for its kind
/// (`colorteller-vn.json`), or the kind is plain from what it says and its name is the resource's.
/// A command before that says nothing of the name: of `update-route.json` alone there is none.
pub(super) fn named_by_file(file: &str, kind: Option<Kind>) -> Option<ResourcePath> {
    let (directory, base) = file.rsplit_once('/').unwrap_or(("", file));
    let stem = without_extensions(base);
    let steps: Vec<&str> = directory.split('/').chain([stem]).collect();
    // A directory called `mesh` is no word on what is in it.
    if let Some(path) = at_end(&steps).filter(|path| path.kind != Kind::Mesh) {
        return Some(path.into_owned());
    }
    let stem = without_command(stem);
    let suffixed = SUFFIXES.iter().find_map(|(suffix, kind)| {
        let word = suffix.trim_start_matches('-');
        let name = stem.strip_suffix(suffix).or((stem == word).then_some(""));
        Some((name?, *kind))
    });
    let (name, kind) = match (suffixed, kind) {
        (Some((name, by_suffix)), Some(kind)) if by_suffix == kind => (name, kind),
        (Some((name, by_suffix)), None) => (name, by_suffix),
        (_, Some(kind)) => (stem, kind),
        (None, None) => return None,
    };
    (!name.is_empty()).then(|| ResourcePath {
        mesh: None,
        kind,
        parent: None,
        name: name.to_owned(),
    })
}

/// A name of a virtual service has dots of its own.
fn without_extensions(base: &str) -> &str {
    let shorter = EXTENSIONS.iter().find_map(|end| base.strip_suffix(end));
    shorter.map_or(base, without_extensions)
}

const EXTENSIONS: [&str; 7] = [
    ".json",
    ".jq",
    ".spec",
    ".template",
    ".tpl",
    ".yaml",
    ".yml",
];

fn without_command(stem: &str) -> &str {
    let mut commands = ["create-", "update-"].iter();
    let name = commands.find_map(|command| stem.strip_prefix(command));
    name.unwrap_or(stem)
}

/// Endings of file names, the longer before those that they end with.
const SUFFIXES: [(&str, Kind); 13] = [
    ("-gateway-route", Kind::GatewayRoute),
    ("-gwroute", Kind::GatewayRoute),
    ("-mesh", Kind::Mesh),
    ("-route", Kind::Route),
    ("-vg", Kind::VirtualGateway),
    ("-vgw", Kind::VirtualGateway),
    ("-virtual-gateway", Kind::VirtualGateway),
    ("-virtual-node", Kind::VirtualNode),
    ("-virtual-router", Kind::VirtualRouter),
    ("-virtual-service", Kind::VirtualService),
    ("-vn", Kind::VirtualNode),
    ("-vr", Kind::VirtualRouter),
    ("-vs", Kind::VirtualService),
];

/// A way to a resource at the end of a path.
struct Borrowed<'a> {
    mesh: Option<&'a str>,
    kind: Kind,
    parent: Option<&'a str>,
    name: &'a str,
}

impl Borrowed<'_> {
    fn steps(&self) -> usize {
        2 * (1 + usize::from(self.parent.is_some()) + usize::from(self.mesh.is_some()))
    }

    fn into_owned(self) -> ResourcePath {
        ResourcePath {
            mesh: self.mesh.map(str::to_owned),
            kind: self.kind,
            parent: self.parent.map(str::to_owned),
            name: self.name.to_owned(),
        }
    }
}

fn at_end<'a>(steps: &[&'a str]) -> Option<Borrowed<'a>> {
    let (before, &[word, name]) = steps.split_last_chunk::<2>()?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word)?;
    let pair = |steps: &[&'a str], kind: Kind| {
        let (before, &[word, name]) = steps.split_last_chunk::<2>()?;
        (word == kind.word() && !name.is_empty()).then_some((before.len(), name))
    };
    let (before, parent) = match kind.parent() {
        Some(parent) => {
            let (rest, name) = pair(before, parent)?;
            (&before[..rest], Some(name))
        }
        None => (before, None),
    };
    let mesh = pair(before, Kind::Mesh).map(|(_, name)| name);
    (!name.is_empty()).then_some(Borrowed {
        mesh: mesh.filter(|_| kind != Kind::Mesh),
        kind,
        parent,
        name,
    })
}

#[cfg(test)]
mod tests;
