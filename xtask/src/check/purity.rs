//! Crates that decide without touching the world must not come to depend on crates that do.

use anyhow::{Result, bail};

use crate::command;

const PURE: [&str; 13] = [
    "ebpf-abi",
    "ebpf-decide",
    "mesh-balance",
    "mesh-detect",
    "mesh-envoy",
    "mesh-health",
    "mesh-http1",
    "mesh-http2",
    "mesh-model",
    "mesh-pool",
    "mesh-regex",
    "mesh-retry",
    "mesh-route",
];

/// Crates that do input and output, keep time or run tasks.
const WORLDLY: [&str; 5] = ["aya", "hyper", "rustix", "socket2", "tokio"];

/// Reads the dependency tree of each pure crate, development dependencies aside.
///
/// # Errors
/// When a pure crate reaches a crate that is not, however far down.
pub(super) fn check() -> Result<()> {
    let mut broken = Vec::new();
    for crate_name in PURE {
        let mut cargo = command::cargo();
        cargo.args([
            "tree",
            "--package",
            crate_name,
            "--edges",
            "normal",
            "--prefix",
            "none",
        ]);
        let Some(tree) = command::ask(&mut cargo).filter(|answer| answer.status.success()) else {
            bail!("cargo tree of {crate_name} failed");
        };
        let tree = String::from_utf8_lossy(&tree.stdout).into_owned();
        let worldly = worldly(&tree).map(|found| format!("{crate_name} depends on {found}"));
        broken.extend(worldly);
    }
    if !broken.is_empty() {
        bail!("{}", broken.join("; "));
    }
    Ok(())
}

/// The worldly crates in the output of `cargo tree --prefix none`: a line is `NAME vVERSION …`.
fn worldly(tree: &str) -> impl Iterator<Item = &'static str> {
    WORLDLY.into_iter().filter(|name| {
        tree.lines()
            .any(|line| line.split(' ').next() == Some(name))
    })
}

#[cfg(test)]
mod tests;
