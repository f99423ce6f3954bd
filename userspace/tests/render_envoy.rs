//! `ferromesh render-envoy` as an operator runs it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

const MESHES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/crates/mesh-envoy/tests/meshes"
);

/// Renders a resource of one of the meshes there, with options.
fn rendered(mesh: &str, resource: &str, options: &Value) -> Output {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("options.yaml");
    let document = json!({
        "apiVersion": "ferromesh.dev/v1",
        "kind": "MeshOptions",
        "metadata": { "name": "some" },
        "spec": options,
    });
    fs::write(&file, document.to_string()).expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_ferromesh"))
        .args(["render-envoy", "--resource", resource])
        .args([&Path::new(MESHES).join(mesh).join("documents.yaml"), &file])
        .env_clear()
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    output
}

fn notes(output: &Output) -> Vec<&str> {
    let text = std::str::from_utf8(&output.stderr).expect("text");
    text.lines().collect()
}

#[test]
fn what_envoy_knows_nothing_of_is_left_out_with_a_note() {
    let front =
        |options: Value| rendered("01-http-weights", "mesh/shop/virtualNode/front", &options);
    let plain = front(json!({}));
    assert_eq!(notes(&plain), [""; 0]);
    let with = front(json!({
        "virtualNodes": [{ "virtualNodeName": "blue", "zoneAware": "EVEN_LOAD" }],
        "routes": [{
            "virtualRouterName": "colors",
            "routeName": "everything",
            "failover": "OTHER_TARGETS",
        }],
    }));
    assert_eq!(
        notes(&with),
        [
            "note: route everything of colors.shop.local is rendered without `failover`: Envoy has a \
             request stay with the target that the weights chose",
            "note: cds_egress_shop_blue_http_9080 is rendered without `zoneAware`: Envoy has to be told \
             where all hosts of the calling service are, which no document says",
        ]
    );
    assert_eq!(with.stdout, plain.stdout);
}

#[test]
fn a_route_of_opaque_bytes_is_noted_too() {
    let output = rendered(
        "04-tcp",
        "mesh/data/virtualNode/app",
        &json!({ "routes": [{
            "virtualRouterName": "db",
            "routeName": "db",
            "failover": "OTHER_TARGETS",
        }] }),
    );
    let [note] = notes(&output)[..] else {
        panic!("one note was expected: {:?}", notes(&output))
    };
    assert!(
        note.starts_with("note: the route of db.data.local is rendered without `failover`:"),
        "{note}"
    );
}
