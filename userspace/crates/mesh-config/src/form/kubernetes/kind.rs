//! Which kind of object a manifest is, by `apiVersion` and `kind`.

use super::object::ObjectKind;
use crate::{
    document::finding::{Findings, Origin},
    problem::{Rule, path::FieldPath, suggest},
    tree::Node,
};

/// The group of the controller's kinds.
pub(super) const GROUP: &str = "appmesh.k8s.aws";
const VERSION: &str = "v1beta2";
/// That of the controller before 1.0.
const OLD_VERSION: &str = "v1beta1";
/// The one before that, of the same shape.
const OLDER_VERSION: &str = "v1alpha1";

/// Why an object is not read.
struct Refusal {
    field: &'static str,
    message: String,
    mend: String,
}

impl Refusal {
    fn new(field: &'static str, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            field,
            message: message.into(),
            mend: mend.into(),
        }
    }
}

/// The kind of an object that is read. What seems to be one and is not is reported.
pub(super) fn of(origin: &Origin, findings: &mut Findings) -> Option<ObjectKind> {
    let text = |name| origin.tree.get(name).and_then(Node::as_str);
    let (kind, api_version) = (text("kind"), text("apiVersion"));
    match told(kind.unwrap_or_default(), api_version) {
        Ok(kind) => kind,
        Err(Refusal {
            field,
            message,
            mend,
        }) => {
            let name = origin
                .tree
                .get("metadata")
                .and_then(|node| node.get("name"));
            let name = name.and_then(Node::as_str).unwrap_or_default();
            let label = format!("{} {name}", kind.unwrap_or_default());
            let label = Some(label.trim()).filter(|label| !label.is_empty());
            let place = origin.place(label, &FieldPath::default().member(field));
            // A long mend is read once.
            let earlier = findings
                .problems
                .iter()
                .find(|earlier| earlier.mend == mend);
            let mend = match earlier.and_then(|earlier| earlier.place.line) {
                Some(line) if message == OLD => format!("convert it like that of line {line}"),
                _ => mend,
            };
            findings.refuse(place, Rule::UnknownKind, message, mend);
            None
        }
    }
}

/// None where the object is of no kind that says anything about a mesh.
fn told(kind: &str, api_version: Option<&str>) -> Result<Option<ObjectKind>, Refusal> {
    let known = ObjectKind::APP_MESH.iter().find(|(word, _)| *word == kind);
    let Some(api_version) = api_version else {
        return match known {
            None => Ok(None),
            Some(_) => Err(Refusal::new(
                "apiVersion",
                format!("`apiVersion` is missing: it tells whose `{kind}` this is"),
                format!("add `apiVersion: {GROUP}/{VERSION}`"),
            )),
        };
    };
    let (group, version) = match api_version.split_once('/') {
        Some(parts) => parts,
        None if api_version == GROUP => (GROUP, ""),
        None => ("", api_version),
    };
    match (group, version, known) {
        ("", "v1", _) if kind == "Namespace" => Ok(Some(ObjectKind::Namespace)),
        (GROUP, VERSION, Some((_, kind))) => Ok(Some(*kind)),
        (GROUP, VERSION, None) => Err(no_kind(kind)),
        (GROUP, OLD_VERSION, _) => Err(Refusal::new("apiVersion", OLD, conversion(kind))),
        (GROUP, OLDER_VERSION, _) => Err(Refusal::new("apiVersion", OLDER, conversion(kind))),
        (GROUP, _, _) => Err(Refusal::new(
            "apiVersion",
            format!("{GROUP} has no version `{version}`"),
            format!("write {GROUP}/{VERSION}"),
        )),
        // Others have kinds of these names too: a VirtualService is Istio's as well.
        (_, _, Some(_)) if suggest::closest(group, [GROUP]).is_some() => Err(Refusal::new(
            "apiVersion",
            format!("no kind of App Mesh is of the group `{group}`"),
            format!("did you mean {GROUP}/{VERSION}?"),
        )),
        _ => Ok(None),
    }
}

fn no_kind(kind: &str) -> Refusal {
    if kind.is_empty() {
        let mend = "write which kind of object it is, such as `kind: VirtualNode`";
        return Refusal::new("kind", "`kind` is missing: it is required here", mend);
    }
    let mend = suggest::listed(kind, ObjectKind::APP_MESH.map(|(word, _)| word));
    Refusal::new(
        "kind",
        format!("App Mesh has no kind `{kind}`"),
        format!("write {}", mend.unwrap_or_default()),
    )
}

const OLD: &str = "v1beta1 is the version of the controller before 1.0, whose names and fields are \
                   others: v1beta2 is read";

const OLDER: &str = "v1alpha1 is of the time before v1beta1, and its names and fields are v1beta1's: \
                     v1beta2 is read";

/// What of an object of the older version has to become what.
fn conversion(kind: &str) -> String {
    let changes = match kind {
        "Mesh" => {
            "add `spec.namespaceSelector`, which selects the namespaces of the mesh, and drop \
             `serviceDiscoveryType` and `cloudMapNamespaceName`"
        }
        "VirtualNode" => {
            "drop `meshName`, for the `namespaceSelector` of the Mesh tells it; \
             `backends[].virtualService.virtualServiceName` becomes `virtualServiceRef`, \
             `serviceDiscovery.dns.hostName` becomes `hostname`, `serviceDiscovery.cloudMap` \
             becomes `awsCloudMap`; `podSelector` selects the pods; `awsName` NAME-NAMESPACE keeps \
             the name that it has in App Mesh"
        }
        "VirtualService" => {
            "drop `meshName`, for the `namespaceSelector` of the Mesh tells it; `routes` move into \
             a VirtualRouter with `listeners`, where `http` becomes `httpRoute`, `tcp` becomes \
             `tcpRoute` and `virtualNodeName` becomes `virtualNodeRef`; \
             `provider.virtualRouter.virtualRouterRef` names that router; `awsName` keeps the name \
             that it has in App Mesh"
        }
        _ => "write it anew as the guide of the controller shows it",
    };
    format!("write {GROUP}/{VERSION}: {changes}")
}
