//! Envoy's `%RESPONSE_CODE_DETAILS%` of each way in which a request can fail.

use std::{borrow::Cow, net::SocketAddr};

use mesh_http1::request::RequestError;

use super::{Failed, Failure};
use crate::upstream::connect::{Cause, Unreachable};

impl Failure {
    /// Envoy's `%RESPONSE_CODE_DETAILS%`.
    pub(crate) fn details(self) -> &'static str {
        macro_rules! before_response {
            ($reason:literal) => {
                concat!("upstream_reset_before_response_started{", $reason, "}")
            };
        }
        match self {
            Self::AnswerAbandoned => {
                "upstream_reset_after_response_started{connection_termination}"
            }
            Self::Connect | Self::NoRoute => "route_not_found",
            Self::ConnectionTermination => before_response!("connection_termination"),
            Self::ConnectionTimeout => before_response!("connection_timeout"),
            Self::IdleRequest | Self::IdleTimeout => "stream_idle_timeout",
            Self::InvalidHost => "missing_host_header",
            Self::InvalidPath => "path_normalization_failed",
            // Envoy takes no shares that add up to nothing: App Mesh had it answer by itself.
            Self::NoCluster => "direct_response",
            Self::NoHealthyUpstream => "no_healthy_upstream",
            Self::NoPath => "absolute_path_rejected",
            Self::Malformed(error) => details_of(error),
            Self::PendingOverflow | Self::RequestOverflow => before_response!("overflow"),
            Self::PerTryTimeout => "upstream_per_try_timeout",
            Self::ProtocolError => before_response!("protocol_error"),
            Self::RefusedStream => before_response!("remote_refused_stream_reset"),
            Self::RemoteReset => before_response!("remote_reset"),
            Self::RequestTimeout => "response_timeout",
            Self::Unreachable(unreachable) => details_of_connect(unreachable),
            Self::UpgradeRefused => "upgrade_failed",
        }
    }

    /// The same with the endpoint's address, which Envoy adds where the kernel did not try to connect.
    fn details_with(self, endpoint: Option<SocketAddr>) -> Cow<'static, str> {
        let details = self.details();
        match (self, endpoint) {
            (
                Self::Unreachable(Unreachable {
                    is_immediate: true, ..
                }),
                Some(endpoint),
            ) => {
                let inner = details.trim_end_matches('}');
                format!("{inner}|remote_address:{endpoint}}}").into()
            }
            _ => details.into(),
        }
    }
}

impl Failed {
    /// Envoy's `%RESPONSE_CODE_DETAILS%`: to it an answer has begun with what is interim.
    pub(crate) fn details_with(self, endpoint: Option<SocketAddr>) -> Cow<'static, str> {
        let details = self.failure.details_with(endpoint);
        if self.is_behind_interim {
            return details
                .replacen("before_response", "after_response", 1)
                .into();
        }
        details
    }
}

fn details_of(error: RequestError) -> &'static str {
    match error {
        RequestError::Syntax => "http1.codec_error",
        RequestError::Target => "http1.invalid_url",
        RequestError::Authority => "http.invalid_authority",
        RequestError::ConnectionField => "http1.connection_header_rejected",
        RequestError::Length => "http1.content_length_and_chunked_not_allowed",
        RequestError::Body => "http1.body_disallowed",
        RequestError::TransferCoding => "http1.invalid_transfer_encoding",
        RequestError::TooLarge => "http1.headers_too_large",
        RequestError::Version => "low_version",
    }
}

fn details_of_connect(
    Unreachable {
        cause,
        is_immediate,
    }: Unreachable,
) -> &'static str {
    macro_rules! reset {
        ($($more:literal),*) => {
            concat!("upstream_reset_before_response_started{remote_connection_failure", $($more,)* "}")
        };
    }
    macro_rules! kernel_said {
        ($what:literal) => {
            if is_immediate {
                reset!("|immediate_connect_error:_", $what)
            } else {
                reset!("|delayed_connect_error:_", $what)
            }
        };
    }
    match cause {
        Cause::Forbidden => kernel_said!("Operation_not_permitted"),
        Cause::Host => kernel_said!("No_route_to_host"),
        Cause::Network => kernel_said!("Network_is_unreachable"),
        Cause::Refused => kernel_said!("Connection_refused"),
        Cause::Reset => kernel_said!("Connection_reset_by_peer"),
        Cause::TimedOut => kernel_said!("Connection_timed_out"),
        Cause::Other => reset!(),
    }
}
