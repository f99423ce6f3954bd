//! How much is said.

use std::{fmt, str::FromStr};

use thiserror::Error;
use tracing::level_filters::LevelFilter;

/// A level by Envoy's names (its documentation, `--log-level`): what is at least so grave is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[expect(missing_docs, reason = "Envoy's documentation says what each is")]
pub enum Level {
    Off,
    Critical,
    Error,
    Warning,
    Info,
    Debug,
    Trace,
}

/// A word that is no level.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no level; write trace, debug, info, warn, error, critical or off")]
pub struct InvalidLevel(String);

impl Level {
    /// Every level, the quietest first.
    pub const ALL: [Self; 7] = [
        Self::Off,
        Self::Critical,
        Self::Error,
        Self::Warning,
        Self::Info,
        Self::Debug,
        Self::Trace,
    ];

    /// As Envoy writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Critical => "critical",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }

    /// Nothing here is critical to Envoy's meaning, which is that it ends the process.
    pub(super) fn filter(self) -> LevelFilter {
        match self {
            Self::Off | Self::Critical => LevelFilter::OFF,
            Self::Error => LevelFilter::ERROR,
            Self::Warning => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }

    pub(super) fn of(level: tracing::Level) -> Self {
        match level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warning,
            tracing::Level::INFO => Self::Info,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::TRACE => Self::Trace,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Level {
    type Err = InvalidLevel;

    /// The guide's words (`ENVOY_LOG_LEVEL`), with `warn` for `warning`.
    fn from_str(word: &str) -> Result<Self, InvalidLevel> {
        let is_it = |level: &Self| level.as_str() == word;
        let found = Self::ALL.into_iter().find(is_it);
        found
            .or((word == "warn").then_some(Self::Warning))
            .ok_or_else(|| InvalidLevel(word.to_owned()))
    }
}
