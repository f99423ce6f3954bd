//! What is rendered: against configuration written by hand, and against Envoy itself.

mod accepted;
mod by_hand;
mod corpus;
mod edges;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Result, anyhow};
use mesh_config::{document::Documents, source::directory::read_paths};
use mesh_config::{document::Parser, form::Inputs, redirect::proxy_ports, resolve::resolve};
use mesh_envoy::{Host, render};
use mesh_model::resource::ResourceName;
use serde_json::Value;

/// A file or folder of this crate's tests.
fn own(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(path)
}

fn documents(paths: &[PathBuf], inputs: Inputs) -> Result<Documents> {
    let parsed = Parser::new(inputs).parse(&read_paths(paths)?);
    let (documents, _) = parsed
        .into_result()
        .map_err(|problems| anyhow!("{problems:?}"))?;
    Ok(documents)
}

fn rendered(
    documents: &Documents,
    resource: &ResourceName,
    environment: &BTreeMap<String, String>,
) -> Result<Value> {
    let host = Host::new(environment, proxy_ports(environment))?;
    rendered_on(&host, documents, resource, environment)
}

fn rendered_on(
    host: &Host,
    documents: &Documents,
    resource: &ResourceName,
    environment: &BTreeMap<String, String>,
) -> Result<Value> {
    let resolved = resolve(documents, resource, environment);
    let resolved = resolved.map_err(|problems| anyhow!("{problems:?}"))?;
    Ok(render(&resolved.snapshot, host))
}
