use http::HeaderValue;

use super::*;

fn end(status: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static(status),
    )])
}

#[test]
fn only_a_server_that_says_so_serves() {
    for (status, data, expected) in [
        ("0", &b"\0\0\0\0\x02\x08\x01"[..], Ok(())),
        ("0", b"\0\0\0\0\x02\x08\x02", Err("NOT_SERVING")),
        ("0", b"\0\0\0\0\x00", Err("UNKNOWN")),
        ("0", b"\0\0\0\0\x02\x08\x03", Err("SERVICE_UNKNOWN")),
        ("0", b"\0\0\0\0\x02\x08\x09", Err("serving status 9")),
        ("0", b"", Err("an answer that is not one message")),
        (
            "0",
            b"\0\0\0\0\x03\x08\x01",
            Err("an answer that is not one message"),
        ),
        (
            "0",
            b"\x01\0\0\0\x02\x08\x01",
            Err("an answer that is not one message"),
        ),
        ("12", b"", Err("gRPC status 12")),
        ("14", b"\0\0\0\0\x02\x08\x01", Err("gRPC status 14")),
    ] {
        let judged = judge(&end(status), Bytes::from_static(data));
        assert_eq!(judged, expected.map_err(str::to_owned), "{status} {data:?}");
    }
    let judged = judge(
        &HeaderMap::new(),
        Bytes::from_static(b"\0\0\0\0\x02\x08\x01"),
    );
    assert_eq!(judged, Err("an answer without gRPC status".to_owned()));
    assert!(judge(&end("0"), Bytes::from_static(b"\0\0\0\0\x01\xff")).is_err());
}
