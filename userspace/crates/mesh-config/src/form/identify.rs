//! Which kind of resource an object describes, told by the names that it carries.

use crate::{
    document::Kind,
    problem::{Rule, suggest},
    read::cursor::At,
    tree::{Members, Node},
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
pub(crate) fn identify(members: &Members, at: &At<'_>) -> Identified {
    let named: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|kind| *kind != Kind::Mesh && members.has(kind.name_member()))
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
fn unnamed(members: &Members, at: &At<'_>) -> Identified {
    let name_members = Kind::ALL.map(Kind::name_member);
    let spec = members.get("spec").and_then(Node::as_map);
    let slip = members.iter().find_map(|member| {
        let given = member.name.as_str();
        let known = name_members.contains(&given);
        let meant = suggest::closest(given, name_members).filter(|_| !known)?;
        Some((given, meant))
    });
    let likely = spec.map(likely_kinds).unwrap_or_default();
    if let Some((given, meant)) = slip.filter(|_| spec.is_some()) {
        at.with_member(given, |at| {
            at.problem(
                Rule::UnknownKind,
                format!("the document has no name that tells its kind, but `{given}`"),
                format!("did you mean `{meant}`?"),
            );
        });
        return Identified::Faulty;
    }
    if members.has(Kind::Mesh.name_member()) && likely.is_empty() {
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
            "add {} beside `spec`, or say on the command line which resource the file describes: \
             --document FILE=mesh/MESH/KIND/NAME",
            suggest::alternatives(&wanted).unwrap_or_default()
        ),
    );
    Identified::Faulty
}

/// The kinds below the mesh that a spec could be of, judged by a member that a mesh's has not.
fn likely_kinds(spec: &Members) -> &'static [Kind] {
    match kind_of_spec(spec) {
        Some(Kind::GatewayRoute) => &[Kind::GatewayRoute],
        Some(Kind::Route) => &[Kind::Route],
        Some(Kind::VirtualNode) => &[Kind::VirtualNode],
        Some(Kind::VirtualService) => &[Kind::VirtualService],
        _ if ROUTES.iter().any(|member| spec.has(member)) || spec.has("priority") => {
            &[Kind::Route, Kind::GatewayRoute]
        }
        _ if ["listeners", "backendDefaults", "logging"]
            .iter()
            .any(|m| spec.has(m)) =>
        {
            &[Kind::VirtualNode, Kind::VirtualRouter, Kind::VirtualGateway]
        }
        _ => &[],
    }
}

const ROUTES: [&str; 4] = ["grpcRoute", "http2Route", "httpRoute", "tcpRoute"];

/// The kind that alone has a spec with such members.
pub(super) fn kind_of_spec(spec: &Members) -> Option<Kind> {
    let route = ROUTES.iter().find_map(|member| spec.get(member));
    if let Some(action) = route.and_then(|route| route.get("action")) {
        let kinds = [
            ("weightedTargets", Kind::Route),
            ("target", Kind::GatewayRoute),
        ];
        let kind = kinds
            .into_iter()
            .find(|(member, _)| action.get(member).is_some());
        return kind.map(|(_, kind)| kind);
    }
    if spec.has("provider") {
        return Some(Kind::VirtualService);
    }
    let discovery = spec.get("serviceDiscovery");
    let is_node = spec.has("backends")
        || discovery.is_some_and(|found| found.get("dns").or(found.get("awsCloudMap")).is_some());
    is_node.then_some(Kind::VirtualNode)
}

/// The kind whose spec an object is as a whole. Other programs have members called so too.
pub(super) fn kind_of_bare_spec(members: &Members) -> Option<Kind> {
    let has_any = |node: &Node, names: &[&str]| names.iter().any(|name| node.get(name).is_some());
    let kind = kind_of_spec(members)?;
    let is_it = match kind {
        Kind::VirtualService => members
            .get("provider")
            .is_some_and(|provider| has_any(provider, &["virtualNode", "virtualRouter"])),
        Kind::VirtualNode => {
            let backends = members.get("backends").and_then(Node::as_list);
            let mut backends = backends.into_iter().flatten();
            members.has("serviceDiscovery")
                || backends.any(|backend| backend.get("virtualService").is_some())
        }
        _ => true,
    };
    is_it.then_some(kind)
}

/// The kinds whose spec an object may be as a whole, where its name says nothing.
pub(super) fn kinds_of_bare_spec(members: &Members) -> Vec<Kind> {
    if let Some(kind) = kind_of_bare_spec(members) {
        return vec![kind];
    }
    let listeners = members.get("listeners").and_then(Node::as_list);
    let mut listeners = listeners.into_iter().flatten();
    if listeners.any(|listener| listener.get("portMapping").is_some()) {
        return likely_kinds(members).to_vec();
    }
    Vec::new()
}

/// Whether an object that is named as of a kind may be the spec of one. An empty one may.
pub(super) fn may_be_spec_of(kind: Kind, members: &Members) -> bool {
    let known: &[&str] = match kind {
        Kind::Mesh => &["egressFilter", "serviceDiscovery"],
        Kind::VirtualNode => &[
            "backendDefaults",
            "backends",
            "listeners",
            "logging",
            "serviceDiscovery",
        ],
        Kind::VirtualRouter => &["listeners"],
        Kind::VirtualGateway => &["backendDefaults", "listeners", "logging"],
        Kind::VirtualService => &["provider"],
        Kind::Route | Kind::GatewayRoute => &ROUTES,
    };
    members.is_empty() || known.iter().any(|name| members.has(name))
}
