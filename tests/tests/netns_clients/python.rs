//! A gRPC client and server by grpcio, and a WebSocket client and server by websockets: each pair is one
//! script, which judges what comes to it.

use std::{path::Path, process::Command};

use tests::{
    capability,
    host::{Host, Place},
    process::{self, Process},
    wait,
};

use super::mesh::{Mesh, PORT};

/// A script of the fixtures, on a host.
fn script(host: &Host, name: &str, packages: &Path) -> Command {
    let mut command = host.command(Place::Workload, "python3");
    command
        .arg(capability::repository().join("tests/fixtures").join(name))
        .env("PYTHONPATH", packages)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        // The C library's resolver: the other may not ask the name server of the namespace alone.
        .env("GRPC_DNS_RESOLVER", "native");
    command
}

/// The script's client calls its server, and says what came of it.
fn converse(mesh: &Mesh, name: &str, packages: &Path, target: &str) -> String {
    let host = &mesh.scenario.service_b;
    let mut command = script(host, name, packages);
    command.args(["serve", &PORT.to_string()]);
    let log = host.directory().join(format!("{name}.log"));
    let mut server = Process::spawn(name, command, &log).unwrap();
    wait::until_true(format!("the server of {name}"), || {
        server.ensure_running()?;
        host.listens(PORT)
    })
    .unwrap();
    let mut client = script(&mesh.scenario.service_a, name, packages);
    process::run(client.args(["call", target])).unwrap()
}

#[test]
fn grpcio_makes_unary_calls_and_the_three_streams() {
    let Some(packages) = capability::peers() else {
        return;
    };
    let Some(mesh) = Mesh::start("basket", "grpc") else {
        return;
    };
    let calls = converse(&mesh, "grpc_peer.py", &packages, &mesh.authority());
    mesh.assert_through(calls.trim().parse().unwrap());
}

#[test]
fn websockets_greet_echo_and_close_with_a_code() {
    let Some(packages) = capability::peers() else {
        return;
    };
    let Some(mesh) = Mesh::start("chat", "http") else {
        return;
    };
    let url = format!("ws://{}/", mesh.authority());
    let messages = converse(&mesh, "websocket_peer.py", &packages, &url);
    assert_eq!(messages.trim(), "1006");
    // Two conversations and one that was refused.
    mesh.assert_through(3);
}
