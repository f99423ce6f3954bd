//! The access log: JSON with values that have to be escaped, and every status and size that a line may say.

use super::request::{either, one, plain, post2, shared};
use crate::parity::case::{Bullet, Case, Mesh, Protocol, answer};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, path) in [
        "/plain",
        "/quote\"d",
        "/back\\slash",
        "/per%22cent",
        "/tab%09",
        "/\u{e4}",
        "/a?b=\"c\"",
        "/<>&'",
    ]
    .iter()
    .enumerate()
    {
        // A quotation mark in a query is one listed difference.
        let versions = if path.contains("?b=\"") { 1 } else { 2 };
        for (version, client) in either("GET", path, &[]).into_iter().take(versions) {
            let name = format!("path {number} by {version}");
            cases.push(
                Case::new(Bullet::Logs, name, shared(Protocol::Http), client).mesh(Mesh::Open),
            );
        }
    }
    for status in [200, 201, 302, 404, 500, 503] {
        for size in [0, 1, 1000, 70_000] {
            let protocol = if size % 2 == 0 {
                Protocol::Http
            } else {
                Protocol::Http2
            };
            for (version, client) in either("GET", "/x", &[]) {
                let name = format!(
                    "status {status} with {size} bytes of {} by {version}",
                    protocol.word()
                );
                let case = Case::new(Bullet::Logs, name, shared(protocol), client);
                cases.push(
                    case.replies(answer(
                        status,
                        &[("content-type", "text/\"x\"")],
                        &vec![b'x'; size],
                    ))
                    .mesh(Mesh::Open),
                );
            }
        }
    }
    for size in [0, 1, 1000, 70_000] {
        for mesh in [Mesh::Web, Mesh::Open] {
            let name = format!("request of {size} bytes, {}", mesh.name());
            let client = post2("/x", &[], &vec![b'x'; size]);
            cases.push(Case::new(Bullet::Logs, name, shared(Protocol::Http), client).mesh(mesh));
        }
    }
    // The default line, in the mesh that has it.
    let marked = [
        ("user-agent", "case/{case}"),
        ("x-forwarded-for", "198.51.100.1"),
        ("x-request-id", "mine"),
    ];
    for count in 0..marked.len() {
        let target = crate::parity::case::Target::Service(80, "paths.apps.local".to_owned());
        let name = format!("default line with {count} more fields");
        let client = one(plain("GET", "/a?b", &marked[..=count]));
        cases.push(Case::new(Bullet::Logs, name, target, client).mesh(Mesh::Routes));
    }
    cases
}
