//! What the client and the service of a case do, step by step.

use super::Fields;
use crate::parity::http1::Kind;

/// What a client does on a connection of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Send(Vec<u8>),
    /// Waits until so many bytes have come in all.
    Receive(usize),
    /// Waits until these bytes have come.
    Await(&'static str),
    /// Waits for this many milliseconds, so that bytes go in packets of their own.
    Pause(u64),
    /// Waits until the proxy drains.
    Drain,
    /// Closes the sending half.
    Finish,
    /// Resets the connection.
    Reset,
}

/// What a client does on a connection of HTTP/2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Head(u32, Fields, End),
    Data(u32, Vec<u8>, End),
    /// Any frame: its type, flags, stream and payload.
    Raw(u8, u8, u32, Vec<u8>),
    /// `RST_STREAM` with an error code.
    Cancel(u32, u32),
    /// Waits for the answer's head.
    AwaitHead(u32),
    /// Waits for the answer's end.
    AwaitEnd(u32),
    Pause(u64),
    /// Waits until the proxy drains.
    Drain,
    Finish,
}

/// Whether a stream's half ends with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Stream,
    More,
}

/// The client of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// HTTP/1, and as what each expected answer is read.
    Http1(Vec<Step>, Vec<Kind>),
    Http2(Vec<Frame>),
    Tcp(Vec<Step>),
    /// Connections of bytes, one after the other; all stay open until the last is through.
    Several(Vec<Vec<Step>>),
    /// So many requests, and the weight of each address that may answer.
    Shares(usize, Vec<u8>, Vec<(String, u32)>),
    /// A request again and again, up to a stage of the endpoints that join.
    Stages(Vec<u8>, usize),
    /// A request and one that an endpoint fails; as many failures as eject it, and how often it is to be.
    Ejections(Vec<u8>, Vec<u8>, (usize, u32)),
}

/// What a service does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Waits for the whole request.
    Request,
    Head(u16, Fields),
    Data(Vec<u8>),
    Trailers(Fields),
    /// Ends the answer.
    End,
    /// Bytes as they are, past the protocol.
    Bytes(Vec<u8>),
    /// A frame on the request's stream: its type, flags and payload.
    Raw(u8, u8, Vec<u8>),
    /// `RST_STREAM` with an error code.
    Cancel(u32),
    /// Waits for this many bytes, on a connection of bytes.
    Receive(usize),
    /// Sends back whatever comes, until the client has finished.
    Echo,
    /// Waits for this many milliseconds, or until nobody is there any more.
    Pause(u64),
    /// Waits until the proxy drains.
    Drain,
    Finish,
    Reset,
}

/// When a service does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// A request has come.
    Asked,
    /// A connection has come; only of a service of the case's own.
    Connected,
}
