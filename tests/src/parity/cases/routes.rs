//! Requests that each route takes, and such that it only just does not.

use super::request::{either, plain};
use crate::parity::{
    case::{AT, Bullet, Case, Client, Mesh, Protocol, Target, answer},
    meshes::{
        node_address,
        routes::{first_node, header_matches, services},
    },
};

/// Marks a request in the access log, whose default line has this field.
const MARK: (&str, &str) = ("user-agent", "case/{case}");

/// Paths around those of the routes, and such as proxies normalise.
#[rustfmt::skip]
const PATHS: &[&str] = &[
    "/", "/a", "/a/", "/ab", "/a?q", "/a/?q", "/a/b", "/a/b/", "/a/bc", "/a/c", "/abc", "/abcd",
    "/ab/c", "/A", "/A/", "/Ab", "/aB", "/b", "/l", "/la", "/lat", "/late", "/later", "/late/",
    "/L", "/exact", "/exact/", "/exact?q=1", "/exact/?q=1", "/exac", "/exactly", "/exact/more",
    "/EXACT", "/exact#f", "/re/1", "/re/12", "/re/", "/re", "/re/x", "/re/1x", "/re/1/", "/re/1?q",
    "/re/a.png", "/re/.png", "/re/a.pngx", "/re/a/b.png", "/re/a.png?q", "/re/aXpng", "/re/1.png",
    "/RE/1", "//", "//a", "///a///b", "/a//b", "/a//", "/a/b//", "//a//b//", "/abc//", "/exact//",
    "//exact", "/re//1", "/.", "/./", "/./a", "/a/.", "/a/./b", "/a/b/.", "/..", "/../", "/../a",
    "/a/..", "/a/../", "/a/../b", "/a/b/..", "/a/b/../", "/a/b/../..", "/a/b/../../..",
    "/a/b/../../../x", "/x/../a/b", "/./../a", "/x/../../../a", "/...", "/a/...", "/a/..b",
    "/a/b..", "/.a", "/..a", "/a/.b", "/a;p/../b", "/..;/a", "/%2e", "/%2e/", "/%2e/a", "/a/%2e",
    "/a/%2E/b", "/%2e%2e", "/a/%2e%2e", "/a/%2e%2e/b", "/a/.%2e/b", "/a/%2e./b", "/x/%2E%2E/a",
    "/%2e%2e/%2e%2e/a", "/a%2fb", "/a%2Fb", "/a/%2fb", "/%2fa", "/%2Fa", "/a%2f", "/a%2f%2fb",
    "/a/%2f..", "/a%5cb", "/a\\b", "/\\a", "/a\\..\\b", "/a/..\\b", "/%5ca", "/..%2fa", "/x/..%2fa",
    "/esc%2Faped", "/esc%2faped", "/esc/aped", "/esc%2Faped/x", "/esc%252Faped", "/esc%2Fape",
    "/%61", "/%61/b", "/a/%62", "/%41", "/%", "/%2", "/%zz", "/a%", "/a%2", "/a%zz", "/a%00",
    "/%00a", "/a%20b", "/a%0ab", "/a%7f", "/%C3%A4", "/%c3%a4", "/%ff", "/a+b", "/a%2Bb", "/a:b",
    "/a@b", "/a,b", "/a;b", "/a=b", "/a&b", "/a$b", "/a!b", "/a*b", "/a'b", "/a(b)", "/a~b", "/a_b",
    "/a-b", "/a.b", "/a|b", "/a^b", "/a`b", "/a{b}", "/a[b]", "/a<b>", "/a\"b\"", "/?", "/?a",
    "/?/../a", "/a?/../b", "/a?%2e%2e/", "/a??", "/a?b?c", "/a?q=//", "/a?q=/./", "/a//b?q=//c",
    "/a/../b?x=/../y", "/a#f", "/#f", "/a?b#f", "/a/#/../b",
];

