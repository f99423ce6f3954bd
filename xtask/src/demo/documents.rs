//! `--docs DIR`: the reader's own documents, without any host: what works of them, what differs
//! and what is not there yet, and where one request would go.

use std::path::Path;

use anyhow::{Context as _, Result};
use mesh_config::{
    Environment, document::Documents, resolve::resolve, source::directory::read_directory,
    survey::survey,
};
use mesh_model::{
    resource::ResourceName,
    snapshot::{EgressPort, PathMatch, Snapshot},
};
use tests::process::quote;

use super::{Stage, ferromesh, stage::say};

/// Reads the documents and says all of it.
///
/// # Errors
/// When they cannot be read or have problems.
pub(super) fn read(directory: &Path) -> Result<()> {
    // Commands run in the root of the repository, the reader may be elsewhere.
    let directory = std::path::absolute(directory).context("cannot tell where DIR is")?;
    let mut stage = Stage::new(&directory)?;
    let (ferromesh, shown) = (ferromesh(), quote(&directory.to_string_lossy()));

    stage.act("Your documents, read and checked", "")?;
    stage.shell(&format!("{ferromesh} validate {shown}"))?;
    let set = read_directory(&directory).context("the documents cannot be read")?;
    let parsed = Documents::parse(&set);
    stage.expect(parsed.problems.is_empty(), "they have no errors");

    stage.act("What works, what differs, what is not there yet", "")?;
    say(survey(&parsed, &Environment::new()));

    if let Ok((documents, _)) = parsed.into_result() {
        stage.act("Where one request would go", "")?;
        match example(&documents) {
            Some((resource, url)) => {
                stage.shell(&format!(
                    "{ferromesh} explain --mesh-config {shown} --resource {resource} {}",
                    quote(&url)
                ))?;
            }
            None => say("No virtual node has a backend that answers HTTP."),
        }
    }
    stage.finish()
}

/// The first virtual node, by name, that calls another over HTTP, and a URL that it would call.
fn example(documents: &Documents) -> Option<(ResourceName, String)> {
    documents.proxies().into_iter().find_map(|resource| {
        let resolved = resolve(documents, &resource, &Environment::new()).ok()?;
        let url = url(&resolved.snapshot)?;
        Some((resource, url))
    })
}

fn url(snapshot: &Snapshot) -> Option<String> {
    snapshot.egress.iter().find_map(|(port, egress)| {
        let EgressPort::Http(table) = egress else {
            return None;
        };
        let host = table.virtual_hosts.first()?;
        let path = match host.routes.first().map(|route| &route.matches.path) {
            Some(PathMatch::Prefix(prefix) | PathMatch::Exact(prefix)) => prefix.as_str(),
            Some(PathMatch::Regex(_)) | None => "/",
        };
        Some(match port {
            80 => format!("http://{}{path}", host.name),
            port => format!("http://{}:{port}{path}", host.name),
        })
    })
}
