//! Which kind of resource a JSON value describes, told by the names that it carries.

use serde_json::{Map, Value};

use super::identity::Kind;
use crate::{
    problem::{Rule, suggest},
    read::cursor::At,
};

/// What a value turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identified {
    /// A document of this kind.
    Kind(Kind),
    /// Something of App Mesh, but of no kind that could be told; the reason is in the log.
    Faulty,
    /// Nothing of App Mesh.
    Foreign,
}

/// Tells the kind of a document by its members.
pub(crate) fn identify(members: &Map<String, Value>, at: &At<'_>) -> Identified {
    let named: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|kind| *kind != Kind::Mesh && members.contains_key(kind.name_member()))
        .collect();
    match named[..] {
        [kind] => return Identified::Kind(kind),
        [kind, parent] if kind.parent() == Some(parent) => return Identified::Kind(kind),
        [] => {}
        _ => {
            let carried: Vec<&str> = named.iter().map(|kind| kind.name_member()).collect();
            at.problem(
                Rule::UnknownKind,
                format!(
                    "the document carries {}: it can describe one resource",
                    carried.join(" and ")
                ),
                "make a document for each",
            );
            return Identified::Faulty;
        }
    }
    unnamed(members, at)
}

/// A document without the name of anything below the mesh: the mesh itself, or a slip.
fn unnamed(members: &Map<String, Value>, at: &At<'_>) -> Identified {
    let name_members = Kind::ALL.map(Kind::name_member);
    let spec = members.get("spec").and_then(Value::as_object);
    let slip = members.keys().find_map(|given| {
        let known = name_members.contains(&given.as_str());
        let meant = suggest::closest(given, name_members).filter(|_| !known)?;
        Some((given, meant))
    });
    let likely = spec.map(likely_kinds).unwrap_or_default();
    if let Some((given, meant)) = slip.filter(|_| spec.is_some()) {
        at.problem(
            Rule::UnknownKind,
            format!("the document has no name that tells its kind, but `{given}`"),
            format!("did you mean `{meant}`?"),
        );
        return Identified::Faulty;
    }
    if members.contains_key(Kind::Mesh.name_member()) && likely.is_empty() {
        return Identified::Kind(Kind::Mesh);
    }
    if spec.is_none() {
        return Identified::Foreign;
    }
    let wanted = if likely.is_empty() {
        &Kind::ALL[..]
    } else {
        likely
    };
    let wanted: Vec<String> = wanted
        .iter()
        .map(|kind| format!("`{}`", kind.name_member()))
        .collect();
    at.problem(
        Rule::UnknownKind,
        "the document has a `spec` and no name that tells what it is the spec of",
        format!(
            "add {} beside `spec`",
            suggest::alternatives(&wanted).unwrap_or_default()
        ),
    );
    Identified::Faulty
}

/// The kinds below the mesh that a spec could be of, judged by a member that a mesh's has not.
fn likely_kinds(spec: &Map<String, Value>) -> &'static [Kind] {
    let has = |member: &str| spec.contains_key(member);
    if has("provider") {
        &[Kind::VirtualService]
    } else if [
        "grpcRoute",
        "httpRoute",
        "http2Route",
        "tcpRoute",
        "priority",
    ]
    .into_iter()
    .any(has)
    {
        &[Kind::Route, Kind::GatewayRoute]
    } else if has("backends")
        || spec
            .get("serviceDiscovery")
            .is_some_and(|found| found.get("dns").is_some() || found.get("awsCloudMap").is_some())
    {
        &[Kind::VirtualNode]
    } else if has("listeners") || has("backendDefaults") || has("logging") {
        &[Kind::VirtualNode, Kind::VirtualRouter, Kind::VirtualGateway]
    } else {
        &[]
    }
}
