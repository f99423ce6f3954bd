//! Lengths of time and the timeouts made of them.

use std::time;

use serde::Serialize;

/// `Duration`: a length of time as a document spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Duration {
    /// Seconds or milliseconds.
    pub unit: DurationUnit,
    /// How many.
    pub value: u64,
}

/// The unit of a [`Duration`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum DurationUnit {
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
}

impl From<Duration> for time::Duration {
    fn from(duration: Duration) -> Self {
        match duration.unit {
            DurationUnit::Milliseconds => Self::from_millis(duration.value),
            DurationUnit::Seconds => Self::from_secs(duration.value),
        }
    }
}

/// `HttpTimeout` and `GrpcTimeout`. A value of 0 disables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestTimeout {
    /// How long a stream may be idle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<Duration>,
    /// How long the whole request may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_request: Option<Duration>,
}

/// `TcpTimeout`. A value of 0 disables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TcpTimeout {
    /// How long the connection may be idle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<Duration>,
}
