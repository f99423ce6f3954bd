//! What the client reads of each way in which its request can fail.

use mesh_http1::request::RequestError;

use super::{Failed, Failure, status_of};

impl Failure {
    /// Envoy's text; empty where Envoy says nothing. It tells the first attempt from those behind.
    fn text(self, is_retried: bool) -> &'static str {
        macro_rules! before_headers {
            ($reason:literal) => {
                if is_retried {
                    concat!(
                        "upstream connect error or disconnect/reset before headers. ",
                        "retried and the latest reset reason: ",
                        $reason
                    )
                } else {
                    concat!(
                        "upstream connect error or disconnect/reset before headers. ",
                        "reset reason: ",
                        $reason
                    )
                }
            };
        }
        match self {
            Self::Connect
            | Self::InvalidHost
            | Self::InvalidPath
            | Self::NoCluster
            | Self::NoPath
            | Self::NoRoute
            | Self::UpgradeRefused => "",
            Self::Unreachable(_) => before_headers!("remote connection failure"),
            Self::AnswerAbandoned | Self::ConnectionTermination => {
                before_headers!("connection termination")
            }
            Self::ConnectionTimeout => before_headers!("connection timeout"),
            Self::IdleRequest | Self::IdleTimeout => "stream timeout",
            Self::NoHealthyUpstream => "no healthy upstream",
            Self::Malformed(error) => text_of(error),
            Self::PendingOverflow | Self::RequestOverflow => before_headers!("overflow"),
            Self::ProtocolError => before_headers!("protocol error"),
            Self::RefusedStream => before_headers!("remote refused stream reset"),
            Self::RemoteReset => before_headers!("remote reset"),
            Self::PerTryTimeout | Self::RequestTimeout => "upstream request timeout",
        }
    }
}

impl Failed {
    /// Envoy's text; empty where Envoy says nothing.
    pub(crate) fn text(self) -> &'static str {
        self.failure.text(self.is_retried)
    }
}

/// Envoy says the name of the status.
fn text_of(error: RequestError) -> &'static str {
    status_of(error).canonical_reason().unwrap_or_default()
}