/// Values around those of the header matches.
#[rustfmt::skip]
const VALUES: &[&str] = &[
    "one", "One", "ones", "on", "one ", "one,one", "two", "twofold", "tw", "TWO", "a two", "three",
    "a three", "three a", "THREE", "v1", "v12", "v", "xv1", "v1x", "V1", "9", "10", "11", "19",
    "20", "0010", "+12", "-12", "10.5", "1e1", "0x0f", "15 ", "9223372036854775807",
    "9223372036854775808", "99999999999999999999", "", "*",
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = paths();
    cases.extend(header_values());
    cases.extend(requests());
    cases.extend(shares());
    cases.extend(without_routes());
    cases
        .into_iter()
        .map(|case| case.mesh(Mesh::Routes))
        .collect()
}

fn target(service: &str) -> Target {
    let known = services().into_iter().find(|known| known.name == service);
    let protocol = known.map_or(Protocol::Http, |known| known.protocol);
    let port = protocol.service_port();
    Target::Service(port, format!("{service}.apps.local"))
}

fn routed(name: String, service: &str, client: Client) -> Case {
    Case::new(Bullet::Routes, name, target(service), client)
}

fn paths() -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, path) in PATHS.iter().enumerate() {
        for (protocol, client) in either("GET", path, &[MARK]) {
            let name = format!("path-{number}-{protocol} {path}");
            cases.push(routed(
                name.replace('`', "'").replace('|', "!"),
                "paths",
                client,
            ));
        }
    }
    cases
}

/// Each kind of match with its own values and one of each other kind's, twice, empty and absent.
fn header_values() -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, (kind, _)) in header_matches().iter().enumerate() {
        for inverted in ["", "-inverted"] {
            let path = format!("/{kind}{inverted}/x");
            for (index, value) in VALUES.iter().enumerate() {
                // The kinds in turns by either protocol and to either service.
                let service = if (number + index) % 2 == 0 {
                    "headers"
                } else {
                    "headers2"
                };
                let [first, second] = either("GET", &path, &[MARK, ("x-h", value)]);
                let (protocol, client) = if index % 3 == 0 { second } else { first };
                let name = format!("header-{kind}{inverted}-{index}-{protocol} {value}");
                cases.push(routed(name, service, client));
            }
            let more: [(&str, &[(&str, &str)]); 3] = [
                ("absent", &[MARK]),
                ("twice", &[MARK, ("x-h", "one"), ("x-h", "two")]),
                ("twice the same", &[MARK, ("x-h", "v1"), ("x-h", "v1")]),
            ];
            for (what, fields) in more {
                for (protocol, client) in either("GET", &path, fields) {
                    let name = format!("header-{kind}{inverted}-{protocol} {what}");
                    cases.push(routed(name, "headers", client));
                }
            }
        }
    }
    cases
}

