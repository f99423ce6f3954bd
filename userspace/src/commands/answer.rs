//! What a command says on standard output.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
};

use anyhow::Context;

/// Prints an answer. Who reads it may stop early, as `head` does.
pub(crate) fn print(answer: impl Display) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    ended_early(write!(out, "{answer}").and_then(|()| out.flush()))
}

/// A reader that is gone is no fault of the answer's.
pub(crate) fn ended_early(written: io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot print the answer"),
    }
}
