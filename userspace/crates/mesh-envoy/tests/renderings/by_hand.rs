//! The rendering of ten meshes against Envoy configuration that was written by hand, from what is
//! known of App Mesh, before there was a renderer.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result};
use mesh_config::form::Inputs;
use serde_json::Value;

/// Renders the resource that the configuration by hand is for, and compares member by member.
fn compare(mesh: &str) -> Result<()> {
    let directory = crate::own("meshes").join(mesh);
    let by_hand = fs::read_to_string(directory.join("envoy.yaml")).context("envoy.yaml")?;
    let by_hand: Value = serde_yaml_ng::from_str(&by_hand)?;
    let resource = by_hand["node"]["id"].as_str().context("no node")?.parse()?;
    let environment: BTreeMap<String, String> =
        match fs::read_to_string(directory.join("environment.json")) {
            Ok(variables) => serde_json::from_str(&variables)?,
            Err(_) => BTreeMap::new(),
        };
    let documents = crate::documents(&[directory.join("documents.yaml")], Inputs::default())?;
    let rendered = crate::rendered(&documents, &resource, &environment)?;
    let mut differences = Vec::new();
    differ("", &ordered(by_hand), &ordered(rendered), &mut differences);
    assert!(
        differences.is_empty(),
        "{mesh}: by hand, then rendered:\n{}",
        differences.join("\n")
    );
    Ok(())
}

/// Sorts what has no order to Envoy: the failures and the statuses of a retry policy.
fn ordered(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(ordered).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| {
                let value = match (name.as_str(), value) {
                    ("retry_on", Value::String(words)) => {
                        let mut words: Vec<&str> = words.split(',').collect();
                        words.sort_unstable();
                        words.join(",").into()
                    }
                    ("retriable_status_codes", Value::Array(mut codes)) => {
                        codes.sort_by_key(Value::as_u64);
                        codes.into()
                    }
                    (_, value) => ordered(value),
                };
                (name, value)
            })
            .collect(),
        other => other,
    }
}

/// Every place where two values differ.
fn differ(at: &str, by_hand: &Value, rendered: &Value, differences: &mut Vec<String>) {
    match (by_hand, rendered) {
        (Value::Object(one), Value::Object(other)) => {
            let names = one
                .keys()
                .chain(other.keys().filter(|name| !one.contains_key(*name)));
            for name in names {
                differ(
                    &format!("{at}.{name}"),
                    &by_hand[name],
                    &rendered[name],
                    differences,
                );
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            for index in 0..one.len().max(other.len()) {
                let [one, other] = [one, other].map(|list| list.get(index).unwrap_or(&Value::Null));
                differ(&format!("{at}[{index}]"), one, other, differences);
            }
        }
        (one, other) if one == other => {}
        (one, other) => differences.push(format!("{at}: {one} | {other}")),
    }
}

macro_rules! meshes {
    ($($test:ident: $mesh:literal),* $(,)?) => {
        $(
            #[test]
            fn $test() -> Result<()> {
                compare($mesh)
            }
        )*
    };
}

meshes! {
    http_with_weights_and_priorities: "01-http-weights",
    http2_with_every_match_and_allow_all: "02-http2-matches",
    grpc_through_a_router_and_of_a_node: "03-grpc",
    tcp_with_weights_and_timeouts: "04-tcp",
    several_listeners_with_pools: "05-several-listeners",
    tls_with_certificates_in_files: "06-tls-files",
    tls_with_secrets_of_a_service: "07-tls-sds",
    discovery_probes_and_ejection: "08-discovery-and-health",
    a_gateway_with_rewrites: "09-gateway",
    a_gateway_with_hosts_and_tls: "10-gateway-listeners",
}

#[test]
fn every_mesh_written_by_hand_is_compared() -> Result<()> {
    assert_eq!(fs::read_dir(crate::own("meshes"))?.count(), 10);
    Ok(())
}
