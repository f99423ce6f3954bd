//! Services that fail and hosts that come and go under a steady load: what the two ends say to each other
//! and to a test.
//!
//! `fault-peer` is the program at both ends; [`Report`] is what its load met, [`rolling`] a service of
//! four hosts that are replaced one after the other, [`comparison`] bad endpoints among good ones, with
//! Envoy and with Ferromesh.

pub mod comparison;
mod load;
mod report;
pub mod rolling;

use std::{fmt, str::FromStr};

use anyhow::{Context as _, Error};

pub use self::{
    load::{Load, Mix, Target},
    report::{Met, Outcome, Report},
};

/// The program at both ends.
pub const PEER: &str = "fault-peer";

/// By which protocol a service is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http,
    /// HTTP/2 without TLS.
    Http2,
}

impl Protocol {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Http, Self::Http2];

    /// As the documents call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Http2 => "http2",
        }
    }

    /// The port at which services speak it.
    fn port(self) -> u16 {
        match self {
            Self::Http => 8081,
            Self::Http2 => 8082,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

impl FromStr for Protocol {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|known| known.word() == word);
        known.with_context(|| format!("`{word}` is no protocol"))
    }
}
