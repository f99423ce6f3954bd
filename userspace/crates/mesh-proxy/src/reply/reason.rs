//! Each way in which a request can fail, in one word.

use mesh_telemetry::reason::Reason;

use super::Failure;
use crate::upstream::connect::{Cause, Unreachable};

impl Failure {
    /// Why there is no other answer.
    pub(crate) fn reason(self) -> Reason {
        match self {
            Self::AnswerAbandoned | Self::ConnectionTermination => Reason::ConnectionClosed,
            Self::Connect | Self::NoRoute => Reason::NoRoute,
            Self::ConnectionTimeout => Reason::ConnectTimeout,
            Self::IdleRequest | Self::IdleTimeout => Reason::IdleTimeout,
            Self::InvalidHost | Self::InvalidPath | Self::Malformed(_) | Self::NoPath => {
                Reason::BadRequest
            }
            Self::NoCluster => Reason::NoTarget,
            Self::NoHealthyUpstream => Reason::NoHealthyHost,
            Self::PendingOverflow | Self::RequestOverflow => Reason::Overflow,
            Self::PerTryTimeout => Reason::PerTryTimeout,
            Self::ProtocolError => Reason::ProtocolError,
            Self::RefusedStream => Reason::StreamRefused,
            Self::RemoteReset => Reason::Reset,
            Self::RequestTimeout => Reason::RequestTimeout,
            Self::Unreachable(Unreachable { cause, .. }) => of_connect(cause),
            Self::UpgradeRefused => Reason::UpgradeRefused,
        }
    }
}

fn of_connect(cause: Cause) -> Reason {
    match cause {
        Cause::Forbidden => Reason::ConnectForbidden,
        Cause::Host | Cause::Network => Reason::Unreachable,
        Cause::Refused => Reason::ConnectRefused,
        Cause::Reset => Reason::ConnectReset,
        Cause::TimedOut => Reason::ConnectTimeout,
        Cause::Other => Reason::ConnectFailed,
    }
}
