//! The meshes of the soak: one for each workload, equal but for where its services lead.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// The port of the service whose connections are redirected always.
pub(super) const SERVICE_PORT: u16 = 80;
/// The port that the rules ignore now and then.
pub(super) const TOGGLED_PORT: u16 = 8081;
/// The port of the application in each workload.
pub(super) const APP_PORT: u16 = 8080;
/// The server of the first workload listens on the next port.
pub(super) const SERVERS: u16 = 9000;

/// The mesh of a workload.
pub(super) fn mesh(number: usize) -> String {
    format!("soak-{number}")
}

/// The port of a workload's server.
pub(super) fn server_port(number: usize) -> u16 {
    SERVERS + u16::try_from(number).expect("a handful of workloads")
}

/// Writes the documents of so many meshes.
pub(super) fn write(directory: &Path, workloads: usize) -> Result<()> {
    fs::create_dir(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    for number in 1..=workloads {
        let mesh = mesh(number);
        for (count, mut document) in resources(number).into_iter().enumerate() {
            document["meshName"] = json!(mesh);
            let path = directory.join(format!("{mesh}-{count}.json"));
            fs::write(&path, format!("{document:#}\n"))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}

fn app() -> Value {
    let service = |name: &str| json!({ "virtualService": { "virtualServiceName": name } });
    let mut app = node("app", APP_PORT, "app.apps.local");
    app["spec"]["backends"] = json!([service("service.apps.local"), service("toggled.apps.local")]);
    app
}

fn resources(number: usize) -> Vec<Value> {
    let mut all = vec![
        json!({ "spec": { "egressFilter": { "type": "ALLOW_ALL" } } }),
        app(),
        node("server", server_port(number), "peers.apps.local"),
    ];
    for (name, port) in [("service", SERVICE_PORT), ("toggled", TOGGLED_PORT)] {
        let provider = json!({ "virtualRouter": { "virtualRouterName": name } });
        all.push(json!({
            "virtualServiceName": format!("{name}.apps.local"),
            "spec": { "provider": provider },
        }));
        all.push(json!({
            "virtualRouterName": name,
            "spec": { "listeners": [listener(port)] },
        }));
        let targets = json!([{ "virtualNode": "server", "weight": 1 }]);
        all.push(json!({
            "virtualRouterName": name,
            "routeName": name,
            "spec": { "httpRoute": {
                "match": { "prefix": "/" },
                "action": { "weightedTargets": targets },
            } },
        }));
    }
    all
}

fn node(name: &str, port: u16, hostname: &str) -> Value {
    json!({
        "virtualNodeName": name,
        "spec": {
            "listeners": [listener(port)],
            "serviceDiscovery": { "dns": { "hostname": hostname } },
        },
    })
}

fn listener(port: u16) -> Value {
    json!({ "portMapping": { "port": port, "protocol": "http" } })
}
