//! `cargo xtask check`: formatting, lints, dependencies, documentation, and the rules of the house.

use anyhow::Result;

use crate::{command, setup};

pub(crate) fn run() -> Result<()> {
    setup::ensure(&[setup::Purpose::Check])?;
    command::run(command::cargo().args(["fmt", "--check"]))
}
