//! Clients and servers of other makers as PyPI has them, which tests put at both ends of the mesh.

use std::process::Command;

use anyhow::Result;

use super::{Mend, Missing, pip};
use crate::{command, layout};

/// What the scripts of the tests import, and what that needs.
const PACKAGES: [(&str, &str); 3] = [
    ("grpcio", "1.85.1"),
    ("typing-extensions", "4.15.0"),
    ("websockets", "15.0.1"),
];

/// The need for them, unless these very versions are in place and this machine's Python can load them.
pub(super) fn missing() -> Option<Missing> {
    let receipts = PACKAGES.iter().all(|(package, version)| {
        let receipt = format!("{}-{version}.dist-info", package.replace('-', "_"));
        layout::peers().join(receipt).is_dir()
    });
    let mut python = Command::new("python3");
    python
        .args(["-c", "import grpc, websockets"])
        .env("PYTHONPATH", layout::peers());
    if receipts && command::ask(&mut python).is_some_and(|answer| answer.status.success()) {
        return None;
    }
    let versions = PACKAGES.map(|(package, version)| format!("{package} {version}"));
    Some(Missing {
        what: versions.join(", "),
        why: "gRPC and WebSocket peers (from pip, into target/tools)",
        mend: Mend::Peers,
    })
}

/// Fetches their wheels into `target/tools/peers`.
///
/// # Errors
/// When Python has no `venv`, or PyPI cannot be reached.
pub(super) fn install() -> Result<()> {
    pip::install(&PACKAGES, &layout::peers())
}
