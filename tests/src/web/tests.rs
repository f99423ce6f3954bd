use super::{Request, Speaks, named, parse};

#[test]
fn reads_its_own_log() {
    let line = r#"192.0.2.11 HTTP/2.0 200 /a?n=1 serviceb.apps.local "192.0.2.9, 192.0.2.11""#;
    assert_eq!(
        parse(line),
        Some(Request {
            peer: [192, 0, 2, 11].into(),
            protocol: "HTTP/2.0".to_owned(),
            status: 200,
            target: "/a?n=1".to_owned(),
            host: "serviceb.apps.local".to_owned(),
            forwarded_for: "192.0.2.9, 192.0.2.11".to_owned(),
        })
    );
}

#[test]
fn an_absent_header_is_empty() {
    let line = r#"::1 HTTP/1.1 404 / - "-""#;
    assert_eq!(parse(line).expect("a line").forwarded_for, "");
}

#[test]
fn a_line_cut_short_is_no_request() {
    assert_eq!(parse("192.0.2.11 HTTP/2.0 200"), None);
}

#[test]
fn http2_is_named_on_its_ports_only() {
    let text = named("a", &[(80, Speaks::Http2), (81, Speaks::Http1)]);
    assert!(text.contains("listen 0.0.0.0:80 http2;"));
    assert!(text.contains("listen [::]:81 ipv6only=on;"));
}
