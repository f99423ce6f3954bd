//! A process that does with sockets what the test at the other end of its standard input tells it
//! (`tests::remote`).

use std::{io::stdin, os::fd::AsFd as _};

use anyhow::Result;

fn main() -> Result<()> {
    let orders = stdin().as_fd().try_clone_to_owned()?;
    tests::agent::serve(&orders.into())
}
