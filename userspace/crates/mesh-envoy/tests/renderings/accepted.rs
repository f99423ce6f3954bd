//! Envoy itself loads what is rendered.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use mesh_config::form::Inputs;
use serde_json::{Value, json};
use tests::capability;

/// Has Envoy load a configuration without running it. The files that it names are put in place.
pub(crate) fn accept(envoy: &Path, mut bootstrap: Value) -> Result<()> {
    let directory = tempfile::tempdir()?;
    put_files(&mut bootstrap, directory.path())?;
    let path = directory.path().join("envoy.yaml");
    fs::write(&path, mesh_envoy::yaml(&bootstrap))?;
    let output = Command::new(envoy)
        .args(["--mode", "validate", "--log-level", "warn", "--config-path"])
        .arg(&path)
        .output()
        .context("envoy")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{said}");
    ensure!(!said.contains("envoy bug"), "{said}");
    Ok(())
}

/// Certificates, endpoints and logs of hosts that are not this one.
fn put_files(value: &mut Value, directory: &Path) -> Result<()> {
    let certificate = crate::own("certificates/server.pem");
    let key = crate::own("certificates/server.key");
    let Value::Object(members) = value else {
        return match value {
            Value::Array(items) => items
                .iter_mut()
                .try_for_each(|item| put_files(item, directory)),
            _ => Ok(()),
        };
    };
    let is_log = members
        .get("@type")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.ends_with("FileAccessLog"));
    for (name, member) in members.iter_mut() {
        match name.as_str() {
            "certificate_chain" | "trusted_ca" => *member = json!({ "filename": certificate }),
            "private_key" => *member = json!({ "filename": key }),
            "path" if is_log => *member = json!("/dev/null"),
            "path_config_source" => *member = json!({ "path": endpoints(member, directory)? }),
            _ => put_files(member, directory)?,
        }
    }
    Ok(())
}

/// The file of one cluster's endpoints, with none in it.
fn endpoints(source: &Value, directory: &Path) -> Result<PathBuf> {
    let path = Path::new(source["path"].as_str().context("no path")?);
    let cluster = path.file_stem().context("no name")?.to_string_lossy();
    let assignment = json!({
        "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": cluster,
    });
    let response = json!({ "version_info": "1", "resources": [assignment] });
    let here = directory.join(path.file_name().context("no name")?);
    fs::write(&here, response.to_string())?;
    Ok(here)
}

#[test]
fn envoy_loads_the_rendering_of_every_mesh() -> Result<()> {
    let Some(envoy) = capability::envoy() else {
        return Ok(());
    };
    for mesh in fs::read_dir(crate::own("meshes"))? {
        let path = mesh?.path().join("documents.yaml");
        let documents = crate::documents(std::slice::from_ref(&path), Inputs::default())?;
        for resource in documents.proxies() {
            let bootstrap = crate::rendered(&documents, &resource, &BTreeMap::new())?;
            accept(&envoy, bootstrap)
                .with_context(|| format!("{resource} of {}", path.display()))?;
        }
    }
    Ok(())
}
