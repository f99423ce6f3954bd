//! What the access log says of answers that are the proxy's own.

use std::net::SocketAddr;

use mesh_model::snapshot::AccessLogFormat;

use super::*;
use crate::failure::nowhere;

const FORMAT: &str = concat!(
    "%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% ",
    "%BYTES_RECEIVED% %BYTES_SENT% %UPSTREAM_CLUSTER%",
);

/// A service `b.local` with this endpoint that is written down.
async fn logged(endpoint: SocketAddr, log: &Log) -> Mesh {
    let mut plan = Plan::one(Protocol::Http, endpoint);
    plan.access_log(log.config(AccessLogFormat::Text(FORMAT.to_owned())));
    Mesh::start(plan.snapshot()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_goes_nowhere_is_taken_whole() {
    let log = Log::new();
    let mesh = logged(nowhere(), &log).await;
    let post = format!("POST /x HTTP/1.1\r\n{HOST}Content-Length: 3\r\n\r\nabc");
    let head = format!("HEAD /x HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n");
    let both = answers(&mesh, post + &head).await;
    let unavailable = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 98\r\n";
    assert_eq!(both.matches(unavailable).count(), 2, "{both}");
    let why = "upstream_reset_before_response_started{remote_connection_failure|\
               delayed_connect_error:_Connection_refused}";
    assert_eq!(
        log.lines(2).await,
        [
            format!("POST /x 503 UF {why} 3 98 b"),
            format!("HEAD /x 503 UF {why} 0 0 b"),
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connect_that_the_kernel_does_not_even_try_is_written_down_as_that() {
    let log = Log::new();
    // No TCP goes to a broadcast address.
    let mesh = logged(([255; 4], 80).into(), &log).await;
    let request = format!("GET /x HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n");
    answers(&mesh, request).await;
    let why = "upstream_reset_before_response_started{remote_connection_failure|\
               immediate_connect_error:_Network_is_unreachable|remote_address:255.255.255.255:80}";
    assert_eq!(log.lines(1).await, [format!("GET /x 503 UF {why} 0 98 b")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_written_down_as_it_was_sent() {
    let server = Server::http(Version::HTTP_11, echo).await;
    for (line, fields, expected) in [
        (
            "GET /x?y#z",
            "",
            "GET /x?y#z 400 - path_normalization_failed 0 0 -",
        ),
        (
            "GET http://b.local?q",
            "Connection: close\r\n",
            "GET ?q 404 - absolute_path_rejected 0 0 -",
        ),
        (
            "POST /x",
            "Connection: upgrade\r\nUpgrade: foo\r\nContent-Length: 3\r\n",
            "POST /x 403 - upgrade_failed 0 0 b",
        ),
    ] {
        let log = Log::new();
        let mesh = logged(server.address, &log).await;
        answers(&mesh, format!("{line} HTTP/1.1\r\n{HOST}{fields}\r\n")).await;
        assert_eq!(log.lines(1).await, [expected], "{line}");
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_only_says_that_it_will_answer_has_begun_to() {
    let log = Log::new();
    let server = answering(b"HTTP/1.1 100 Continue\r\n\r\n", true).await;
    let mesh = logged(server.address, &log).await;
    let request = format!("GET /x HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n");
    let answer = answers(&mesh, request).await;
    assert!(
        answer.ends_with("reset reason: connection termination"),
        "{answer}"
    );
    let why = "upstream_reset_after_response_started{connection_termination}";
    assert_eq!(log.lines(1).await, [format!("GET /x 503 UC {why} 0 95 b")]);
}
