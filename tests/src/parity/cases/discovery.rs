//! Services that are found by names of every kind: which address is called, and what is answered where there is
//! none.

use super::request::{one, plain};
use crate::parity::{
    case::{AT, Bullet, Case, Client, Mesh, Protocol, Target, answer},
    meshes::names::{Service, services},
};

/// Requests to a service that has several endpoints.
const REQUESTS: usize = 40;

pub(super) fn cases() -> Vec<Case> {
    services().iter().map(case).collect()
}

fn case(service: &Service) -> Case {
    let port = Protocol::Http.node_port();
    let request = plain("GET", "/", &[]);
    let is_each = service.response == Some("ENDPOINTS") && service.reached.len() > 1;
    let client = if is_each {
        let at = |address: &String| {
            if address.contains(':') {
                (format!("[{address}]:{port}"), 1)
            } else {
                (format!("{address}:{port}"), 1)
            }
        };
        Client::Shares(REQUESTS, request, service.reached.iter().map(at).collect())
    } else {
        one(request)
    };
    let host = format!("{}.apps.local", service.name);
    let target = Target::Service(Protocol::Http.service_port(), host);
    let case = Case::new(Bullet::Discovery, service.name.clone(), target, client);
    case.mesh(Mesh::Names)
        .replies(answer(200, &[("x-at", AT)], b""))
}
