//! A list of variables, as `docker run --env-file` and systemd's `EnvironmentFile=` take it.

use std::sync::Arc;

use super::{super::variables::NAMES, Gathered, RedirectSource};
use crate::{
    document::finding::Findings,
    problem::{Place, Rule, suggest},
    source::SourceFile,
};

/// What begins the name of every variable of App Mesh.
const PREFIX: &str = "APPMESH_";

/// Variables of App Mesh that say nothing of redirection (guide, "Envoy configuration variables").
const OTHERS: [&str; 14] = [
    "APPMESH_DUALSTACK_ENDPOINT",
    "APPMESH_FIPS_ENDPOINT",
    "APPMESH_METRIC_EXTENSION_VERSION",
    "APPMESH_PLATFORM_APP_MESH_CONTROLLER_VERSION",
    "APPMESH_PLATFORM_K8S_POD_UID",
    "APPMESH_PLATFORM_K8S_VERSION",
    "APPMESH_PREVIEW",
    "APPMESH_RESOURCE_ARN",
    "APPMESH_RESOURCE_CLUSTER",
    "APPMESH_SDS_SOCKET_PATH",
    "APPMESH_SET_TRACING_DECISION",
    "APPMESH_VIRTUAL_NODE_NAME",
    "APPMESH_XDS_ENDPOINT",
    "APPMESH_SIGNING_NAME",
];

/// Whether a file is such a list, told by its name or by how it begins.
pub(crate) fn is_env_file(file: &SourceFile) -> bool {
    let is_assignment = |line: &str| {
        let name = line.split_once('=').map_or("", |(name, _)| name);
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let mut lines = file.text.lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    file.name.rsplit('.').next() == Some("env") || first.is_some_and(is_assignment)
}

/// What a list says; nothing where it has no variable of the route manager.
///
/// Quotation marks around a value are taken off, as systemd and `docker compose` do. A name alone
/// passes on a value that is in no file, and counts as unset.
pub(crate) fn read(file: &Arc<SourceFile>, findings: &mut Findings) -> Option<RedirectSource> {
    let mut gathered = Gathered::default();
    let mut misspelt = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        let place = |field: &str| Place {
            line: Some(index + 1),
            field: Some(field.to_owned()),
            ..Place::file(file.name.clone())
        };
        if let Some(known) = NAMES.into_iter().find(|known| *known == name) {
            gathered.insert(known, unquoted(value), place(known));
        } else if let Some(rest) = name.strip_prefix(PREFIX)
            && !OTHERS.contains(&name)
            && let Some(meant) = suggest::closest(rest, NAMES.map(|name| &name[PREFIX.len()..]))
        {
            misspelt.push((place(name), format!("{PREFIX}{meant}")));
        }
    }
    for (place, meant) in misspelt {
        let message =
            format!("App Mesh knows no such variable, it has no effect; did you mean `{meant}`?");
        findings.warn(place, Rule::UnknownField, message);
    }
    if gathered.values.is_empty() {
        return None;
    }
    gathered.into_source(Place::file(file.name.clone()), findings)
}

/// A value without the quotation marks around it.
fn unquoted(value: &str) -> &str {
    let value = value.trim();
    let inside = |mark: char| value.strip_prefix(mark)?.strip_suffix(mark);
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}
