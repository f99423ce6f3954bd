//! RE2 itself, as PyPI has it, which the tests of regular expressions ask.

use std::process::Command;

use anyhow::Result;

use super::{Mend, Missing, pip};
use crate::{command, layout};

/// The release whose verdicts are in the tests.
const VERSION: &str = "1.1.20251105";

/// The need for RE2, unless this very version is in place and this machine's Python can load it.
pub(super) fn missing() -> Option<Missing> {
    let receipt = layout::re2().join(format!("google_re2-{VERSION}.dist-info"));
    let mut python = Command::new("python3");
    python
        .args(["-c", "import re2"])
        .env("PYTHONPATH", layout::re2());
    if receipt.is_dir() && command::ask(&mut python).is_some_and(|answer| answer.status.success()) {
        return None;
    }
    Some(Missing {
        what: format!("RE2 {VERSION}"),
        why: "the verdicts on regular expressions (google-re2 from pip, into target/tools)",
        mend: Mend::Re2,
    })
}

/// Fetches RE2's wheel into `target/tools/re2`.
///
/// # Errors
/// When Python has no `venv`, or PyPI cannot be reached.
pub(super) fn install() -> Result<()> {
    pip::install(&[("google-re2", VERSION)], &layout::re2())
}
