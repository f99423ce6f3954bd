//! A request as it begins, and as it is shown once it is over.

use std::{
    borrow::Cow,
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use http::HeaderMap;
use mesh_telemetry::reason::Reason;

use super::{
    secrets::{self, MARK},
    wanted::Wanted,
};

/// Header fields of one request that are shown.
const FIELDS: usize = 64;
/// Bytes of a path or of the value of a header field that are shown.
const BYTES: usize = 1024;

/// A request that begins, and what the routes said of it.
pub(crate) struct Scene<'a> {
    pub(crate) mesh: &'a str,
    /// `egress` or `ingress`.
    pub(crate) direction: &'static str,
    pub(crate) virtual_service: Option<&'a str>,
    pub(crate) cluster: Option<&'a str>,
    /// Empty, as the two below, for what is no request.
    pub(crate) method: &'a str,
    pub(crate) authority: &'a str,
    pub(crate) path: Cow<'a, [u8]>,
    pub(crate) headers: Cow<'a, HeaderMap>,
}

impl Scene<'_> {
    /// Whether a name is that of the request's virtual service, of its cluster, or of the virtual node
    /// behind that.
    pub(super) fn goes_to(&self, name: &str) -> bool {
        let is_service = |service: &str| service.eq_ignore_ascii_case(name);
        self.virtual_service.is_some_and(is_service)
            || self
                .cluster
                .is_some_and(|cluster| cluster == name || node_of(cluster, self.mesh) == Some(name))
    }
}

/// The virtual node in the name of a cluster: `cds_egress_<mesh>_<node>_<protocol>_<port>`.
fn node_of<'a>(cluster: &'a str, mesh: &str) -> Option<&'a str> {
    let rest = cluster.strip_prefix("cds_")?;
    let (_direction, rest) = rest.split_once('_')?;
    let rest = rest.strip_prefix(mesh)?.strip_prefix('_')?;
    let (rest, _port) = rest.rsplit_once('_')?;
    let (node, _protocol) = rest.rsplit_once('_')?;
    Some(node)
}

/// A request that is over, without its secrets and its bodies.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The workload's name.
    pub workload: String,
    /// `egress` or `ingress`.
    pub direction: &'static str,
    /// When its first byte was read.
    pub started: SystemTime,
    /// From there to the last byte of the answer.
    pub duration: Duration,
    /// From there to the first byte of the endpoint's answer; none without one.
    pub until_answer: Option<Duration>,
    /// `HTTP/1.1`
    pub protocol: &'static str,
    /// Empty, as the authority and the path, for what is no request.
    pub method: String,
    /// The host that it names.
    pub authority: String,
    /// What it asks for.
    pub path: String,
    /// The status of the answer; 0 without one.
    pub status: u16,
    /// Envoy's flags for what went wrong; empty where nothing did.
    pub flags: String,
    /// Where the answer comes from, in Envoy's words; empty without one.
    pub details: String,
    /// Why it failed.
    pub reason: Option<Reason>,
    /// The virtual service that it calls.
    pub virtual_service: Option<String>,
    /// The route that took it.
    pub route: Option<String>,
    /// The cluster that it went to.
    pub cluster: Option<String>,
    /// The endpoint.
    pub endpoint: Option<SocketAddr>,
    /// The client.
    pub client: SocketAddr,
    /// What the client dialled.
    pub dialled: SocketAddr,
    /// Bytes of the request's body.
    pub bytes_received: u64,
    /// Bytes of the answer's body.
    pub bytes_sent: u64,
    /// The request's header fields.
    pub headers: Vec<(String, String)>,
}

/// A path as it is shown.
pub(super) fn path(path: &[u8], wanted: &Wanted) -> String {
    let whole = String::from_utf8_lossy(path);
    let shown = if wanted.shows_query {
        whole
    } else {
        Cow::Owned(secrets::without_query_values(&whole).into_owned())
    };
    cut(&shown)
}

/// Header fields as they are shown.
pub(super) fn headers(headers: &HeaderMap, wanted: &Wanted) -> Vec<(String, String)> {
    let shown = headers.iter().take(FIELDS).map(|(name, value)| {
        let value = if secrets::is_secret(name, &wanted.redacted) {
            MARK.to_owned()
        } else if secrets::is_url(name) {
            let url = String::from_utf8_lossy(value.as_bytes());
            path(secrets::without_user(&url).as_bytes(), wanted)
        } else {
            cut(&String::from_utf8_lossy(value.as_bytes()))
        };
        (name.as_str().to_owned(), value)
    });
    shown.collect()
}

fn cut(text: &str) -> String {
    let mut end = text.len().min(BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests;
