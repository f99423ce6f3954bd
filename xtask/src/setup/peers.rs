//! Peers of other makers as PyPI has them: clients and servers at both ends of the mesh, and moto, which
//! stands for AWS.

use std::process::Command;

use anyhow::Result;

use super::{Mend, Missing, pip};
use crate::{command, layout};

/// What the scripts of the tests import or start.
const PEERS: [(&str, &str); 3] = [
    ("grpcio", "1.85.1"),
    ("moto", "5.2.5"),
    ("websockets", "15.0.1"),
];

/// What those need.
const NEEDED: [(&str, &str); 26] = [
    ("blinker", "1.9.0"),
    ("boto3", "1.44.5"),
    ("botocore", "1.44.5"),
    ("certifi", "2026.10.18"),
    ("cffi", "2.1.1"),
    ("charset-normalizer", "3.5.2"),
    ("click", "8.5.1"),
    ("cryptography", "50.0.2"),
    ("flask", "3.1.3"),
    ("flask-cors", "6.0.5"),
    ("idna", "3.20"),
    ("itsdangerous", "2.2.0"),
    ("jinja2", "3.1.6"),
    ("jmespath", "1.1.0"),
    ("markupsafe", "3.0.4"),
    ("pycparser", "3.12"),
    ("python-dateutil", "2.9.0.post0"),
    ("pyyaml", "6.0.3"),
    ("requests", "2.34.2"),
    ("responses", "0.26.3"),
    ("s3transfer", "0.19.3"),
    ("six", "1.17.0"),
    ("typing-extensions", "4.15.0"),
    ("urllib3", "2.8.0"),
    ("werkzeug", "3.1.9"),
    ("xmltodict", "1.0.4"),
];

/// The need for them, unless these very versions are in place and this machine's Python can load them.
pub(super) fn missing() -> Option<Missing> {
    let receipts = packages().iter().all(|(package, version)| {
        let receipt = format!("{}-{version}.dist-info", package.replace('-', "_"));
        layout::peers().join(receipt).is_dir()
    });
    let mut python = Command::new("python3");
    python
        .args(["-c", "import grpc, websockets, moto.server, moto.iam"])
        .env("PYTHONPATH", layout::peers());
    if receipts && command::ask(&mut python).is_some_and(|answer| answer.status.success()) {
        return None;
    }
    let versions = PEERS.map(|(package, version)| format!("{package} {version}"));
    Some(Missing {
        what: versions.join(", "),
        why: "gRPC and WebSocket peers, and AWS's stand-in (from pip, into target/tools)",
        mend: Mend::Peers,
    })
}

/// Fetches their wheels into `target/tools/peers`.
///
/// # Errors
/// When Python has no `venv`, or PyPI cannot be reached.
pub(super) fn install() -> Result<()> {
    pip::install(&packages(), &layout::peers())
}

fn packages() -> Vec<(&'static str, &'static str)> {
    PEERS.into_iter().chain(NEEDED).collect()
}
