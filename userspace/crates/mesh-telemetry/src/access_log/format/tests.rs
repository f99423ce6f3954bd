use std::{
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use proptest::prelude::*;

use super::*;
use crate::{
    access_log::{ResponseFlag, ResponseFlags},
    reason::Reason,
};

/// A request for `/colour?a=b` that was answered.
fn entry() -> Entry {
    Entry {
        started: SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_276_800_123),
        duration: Duration::from_millis(42),
        until_answer: Some(Duration::from_millis(40)),
        protocol: Some("HTTP/1.1"),
        status: 200,
        details: Some("via_upstream".into()),
        flags: ResponseFlags::default(),
        reason: None,
        bytes_received: 7,
        bytes_sent: 1024,
        route: Some("blue".to_owned()),
        upstream_cluster: Some("cds_egress_apps_blue_http_80".to_owned()),
        upstream_host: Some(SocketAddr::from(([10, 0, 0, 2], 80))),
        downstream_remote: SocketAddr::from(([10, 0, 0, 1], 4567)),
        downstream_local: SocketAddr::from(([192, 0, 2, 1], 80)),
        local_reply: "",
        is_grpc: true,
        captured: Captured::default(),
    }
}

fn request(name: &str) -> Option<Cow<'static, [u8]>> {
    let value: &[u8] = match name {
        ":authority" => b"colour.local",
        ":method" => b"GET",
        ":path" => b"/colour?a=b",
        "user-agent" => b"curl/8",
        "x-quote" => b"a \"b\" \xff",
        "x-request-id" => b"6f2b",
        _ => return None,
    };
    Some(value.into())
}

fn written(format: &Format, mut entry: Entry) -> String {
    let response = |name: &str| match name {
        "x-envoy-upstream-service-time" => Some(Cow::from(&b"40"[..])),
        _ => None,
    };
    let trailers = |name: &str| (name == "grpc-status").then(|| Cow::from(&b"14"[..]));
    format.capture(&mut entry.captured, Message::Request, request);
    format.capture(&mut entry.captured, Message::Response, response);
    format.capture(&mut entry.captured, Message::Trailers, trailers);
    let mut line = Vec::new();
    format.write(&entry, &mut line);
    String::from_utf8_lossy(&line).into_owned()
}

fn line(format: &str) -> String {
    written(&Format::text(format).expect(format), entry())
}

#[test]
fn the_default_line_is_envoys() {
    assert_eq!(
        written(&Format::default(), entry()),
        "[2026-11-21T16:00:00.123Z] \"GET /colour?a=b HTTP/1.1\" 200 - 7 1024 42 40 \"-\" \
         \"curl/8\" \"6f2b\" \"colour.local\" \"10.0.0.2:80\"\n"
    );
}

#[test]
fn the_reason_is_a_word_behind_the_default_line_a_piece_of_a_text_and_a_member_of_json() {
    let failed = || Entry {
        reason: Some(Reason::ConnectRefused),
        ..entry()
    };
    let default = written(&Format::default(), entry());
    let with_reason = Format::text(DEFAULT_WITH_REASON).expect("a format");
    let begin = default.trim_end();
    assert_eq!(written(&with_reason, entry()), format!("{begin} -\n"));
    let expected = format!("{begin} connect-refused\n");
    assert_eq!(written(&with_reason, failed()), expected);
    let text = Format::text("<%FERROMESH_REASON%>").expect("a format");
    assert_eq!(written(&text, failed()), "<connect-refused>\n");
    let member = ("why".to_owned(), "%FERROMESH_REASON%".to_owned());
    let json = Format::json(&[member]).expect("a format");
    assert_eq!(written(&json, failed()), "{\"why\":\"connect-refused\"}\n");
    assert_eq!(written(&json, entry()), "{\"why\":null}\n");
}

