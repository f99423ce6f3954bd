//! Orders to an [`agent`](crate::agent): a process that opens sockets where a test has put it.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{Shutdown, SocketAddr},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::{Child, Stdio},
};

use anyhow::{Context as _, Result};

use crate::host::{Host, Place};

/// The test's end of an agent's orders and answers.
#[derive(Debug)]
pub struct Orders {
    orders: UnixStream,
    answers: BufReader<UnixStream>,
}

impl Orders {
    /// The two ends: the test's, and what is the agent's standard input.
    pub fn new() -> std::io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = UnixStream::pair()?;
        let ours = Self {
            orders: ours.try_clone()?,
            answers: BufReader::new(ours),
        };
        Ok((ours, theirs.into()))
    }

    /// Gives an order and returns at once; [`Self::answer`] has the answer.
    ///
    /// # Panics
    /// The agent is gone.
    pub fn order(&mut self, order: &str) {
        let order = format!("{order}\n");
        self.orders
            .write_all(order.as_bytes())
            .expect("the agent hears");
    }

    /// What became of the order before: what `ok` or `err` came with.
    ///
    /// # Errors
    /// What the agent says of its failure.
    ///
    /// # Panics
    /// The agent is gone.
    pub fn answer(&mut self) -> Result<String, String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the agent speaks");
        let line = line.trim_end();
        match line.split_once(' ').unwrap_or((line, "")) {
            ("ok", rest) => Ok(rest.to_owned()),
            ("err", rest) => Err(rest.to_owned()),
            _ => panic!("the agent said {line:?}"),
        }
    }

    /// Gives an order and waits for what becomes of it.
    ///
    /// # Errors
    /// What the agent says of its failure.
    pub fn ask(&mut self, order: &str) -> Result<String, String> {
        self.order(order);
        self.answer()
    }

    /// Ends the agent, which has no more orders then. An error says that it has ended already.
    pub fn end(&self) {
        let _ = self.orders.shutdown(Shutdown::Both);
    }
}

/// An agent on a host. Dropping it ends it.
#[derive(Debug)]
pub struct Remote {
    child: Child,
    orders: Orders,
}

impl Remote {
    /// Starts the program `socket-agent` in a place of a host.
    pub fn start(program: &Path, host: &Host, place: Place) -> Result<Self> {
        let (orders, theirs) = Orders::new().context("no pair of sockets")?;
        let child = host
            .command(place, program)
            .stdin(theirs)
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start an agent")?;
        Ok(Self { child, orders })
    }

    /// Gives an order; [`Self::answer`] has the answer.
    pub fn order(&mut self, order: &str) {
        self.orders.order(order);
    }

    /// What became of the order before.
    ///
    /// # Errors
    /// What the agent says of its failure.
    pub fn answer(&mut self) -> Result<String, String> {
        self.orders.answer()
    }

    /// Gives an order and waits for what becomes of it.
    ///
    /// # Errors
    /// What the agent says of its failure.
    pub fn ask(&mut self, order: &str) -> Result<String, String> {
        self.orders.ask(order)
    }

    /// A connection to an agent whose first socket listens, on which a byte has come from there; the
    /// sockets of both.
    ///
    /// # Panics
    /// It does not come about.
    pub fn meet(&mut self, server: &mut Self, to: SocketAddr) -> (String, String) {
        server.order("accept 0");
        let ours = self.ask(&format!("connect {to}")).expect("it connects");
        let accepted = server.answer().expect("it accepts");
        let theirs = accepted.split(' ').next().unwrap_or_default().to_owned();
        server.ask(&format!("send {theirs} 1")).expect("it sends");
        let came = self.ask(&format!("receive {ours} 1"));
        assert_eq!(came.as_deref(), Ok("1"));
        (ours, theirs)
    }
}

/// What an agent says where its peer has reset the connection.
pub fn reset() -> Result<String, String> {
    Err("ConnectionReset 104".to_owned())
}

impl Drop for Remote {
    fn drop(&mut self) {
        // It may be in the middle of an order. An error says that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
