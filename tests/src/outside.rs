//! A server that the mesh does not know. The mesh drops what comes for it, so a connection that it
//! answers was left alone, and one that was redirected is not answered.

use std::{fmt::Display, sync::Arc};

use anyhow::Result;

use crate::{
    client::{Answer, Curl},
    host::{Host, Place},
    web::{Speaks, WebServer},
};

/// A port of no listener in the documents.
pub const UNKNOWN: u16 = 8080;

/// What the server answers.
const BODY: &str = "other";

/// Starts it beside the workload of a host.
pub fn serve(host: &Arc<Host>, ports: &[u16]) -> Result<WebServer> {
    let ports: Vec<_> = ports.iter().map(|port| (*port, Speaks::Http1)).collect();
    WebServer::start(host, Place::Outside, BODY, &ports)
}

/// Whether an answer is its.
pub fn answered(answer: &Answer) -> bool {
    answer.is_ok() && answer.body == BODY
}

/// What a client gets for `http://AUTHORITY/`.
pub fn ask(curl: &Curl, authority: impl Display) -> Result<Answer> {
    curl.clone()
        .args(["--globoff"])
        .get(&format!("http://{authority}/"))
}
