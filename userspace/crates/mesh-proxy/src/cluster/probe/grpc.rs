//! The probe by gRPC's health checking protocol (`grpc.health.v1`): the service that has no name is asked
//! about, which stands for the whole server.

use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use prost::Message as _;

use super::{Failure, Question, http::Client};

/// `HealthCheckRequest` without a service, behind its length.
const MESSAGE: Bytes = Bytes::from_static(&[0; HEAD]);
/// A message's flags and length (gRPC over HTTP/2, "Length-Prefixed-Message").
const HEAD: usize = 5;
/// `HealthCheckResponse.ServingStatus.SERVING`
const SERVING: i32 = 1;
/// The longest answer that is read; a status takes two bytes.
const LONGEST: usize = 4096;

#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
struct HealthCheckResponse {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// Asks whether the server serves.
pub(super) async fn check(client: &mut Client, uri: Uri, limit: Duration) -> Result<(), Failure> {
    let request = Request::post(uri)
        .header(header::TE, "trailers")
        .header("grpc-timeout", format!("{}m", limit.as_millis()))
        .header(header::CONTENT_TYPE, "application/grpc")
        .body(Question(Full::new(MESSAGE)));
    let response = client.send(request.map_err(Failure::Path)?).await?;
    if response.status() != StatusCode::OK {
        return Err(Failure::Status(response.status()));
    }
    let answer = read(response).await?;
    answer.map_err(Failure::NotServing)
}

/// Reads an answer to its end, or until it cannot be a good one any more; what is wrong with it.
async fn read(response: Response<Incoming>) -> Result<Result<(), String>, Failure> {
    let (parts, mut body) = response.into_parts();
    if !is_grpc(&parts.headers) {
        return Ok(Err("an answer that is not of gRPC".to_owned()));
    }
    let mut data = BytesMut::new();
    let mut end = parts.headers;
    while let Some(frame) = body.frame().await {
        match frame.map_err(Failure::Broken)?.into_data() {
            Ok(more) => data.extend_from_slice(&more),
            Err(frame) => end.extend(frame.into_trailers().unwrap_or_default()),
        }
        if data.len() > LONGEST {
            return Ok(Err("an answer that is too long".to_owned()));
        }
    }
    Ok(judge(&end, data.freeze()))
}

/// Whether a whole answer says that the server serves; `end` has its last header fields.
fn judge(end: &HeaderMap, mut data: Bytes) -> Result<(), String> {
    let status = end
        .get("grpc-status")
        .and_then(|status| status.to_str().ok());
    match status {
        Some("0") => {}
        Some(status) => return Err(format!("gRPC status {status}")),
        None => return Err("an answer without gRPC status".to_owned()),
    }
    if data.len() < HEAD || data.get_u8() != 0 || data.get_u32() as usize != data.len() {
        return Err("an answer that is not one message".to_owned());
    }
    match HealthCheckResponse::decode(data) {
        Ok(HealthCheckResponse { status: SERVING }) => Ok(()),
        Ok(HealthCheckResponse { status }) => Err(match status {
            0 => "UNKNOWN".to_owned(),
            2 => "NOT_SERVING".to_owned(),
            3 => "SERVICE_UNKNOWN".to_owned(),
            other => format!("serving status {other}"),
        }),
        Err(error) => Err(format!("an answer that is none: {error}")),
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let content = headers.get(header::CONTENT_TYPE);
    content.is_some_and(|content| content.as_bytes().starts_with(b"application/grpc"))
}

#[cfg(test)]
mod tests;
