//! The operators of a format, and what each makes of an entry.

use std::{borrow::Cow, net::SocketAddr, time::Duration};

use jiff::{Timestamp, fmt::strtime, tz::TimeZone};

use super::Entry;
use crate::reason::Reason;

/// Envoy's `%START_TIME%`.
const START_TIME: &str = "%Y-%m-%dT%H:%M:%S.%3fZ";

/// gRPC's status codes by number (gRPC, "Status codes and their use").
const GRPC_STATUSES: [&str; 17] = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];

/// What stands between two `%`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// What is not kept account of.
    Absent,
    Field(Field),
    /// A status of gRPC, captured there.
    Grpc {
        slot: usize,
        form: GrpcStatus,
    },
    /// A header field, captured there.
    Header(usize),
    /// When the request began, by `strftime(3)`.
    StartTime(Box<str>),
}

/// How a status of gRPC is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GrpcStatus {
    /// `InvalidArgument`
    Camel,
    /// `3`
    Number,
    /// `INVALID_ARGUMENT`
    Snake,
}

/// A part of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    AccessLogType,
    BytesReceived,
    BytesSent,
    DownstreamLocal(Part),
    DownstreamRemote(Part),
    Duration,
    LocalReplyBody,
    Protocol,
    Reason,
    ResponseCode,
    ResponseCodeDetails,
    ResponseDuration,
    ResponseFlags,
    ResponseFlagsLong,
    ResponseTxDuration,
    RouteName,
    UpstreamCluster,
    UpstreamHost(Part),
}

/// A part of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Address,
    Port,
    Whole,
}

/// What an operator stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Absent,
    Number(u64),
    Text(Cow<'a, [u8]>),
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Absent, |text| Self::Text(text.as_bytes().into()))
    }
}

impl Field {
    /// The field of an operator without an argument.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "ACCESS_LOG_TYPE" => Self::AccessLogType,
            "BYTES_RECEIVED" => Self::BytesReceived,
            "BYTES_SENT" => Self::BytesSent,
            "DOWNSTREAM_DIRECT_REMOTE_ADDRESS" | "DOWNSTREAM_REMOTE_ADDRESS" => {
                Self::DownstreamRemote(Part::Whole)
            }
            "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT"
            | "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT" => Self::DownstreamRemote(Part::Address),
            "DOWNSTREAM_LOCAL_ADDRESS" => Self::DownstreamLocal(Part::Whole),
            "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT" => Self::DownstreamLocal(Part::Address),
            "DOWNSTREAM_LOCAL_PORT" => Self::DownstreamLocal(Part::Port),
            "DOWNSTREAM_DIRECT_REMOTE_PORT" | "DOWNSTREAM_REMOTE_PORT" => {
                Self::DownstreamRemote(Part::Port)
            }
            "DURATION" => Self::Duration,
            // Envoy has none such.
            "FERROMESH_REASON" => Self::Reason,
            "LOCAL_REPLY_BODY" => Self::LocalReplyBody,
            "PROTOCOL" => Self::Protocol,
            "RESPONSE_CODE" => Self::ResponseCode,
            "RESPONSE_CODE_DETAILS" => Self::ResponseCodeDetails,
            "RESPONSE_DURATION" => Self::ResponseDuration,
            "RESPONSE_FLAGS" => Self::ResponseFlags,
            "RESPONSE_FLAGS_LONG" => Self::ResponseFlagsLong,
            "RESPONSE_TX_DURATION" => Self::ResponseTxDuration,
            "ROUTE_NAME" => Self::RouteName,
            "UPSTREAM_CLUSTER" | "UPSTREAM_CLUSTER_RAW" => Self::UpstreamCluster,
            "UPSTREAM_HOST" | "UPSTREAM_REMOTE_ADDRESS" => Self::UpstreamHost(Part::Whole),
            "UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT" => Self::UpstreamHost(Part::Address),
            "UPSTREAM_REMOTE_PORT" => Self::UpstreamHost(Part::Port),
            _ => return None,
        })
    }

    fn value(self, entry: &Entry) -> Value<'_> {
        match self {
            Self::AccessLogType => Value::from(Some(match entry.protocol {
                Some(_) => "DownstreamEnd",
                None => "TcpConnectionEnd",
            })),
            Self::BytesReceived => Value::Number(entry.bytes_received),
            Self::BytesSent => Value::Number(entry.bytes_sent),
            Self::DownstreamLocal(part) => part.of(Some(entry.downstream_local)),
            Self::DownstreamRemote(part) => part.of(Some(entry.downstream_remote)),
            Self::Duration => millis(Some(entry.duration)),
            Self::LocalReplyBody => Value::from(Some(entry.local_reply)),
            Self::Protocol => Value::from(entry.protocol),
            Self::Reason => Value::from(entry.reason.map(Reason::word)),
            Self::ResponseCode => Value::Number(entry.status.into()),
            Self::ResponseCodeDetails => Value::from(entry.details.as_deref()),
            Self::ResponseDuration => millis(entry.until_answer),
            Self::ResponseFlags => flags(entry.flags.joined(super::ResponseFlag::short)),
            Self::ResponseFlagsLong => flags(entry.flags.joined(super::ResponseFlag::long)),
            Self::ResponseTxDuration => {
                let until_answer = entry.until_answer;
                millis(until_answer.map(|until| entry.duration.saturating_sub(until)))
            }
            Self::RouteName => Value::from(entry.route.as_deref()),
            Self::UpstreamCluster => Value::from(entry.upstream_cluster.as_deref()),
            Self::UpstreamHost(part) => part.of(entry.upstream_host),
        }
    }
}

