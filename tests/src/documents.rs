//! A directory of App Mesh documents of a test's own, which begins as the getting-started example.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::capability;

/// The example in the repository: the guide's getting-started mesh in its final state.
pub fn example() -> PathBuf {
    capability::repository().join("docs/examples/getting-started")
}

/// A directory of documents. It lies in the directory of a network and goes with it.
#[derive(Clone, Debug)]
pub struct Documents {
    directory: PathBuf,
}

impl Documents {
    /// Copies the getting-started documents into a directory that is not there yet.
    pub fn getting_started(directory: &Path) -> Result<Self> {
        fs::create_dir(directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        let example = example();
        let entries =
            fs::read_dir(&example).with_context(|| format!("cannot read {}", example.display()))?;
        for entry in entries {
            let path = entry.context("cannot read a directory entry")?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let name = path.file_name().context("a file without a name")?;
                fs::copy(&path, directory.join(name))
                    .with_context(|| format!("cannot copy {}", path.display()))?;
            }
        }
        Ok(Self {
            directory: directory.to_owned(),
        })
    }

    /// A directory that is not there yet, with nothing in it.
    pub fn empty(directory: &Path) -> Result<Self> {
        fs::create_dir(directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        Ok(Self {
            directory: directory.to_owned(),
        })
    }

    /// Where they are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Writes one file whole, so that no reader ever sees half of it.
    pub fn write(&self, file: &str, text: &str) -> Result<()> {
        // The name begins with a dot and has no extension of a document.
        let draft = self.directory.join(format!(".{file}.draft"));
        let path = self.directory.join(file);
        fs::write(&draft, text)
            .and_then(|()| fs::rename(&draft, &path))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Writes a document of the mesh `apps`, into a file of that name and `.json`.
    pub fn write_of_apps(&self, name: &str, mut document: Value) -> Result<()> {
        document["meshName"] = json!("apps");
        self.write(&format!("{name}.json"), &format!("{document:#}\n"))
    }

    /// The text of one file.
    pub fn read(&self, file: &str) -> Result<String> {
        let path = self.directory.join(file);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Removes one file.
    pub fn remove(&self, file: &str) -> Result<()> {
        let path = self.directory.join(file);
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))
    }

    /// Every document that is JSON, with its file.
    fn all(&self) -> Result<Vec<(String, Value)>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.directory).context("cannot read the documents")? {
            let path = entry.context("cannot read a directory entry")?.path();
            if is_document(&path)
                && let Some(file) = path.file_name().and_then(|name| name.to_str())
                && let Ok(document) = serde_json::from_str(&self.read(file)?)
            {
                all.push((file.to_owned(), document));
            }
        }
        Ok(all)
    }

    /// The file in force for a resource: the one whose `key` (`routeName`, `virtualNodeName`, …)
    /// is `name`, where an `update-` file comes before a `create-` file.
    pub fn file_of(&self, key: &str, name: &str) -> Result<String> {
        let files = self.all()?.into_iter().filter(|(_, document)| {
            // A route names its router too; its own name is what says that it is a route.
            document[key] == *name && (key == "routeName" || document.get("routeName").is_none())
        });
        files
            .map(|(file, _)| file)
            .min_by_key(|file| !file.starts_with("update-"))
            .with_context(|| format!("no document has {key} {name}"))
    }

    /// The mesh's own file: every document names the mesh, and only that one nothing else.
    fn mesh_file(&self) -> Result<String> {
        let names_more = |key: &String| key.ends_with("Name") && key != "meshName";
        let mesh = self.all()?.into_iter().find(|(_, document)| {
            let fields = document.as_object();
            fields.is_some_and(|fields| !fields.keys().any(names_more))
        });
        mesh.map(|(file, _)| file).context("no document is a mesh")
    }

    /// Changes one file.
    fn edit_file(&self, file: &str, change: impl FnOnce(&mut Value)) -> Result<()> {
        let mut document = serde_json::from_str(&self.read(file)?)
            .with_context(|| format!("{file} is not JSON"))?;
        change(&mut document);
        self.write(file, &format!("{document:#}\n"))
    }

    /// Changes the document in force for a resource.
    pub fn edit(&self, key: &str, name: &str, change: impl FnOnce(&mut Value)) -> Result<()> {
        self.edit_file(&self.file_of(key, name)?, change)
    }

    /// Has `serviceA` call these services, and no others: `NAME.apps.local`, each with a node of its own on
    /// port 80 that is found so.
    pub fn lead(&self, services: &[(&str, Value)]) -> Result<()> {
        let mut backends = Vec::new();
        for (name, discovery) in services {
            let service = format!("{name}.apps.local");
            let node = json!({ "meshName": "apps", "virtualNodeName": name, "spec": {
                "listeners": [{ "portMapping": { "port": 80, "protocol": "http2" } }],
                "serviceDiscovery": discovery,
            } });
            let provider = json!({ "virtualNode": { "virtualNodeName": name } });
            let virtual_service = json!({ "meshName": "apps", "virtualServiceName": service,
                "spec": { "provider": provider },
            });
            self.write(&format!("node-{name}.json"), &node.to_string())?;
            let file = format!("service-{name}.json");
            self.write(&file, &virtual_service.to_string())?;
            backends.push(json!({ "virtualService": { "virtualServiceName": service } }));
        }
        self.edit("virtualNodeName", "serviceA", |node| {
            node["spec"]["backends"] = json!(backends);
        })
    }

    /// Sets the weights of the route to `serviceB` and `serviceBv2`.
    pub fn set_weights(&self, service_b: u32, service_bv2: u32) -> Result<()> {
        self.edit("routeName", "serviceB", |route| {
            route["spec"]["http2Route"]["action"]["weightedTargets"] = json!([
                { "virtualNode": "serviceB", "weight": service_b },
                { "virtualNode": "serviceBv2", "weight": service_bv2 },
            ]);
        })
    }

    /// Sets what happens to traffic out of the mesh: `ALLOW_ALL` or `DROP_ALL`.
    pub fn set_egress_filter(&self, kind: &str) -> Result<()> {
        self.edit_file(&self.mesh_file()?, |mesh| {
            mesh["spec"] = json!({ "egressFilter": { "type": kind } });
        })
    }
}

fn is_document(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with('.'));
    !hidden
        && path
            .extension()
            .is_some_and(|extension| extension == "json")
}
