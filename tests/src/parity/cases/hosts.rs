//! Egress: which virtual service a Host means on which port, under either filter.

use super::request::one;
use crate::parity::{
    case::{Bullet, CASE, CASE_FIELD, Case, Client, End, Frame, Mesh, Protocol, Target, owned},
    meshes::UNKNOWN_PORT,
};

/// Hosts around that of the service `NAME`, which is called at port `PORT`.
const HOSTS: &[&str] = &[
    "NAME",
    "NAME:PORT",
    "NAME:8080",
    "NAME:",
    "NAME:0",
    "NAME:00PORT",
    "NAME:PORTx",
    "NAME:65536",
    "NAME:-1",
    "NAME.",
    "NAME.:PORT",
    "NAME..",
    ".NAME",
    "UPPER",
    "UPPER:PORT",
    "xNAME",
    "NAMEx",
    "x.NAME",
    "SHORT",
    "SHORT.apps",
    "SHORT.apps.local.local",
    "other.apps.local",
    "http2.apps.local",
    "grpc.apps.local",
    "http2.apps.local:81",
    "tcp.apps.local",
    "localhost",
    "127.0.0.1",
    "192.0.2.100",
    "192.0.2.100:PORT",
    "[::1]",
    "[::1]:PORT",
    "::1",
    "*",
    "NAME,other",
    "NAME;x",
    "NAME@x",
    "user@NAME",
    "NAME/",
    "NAME?x",
    "NAME#x",
    "NAME%20",
    "NA\u{4d}E",
    "_NAME",
    "N-A-M-E",
    "sqs.eu-west-1.amazonaws.com",
    "sqs.eu-west-1.amazonaws.com:PORT",
    "a b",
    "1234",
    "x",
    "xn--nme-qla.local",
    "n\u{e4}me.local",
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for mesh in [Mesh::Web, Mesh::Open] {
        for protocol in [Protocol::Http, Protocol::Http2] {
            for (number, pattern) in HOSTS.iter().enumerate() {
                let host = written(pattern, protocol);
                for (version, client) in clients(&host) {
                    // Each of both clients towards one of both services.
                    let is_first = (number % 2 == 0) == (protocol == Protocol::Http);
                    if is_first == (version == "h1") || mesh == Mesh::Web {
                        let name = format!(
                            "host {number} {host}, {} by {version}, {}",
                            protocol.word(),
                            mesh.name()
                        );
                        cases.push(case(&name, mesh, protocol.service_port(), client));
                    }
                }
            }
        }
        for port in [UNKNOWN_PORT, 443, 9080] {
            for (version, client) in clients("http.apps.local") {
                let name = format!("port {port} by {version}, {}", mesh.name());
                let case = case(&name, mesh, port, client);
                cases.push(if mesh == Mesh::Web {
                    case.refused()
                } else {
                    case
                });
            }
        }
    }
    cases
}

fn case(name: &str, mesh: Mesh, port: u16, client: Client) -> Case {
    let target = Target::Service(port, String::new());
    Case::new(Bullet::Egress, name.replace('`', "'"), target, client)
        .mesh(mesh)
        .watch(300)
}

fn written(pattern: &str, protocol: Protocol) -> String {
    let name = format!("{}.apps.local", protocol.word());
    pattern
        .replace("PORT", &protocol.service_port().to_string())
        .replace("NAME", &name)
        .replace("UPPER", &name.to_uppercase())
        .replace("SHORT", protocol.word())
}

fn clients(host: &str) -> [(&'static str, Client); 2] {
    let bytes = format!("GET /x HTTP/1.1\r\nhost: {host}\r\n{CASE_FIELD}: {CASE}\r\n\r\n");
    let fields = [
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", host),
        (":path", "/x"),
        (CASE_FIELD, CASE),
    ];
    let frames = vec![Frame::Head(1, owned(&fields), End::Stream)];
    [("h1", one(bytes)), ("h2", Client::Http2(frames))]
}