/// A method, a path, and a value of `x-h` if any.
type Asked = (&'static str, &'static str, Option<&'static str>);

const REQUESTS: &[Asked] = &[
    ("GET", "/get", None),
    ("POST", "/get", None),
    ("HEAD", "/get", None),
    ("get", "/get", None),
    ("POST", "/post", None),
    ("GET", "/post", None),
    ("PUT", "/post", None),
    ("DELETE", "/delete", None),
    ("OPTIONS", "/delete", None),
    ("PATCH", "/delete", None),
    ("TRACE", "/get", None),
    ("GET", "/plain", None),
    ("GET", "/secret", None),
    ("POST", "/plain", None),
    ("GET", "/eu?region=eu", None),
    ("GET", "/eu?region=us", None),
    ("GET", "/eu?region=eu&x", None),
    ("GET", "/eu?x&region=eu", None),
    ("GET", "/eu?REGION=eu", None),
    ("GET", "/eu?region=EU", None),
    ("GET", "/eu?region=e%75", None),
    ("GET", "/eu?region=", None),
    ("GET", "/eu?region", None),
    ("GET", "/eu", None),
    ("GET", "/eu?", None),
    ("GET", "/eu?region=us&region=eu", None),
    ("GET", "/eu?region=eu&region=us", None),
    ("GET", "/eu?xregion=eu", None),
    ("GET", "/eu?region=eu;x", None),
    ("GET", "/eu?region=eu#f", None),
    ("GET", "/eu?region%3Deu", None),
    ("GET", "/eu?reg%69on=eu", None),
    ("GET", "/eu?region==eu", None),
    ("GET", "/eu?&region=eu", None),
    ("GET", "/eu?region=eu%20", None),
    ("GET", "/eu?region=+eu", None),
    ("GET", "/eu/more?region=eu", None),
    ("GET", "/verbose?verbose", None),
    ("GET", "/verbose?verbose=", None),
    ("GET", "/verbose?verbose=1", None),
    ("GET", "/verbose?Verbose", None),
    ("GET", "/verbose?x=verbose", None),
    ("GET", "/verbose", None),
    ("GET", "/verbose?verbosely", None),
    ("GET", "/verbose?a&b&verbose", None),
    ("GET", "/verbose??verbose", None),
    ("GET", "/both?a=1&b", Some("one")),
    ("GET", "/both?a=1", Some("one")),
    ("GET", "/both?b", Some("one")),
    ("GET", "/both?a=1&b", None),
    ("POST", "/both?a=1&b", Some("one")),
    ("GET", "/both?b&a=1", Some("one")),
    ("GET", "/both?a=1&b=2", Some("one")),
    ("GET", "/both?a=2&b", Some("one")),
    ("GET", "/same", None),
    ("GET", "/same", Some("x")),
    ("GET", "/same/longer", None),
    ("GET", "/same/longer", Some("x")),
    ("GET", "/same", Some("")),
    ("GET", "/host", None),
    ("GET", "/nowhere", None),
    ("GET", "/", None),
    ("OPTIONS", "*", None),
];

fn requests() -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, (method, path, value)) in REQUESTS.iter().enumerate() {
        let fields: Vec<(&str, &str)> = [MARK]
            .into_iter()
            .chain(value.map(|value| ("x-h", value)))
            .collect();
        for (protocol, client) in either(method, path, &fields) {
            let name = format!("request-{number}-{protocol} {method} {path}");
            cases.push(routed(name, "requests", client));
        }
        for forwarded in ["https", "http"] {
            let fields: Vec<_> = fields
                .iter()
                .copied()
                .chain([("x-forwarded-proto", forwarded)])
                .collect();
            if ["/plain", "/secret"].contains(path) {
                for (protocol, client) in either(method, path, &fields) {
                    let name = format!("request-{number}-{protocol}-{forwarded} {method} {path}");
                    cases.push(routed(name, "requests", client));
                }
            }
        }
    }
    cases
}

fn shares() -> Vec<Case> {
    const REQUESTS: usize = 400;
    let found = services()
        .into_iter()
        .find(|service| service.name == "shares");
    let routes = found.map(|service| service.routes).unwrap_or_default();
    let mut cases = Vec::new();
    for (index, route) in routes.iter().enumerate() {
        let Some(prefix) = route.spec["match"]["prefix"].as_str() else {
            continue;
        };
        let first = first_node("shares", index);
        let port = Protocol::Http.node_port();
        let weights = (first..).zip(&route.weights);
        let weights: Vec<(String, u32)> = weights
            .map(|(node, weight)| (format!("{}:{port}", node_address(node)), *weight))
            .collect();
        let sum: u32 = route.weights.iter().sum();
        let path = format!("{prefix}/x");
        let client = if sum == 0 {
            super::request::one(plain("GET", &path, &[MARK]))
        } else {
            Client::Shares(REQUESTS, plain("GET", &path, &[MARK]), weights)
        };
        let name = format!("share {prefix}");
        let case = routed(name, "shares", client);
        cases.push(case.replies(answer(200, &[("x-at", AT)], b"")));
    }
    cases
}

fn without_routes() -> Vec<Case> {
    let mut cases = Vec::new();
    for path in ["/", "/a"] {
        for (protocol, client) in either("GET", path, &[MARK]) {
            cases.push(routed(
                format!("no routes-{protocol} {path}"),
                "none",
                client,
            ));
        }
    }
    cases
}
