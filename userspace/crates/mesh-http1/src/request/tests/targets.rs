//! The target of a request: its forms, and what is left of each.

use super::*;

#[test]
fn targets_of_every_form_are_read() {
    for (line, uri) in [
        ("GET /x HTTP/1.1", "/x"),
        ("GET /a?b=/c?d HTTP/1.1", "/a?b=/c?d"),
        ("GET /[x]%zz HTTP/1.1", "/[x]%zz"),
        ("GET /<a>?\"b\"`c` HTTP/1.1", "/%3Ca%3E?%22b%22%60c%60"),
        ("OPTIONS * HTTP/1.1", "*"),
        ("GET HTTP://b.local HTTP/1.1", "http://b.local/"),
        (
            "GET https://B.local:80/x?y HTTP/1.1",
            "https://B.local:80/x?y",
        ),
        ("GET http://u:p@b.local/ HTTP/1.1", "http://b.local/"),
        ("GET http://[::1]:8/ HTTP/1.1", "http://[::1]:8/"),
        ("CONNECT b.local:443 HTTP/1.1", "b.local:443"),
        ("CONNECT [::1]:443 HTTP/1.1", "[::1]:443"),
    ] {
        assert_eq!(decode(&request(line, "")).unwrap().parts.uri, uri, "{line}");
    }
    for line in [
        "GET * HTTP/1.1",
        "GET b.local:80 HTTP/1.1",
        "GET foo HTTP/1.1",
        "GET ?q HTTP/1.1",
        "GET # HTTP/1.1",
        "GET HTTP/1.1",
        "GET ftp://b.local/ HTTP/1.1",
        "GET http:///x HTTP/1.1",
        "GET http://b.local:99999/ HTTP/1.1",
        "GET http://b[/ HTTP/1.1",
        "GET /\x7f HTTP/1.1",
        "GET /é HTTP/1.1",
        "GET /\r HTTP/1.1",
        "CONNECT / HTTP/1.1",
        "CONNECT b.local HTTP/1.1",
        "CONNECT b.local:99999 HTTP/1.1",
        "CONNECT http://b.local/ HTTP/1.1",
        "CONNECT :80 HTTP/1.1",
    ] {
        assert_eq!(
            refusal(&request(line, "")),
            RequestError::Target,
            "{line:?}"
        );
    }
}

#[test]
fn a_target_without_a_path_stays_one() {
    let head = decode(&request("GET http://b.local?q HTTP/1.1", "")).unwrap();
    let target = head.parts.uri.path_and_query().unwrap();
    assert_eq!(target.as_str(), "?q");
}

#[test]
fn a_fragment_is_told_apart_from_its_target() {
    for (line, uri, fragment) in [
        ("GET /x HTTP/1.1", "/x", None),
        ("GET /x#y HTTP/1.1", "/x", Some("#y")),
        ("GET /?a#b#c HTTP/1.1", "/?a", Some("#b#c")),
        (
            "GET http://b.local/x# HTTP/1.1",
            "http://b.local/x",
            Some("#"),
        ),
    ] {
        let head = decode(&request(line, "")).unwrap();
        assert_eq!(head.parts.uri, uri, "{line}");
        assert_eq!(
            head.fragment.as_deref(),
            fragment.map(str::as_bytes),
            "{line}"
        );
    }
}
