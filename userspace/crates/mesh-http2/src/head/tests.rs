use http::{HeaderValue, Method, header};

use super::*;

const GET: [(&str, &str); 4] = [
    (":method", "GET"),
    (":scheme", "http"),
    (":authority", "a.local"),
    (":path", "/"),
];

fn fields(list: &[(&str, &str)]) -> Vec<Field> {
    let field = |(name, value): &(&str, &str)| Field {
        name: Name::of(name.as_bytes()).expect("a name"),
        value: HeaderValue::try_from(*value).expect("a value"),
    };
    list.iter().map(field).collect()
}

/// A request with one pseudo header set to something else, or left out.
fn with(name: &str, value: Option<&str>) -> Result<RequestHead, Malformed> {
    let list = GET.iter().filter_map(|(field, given)| {
        if *field == name {
            value.map(|value| (*field, value))
        } else {
            Some((*field, *given))
        }
    });
    request(fields(&list.collect::<Vec<_>>()))
}

fn and(more: &[(&str, &str)]) -> Result<RequestHead, Malformed> {
    request(fields(&[&GET, more].concat()))
}

#[test]
fn a_request_is_what_its_fields_say() {
    let head = and(&[("x-a", "1"), ("x-a", "2"), ("expect", "100-Continue")]).expect("a head");
    assert_eq!(head.parts.method, Method::GET);
    assert_eq!(head.parts.uri, "http://a.local/");
    assert!(head.expects_continue);
    let values: Vec<_> = head.parts.headers.get_all("x-a").iter().collect();
    assert_eq!(values, ["1", "2"]);
}

#[test]
fn what_envoy_takes_for_no_request_is_none() {
    for (name, value) in [
        (":method", None),
        (":method", Some("")),
        (":method", Some("G T")),
        (":scheme", None),
        (":scheme", Some("")),
        (":scheme", Some("h p")),
        (":path", None),
        (":path", Some("")),
        (":path", Some("x")),
        (":path", Some("*")),
        (":path", Some("/a b")),
        (":path", Some("http://a.local/x")),
        (":authority", None),
        (":authority", Some("")),
        (":authority", Some("a b")),
        (":authority", Some("user@a.local")),
        (":authority", Some("a.local/x")),
    ] {
        assert!(with(name, value).is_err(), "{name} {value:?}");
    }
    for more in [
        &[(":path", "/other")][..],
        &[("x-a", "1"), (":status", "200")],
        &[("connection", "close")],
        &[("keep-alive", "timeout=5")],
        &[("proxy-connection", "close")],
        &[("transfer-encoding", "chunked")],
        &[("upgrade", "websocket")],
        &[("te", "gzip")],
        &[("te", "trailers, deflate")],
        &[("content-length", "x")],
        &[("content-length", "3"), ("content-length", "3")],
        &[("host", "a.local"), ("host", "a.local")],
    ] {
        assert!(and(more).is_err(), "{more:?}");
    }
}

#[test]
fn what_no_uri_holds_and_envoy_takes_is_kept() {
    for host in ["::1", "a.local%20", "a,b;c", "*"] {
        let parts = with(":authority", Some(host)).expect(host).parts;
        let authority = parts
            .uri
            .authority()
            .map(|authority| authority.as_str().to_owned());
        let field = parts.headers.get(header::HOST);
        let field = field.map(|host| host.to_str().expect("text").to_owned());
        assert_eq!(authority.or(field).as_deref(), Some(host));
    }
    let head = with(":path", Some("/a?b#c")).expect("a head");
    assert_eq!(head.fragment.as_deref(), Some(&b"#c"[..]));
    assert_eq!(head.parts.uri.path_and_query().expect("a path"), "/a?b");
    assert!(with(":path", Some("/a<b>")).is_ok());
    let list = [
        (":method", "OPTIONS"),
        (":scheme", "http"),
        (":path", "*"),
        ("host", "a"),
    ];
    assert!(request(fields(&list)).is_ok());
}

#[test]
fn connect_has_an_authority_alone() {
    let list = [(":method", "CONNECT"), (":authority", "a.local:80")];
    let head = request(fields(&list)).expect("a head");
    assert_eq!(head.parts.uri, "a.local:80");
    assert!(with(":method", Some("CONNECT")).is_err());
}

#[test]
fn an_answer_has_a_status_and_fields() {
    let answered = |status: &str| answer(fields(&[(":status", status), ("content-length", "3")]));
    assert_eq!(answered("200").expect("a head").length, Some(3));
    assert_eq!(answered("304").expect("a head").length, None);
    for status in ["", "99", "abc", "2000", "101"] {
        assert!(answered(status).is_err(), "{status}");
    }
    assert!(answer(fields(&[("x-a", "1")])).is_err());
    assert!(answer(fields(&[(":status", "200"), (":path", "/")])).is_err());
    assert!(answer(fields(&[(":status", "200"), ("connection", "close")])).is_err());
}

#[test]
fn trailers_have_no_pseudo_headers() {
    assert_eq!(
        trailers(fields(&[("x-t", "1")])).expect("trailers").len(),
        1
    );
    assert!(trailers(fields(&[(":path", "/")])).is_err());
    assert!(trailers(fields(&[(":status", "200")])).is_err());
}