impl Part {
    fn of<'a>(self, address: Option<SocketAddr>) -> Value<'a> {
        let Some(address) = address else {
            return Value::Absent;
        };
        match self {
            Self::Address => Value::Text(address.ip().to_string().into_bytes().into()),
            Self::Port => Value::Number(address.port().into()),
            Self::Whole => Value::Text(address.to_string().into_bytes().into()),
        }
    }
}

impl Operator {
    /// `%START_TIME%`, or with a form of its own; none where that is no form of a time.
    pub(super) fn start_time(form: Option<&str>) -> Option<Self> {
        let form = form.filter(|form| !form.is_empty()).unwrap_or(START_TIME);
        time(Timestamp::UNIX_EPOCH, form)?;
        Some(Self::StartTime(form.into()))
    }

    pub(super) fn value<'a>(&self, entry: &'a Entry) -> Value<'a> {
        match self {
            Self::Absent => Value::Absent,
            Self::Field(field) => field.value(entry),
            Self::Grpc { slot, form } => grpc(entry.captured.get(*slot), entry, *form),
            Self::Header(slot) => match entry.captured.get(*slot) {
                Some(value) => Value::Text(value.into()),
                None => Value::Absent,
            },
            Self::StartTime(form) => {
                let started = Timestamp::try_from(entry.started).ok();
                match started.and_then(|started| time(started, form)) {
                    Some(text) => Value::Text(text.into_bytes().into()),
                    None => Value::Absent,
                }
            }
        }
    }
}

fn time(moment: Timestamp, form: &str) -> Option<String> {
    strtime::format(form, &moment.to_zoned(TimeZone::UTC)).ok()
}

/// These are texts to Envoy also where there is nothing to tell.
fn flags<'a>(flags: Option<Cow<'static, str>>) -> Value<'a> {
    match flags.unwrap_or(Cow::Borrowed("-")) {
        Cow::Borrowed(text) => Value::Text(text.as_bytes().into()),
        Cow::Owned(text) => Value::Text(text.into_bytes().into()),
    }
}

fn millis<'a>(duration: Option<Duration>) -> Value<'a> {
    match duration {
        Some(duration) => Value::Number(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
        None => Value::Absent,
    }
}

/// The status of a call of gRPC: as the answer says it, else by that of HTTP. What is no number is -1,
/// and what no name has is written as a number.
fn grpc(said: Option<&[u8]>, entry: &Entry, form: GrpcStatus) -> Value<'static> {
    if !entry.is_grpc {
        return Value::Absent;
    }
    let said = said.filter(|said| !said.is_empty());
    let number = match said {
        Some(said) => std::str::from_utf8(said)
            .ok()
            .and_then(|said| said.parse::<u64>().ok()),
        None if entry.status == 0 => return Value::Absent,
        None => Some(grpc_status_of(entry.status)),
    };
    let Some(number) = number else {
        return Value::Text(Cow::Borrowed(b"-1"));
    };
    let name = usize::try_from(number)
        .ok()
        .and_then(|number| GRPC_STATUSES.get(number));
    match (form, name) {
        (GrpcStatus::Camel, Some(name)) => Value::Text(name.as_bytes().into()),
        (GrpcStatus::Snake, Some(name)) => Value::Text(snake_case(name).into_bytes().into()),
        (GrpcStatus::Camel | GrpcStatus::Snake, None) => {
            Value::Text(number.to_string().into_bytes().into())
        }
        (GrpcStatus::Number, _) => Value::Number(number),
    }
}

/// gRPC's table "HTTP to gRPC Status Code Mapping".
fn grpc_status_of(status: u16) -> u64 {
    match status {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502 | 503 | 504 => 14,
        _ => 2,
    }
}

/// `InvalidArgument` to `INVALID_ARGUMENT`.
fn snake_case(name: &str) -> String {
    let mut text = String::new();
    let mut after_lower = false;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && after_lower {
            text.push('_');
        }
        after_lower = letter.is_ascii_lowercase();
        text.push(letter.to_ascii_uppercase());
    }
    text
}