#[test]
fn operators_say_what_envoys_say() {
    for (format, expected) in [
        (
            "%ROUTE_NAME% %UPSTREAM_CLUSTER%",
            "blue cds_egress_apps_blue_http_80\n",
        ),
        (
            "%REQ(:PATH):4%|%REQ_WITHOUT_QUERY(:path)%",
            "/col|/colour\n",
        ),
        ("%REQ(x-none?USER-agent)% %REQ(x-none)%", "curl/8 -\n"),
        ("100%% %PROTOCOL%\n", "100% HTTP/1.1\n"),
        (
            "%START_TIME(%Y/%m/%d %H:%M:%S.%6f %s)%",
            "2026/11/21 16:00:00.123000 1795276800\n",
        ),
        ("%RESPONSE_DURATION% %RESPONSE_TX_DURATION%", "40 2\n"),
        ("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "10.0.0.1\n"),
        (
            "%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_PORT%",
            "192.0.2.1:80 80\n",
        ),
        (
            "%GRPC_STATUS% %GRPC_STATUS(NUMBER)% %TRAILER(grpc-status)%",
            "Unavailable 14 14\n",
        ),
        (
            "%GRPC_STATUS(CAMEL_STRING)% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS_NUMBER%",
            "Unavailable UNAVAILABLE 14\n",
        ),
        ("%STREAM_ID%", "6f2b\n"),
        (
            "%RESPONSE_CODE_DETAILS%|%LOCAL_REPLY_BODY%|",
            "via_upstream||\n",
        ),
        ("%DOWNSTREAM_TLS_VERSION% %DYNAMIC_METADATA(a:b)%", "- -\n"),
        (
            "%PATH% %PATH(NQ)% %PATH(WQ:PATH)% %PATH(NQ:ORIG)% %PATH:4%",
            "/colour?a=b /colour /colour?a=b - /col\n",
        ),
        ("%ACCESS_LOG_TYPE%", "DownstreamEnd\n"),
        ("", "\n"),
    ] {
        assert_eq!(line(format), expected, "{format}");
    }
}

#[test]
fn a_status_of_grpc_is_that_of_a_call_of_grpc() {
    let format = Format::text("%GRPC_STATUS% %GRPC_STATUS_NUMBER%").expect("a format");
    let said = |is_grpc: bool, status: u16, said: Option<&'static str>| {
        let mut entry = Entry {
            status,
            is_grpc,
            ..entry()
        };
        format.capture(&mut entry.captured, Message::Response, |name| {
            let said = said.filter(|_| name == "grpc-status")?;
            Some(Cow::Borrowed(said.as_bytes()))
        });
        let mut line = Vec::new();
        format.write(&entry, &mut line);
        String::from_utf8(line).expect("text")
    };
    assert_eq!(said(true, 200, Some("5")), "NotFound 5\n");
    assert_eq!(said(true, 200, Some("99")), "99 99\n");
    assert_eq!(said(true, 200, Some("x")), "-1 -1\n");
    assert_eq!(said(true, 200, None), "Unknown 2\n");
    assert_eq!(said(true, 503, Some("")), "Unavailable 14\n");
    assert_eq!(said(true, 0, None), "- -\n");
    assert_eq!(said(false, 200, Some("5")), "- -\n");
}

#[test]
fn what_went_wrong_is_written_short_and_long() {
    let format = Format::text("%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG%").expect("a format");
    let failed = Entry {
        flags: [ResponseFlag::NoRouteFound].into_iter().collect(),
        ..entry()
    };
    assert_eq!(written(&format, failed), "NR NoRouteFound\n");
    let unreachable = [
        ResponseFlag::UpstreamRetryLimitExceeded,
        ResponseFlag::UpstreamConnectionFailure,
    ];
    let mut flags: ResponseFlags = unreachable.into_iter().collect();
    flags.add(ResponseFlag::UpstreamRetryLimitExceeded);
    let failed = Entry { flags, ..entry() };
    assert_eq!(
        written(&format, failed),
        "URX,UF UpstreamRetryLimitExceeded,UpstreamConnectionFailure\n"
    );
    assert_eq!(written(&format, entry()), "- -\n");
}

#[test]
fn members_of_json_are_sorted_and_keep_their_type() {
    let members = [
        ("plain", "twice"),
        ("status", "%RESPONSE_CODE%"),
        ("flags", "%RESPONSE_FLAGS%"),
        ("a \"key\"", "%REQ(X-QUOTE)%"),
        ("mixed", "%PROTOCOL%/%RESPONSE_FLAGS%"),
        ("plain", "text"),
        ("absent", "%REQ(X-NONE)%"),
        ("body", "%LOCAL_REPLY_BODY%"),
    ]
    .map(|(name, format)| (name.to_owned(), format.to_owned()));
    let format = Format::json(&members).expect("a format");
    assert_eq!(
        written(&format, entry()),
        concat!(
            r#"{"a \"key\"":"a \"b\" "#,
            "\u{fffd}",
            r#"","absent":null,"body":"","flags":"-","mixed":"HTTP/1.1/-","plain":"text","#,
            r#""status":200}"#,
            "\n"
        )
    );
    assert_eq!(written(&Format::json(&[]).expect("none"), entry()), "{}\n");
}

#[test]
fn what_envoy_refuses_is_refused() {
    for (format, text, fault) in [
        ("50% off", "% off", FormatFault::Unclosed),
        ("a %REQ(a", "%REQ(a", FormatFault::Unclosed),
        ("%protocol%", "%protocol%", FormatFault::Unclosed),
        ("%PROTOCOL:x%", "%PROTOCOL:x%", FormatFault::Unclosed),
        ("%BOGUS%", "%BOGUS%", FormatFault::Unknown),
        ("%REQ%", "%REQ%", FormatFault::NoHeader),
        ("%REQ()%", "%REQ()%", FormatFault::NoHeader),
        ("%RESP(a?b?c)%", "%RESP(a?b?c)%", FormatFault::Alternatives),
        ("%PROTOCOL(a)%", "%PROTOCOL(a)%", FormatFault::Argument),
        ("%PROTOCOL:3%", "%PROTOCOL:3%", FormatFault::Length),
        ("%START_TIME:3%", "%START_TIME:3%", FormatFault::Length),
        (
            "%GRPC_STATUS(a)%",
            "%GRPC_STATUS(a)%",
            FormatFault::GrpcStatus,
        ),
        ("%START_TIME(%!)%", "%START_TIME(%!)%", FormatFault::Time),
        ("%PATH(x)%", "%PATH(x)%", FormatFault::Path),
        ("%FILTER_STATE%", "%FILTER_STATE%", FormatFault::NoArgument),
        ("%HOSTNAME(a)%", "%HOSTNAME(a)%", FormatFault::Argument),
        ("%HOSTNAME:3%", "%HOSTNAME:3%", FormatFault::Length),
        // It only begins as others do.
        (
            "%DOWNSTREAM_TLS_BOGUS%",
            "%DOWNSTREAM_TLS_BOGUS%",
            FormatFault::Unknown,
        ),
    ] {
        let error = Format::text(format).expect_err(format);
        assert_eq!(
            (error.text.as_str(), error.fault),
            (text, fault),
            "{format}"
        );
    }
}

#[test]
fn operators_that_are_not_kept_are_told() {
    let format = Format::text("%HOSTNAME% %PROTOCOL% %FILTER_STATE(a)%").expect("a format");
    assert_eq!(format.unkept(), ["%HOSTNAME%", "%FILTER_STATE(a)%"]);
}

proptest! {
    #[test]
    fn any_text_is_a_format_or_is_refused(text in "(%[A-Z_]{0,4}|[(]|[)]|:|[0-9]|%|é|REQ){0,12}") {
        if let Ok(format) = Format::text(&text) {
            let line = written(&format, entry());
            prop_assert!(line.ends_with('\n'));
        }
    }
}
