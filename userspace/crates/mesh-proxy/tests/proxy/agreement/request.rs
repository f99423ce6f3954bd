//! Random requests, as bytes and as `explain` is asked about them.

use std::fmt::Write as _;

use http::Version;
use http_body_util::BodyExt;
use mesh_config::explain;
use proptest::{collection::vec, option, prelude::*, sample::select};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    client::{Client, whole},
    within,
};

/// A request as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) port: u16,
    pub(super) http2: bool,
    method: &'static str,
    host: String,
    target: String,
    headers: Vec<(&'static str, String)>,
}

impl Request {
    pub(super) fn is_grpc(&self) -> bool {
        let is_type = |(name, value): &(&str, String)| {
            *name == "content-type" && value.starts_with("application/grpc")
        };
        self.headers.iter().any(is_type)
    }

    /// As `explain` is asked about it.
    pub(super) fn asked(&self) -> explain::Request {
        let own = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone());
        let host = ("host".to_owned(), self.host.clone());
        explain::Request {
            method: self.method.to_owned(),
            url: format!("http://dialled.test:{}{}", self.port, self.target),
            headers: self.headers.iter().map(own).chain([host]).collect(),
            http2: self.http2,
            ingress: false,
        }
    }
}

/// Requests to one of these services or to none of them.
pub(super) fn requests(services: &[(String, u16)]) -> impl Strategy<Value = Request> + use<> {
    let known = select(services.to_vec());
    let unknown = (select(vec!["other.test", ""]), select(vec![81, 82, 83]))
        .prop_map(|(name, port)| (name.to_owned(), port));
    let called = prop_oneof![9 => known, 1 => unknown].prop_flat_map(|(name, port)| {
        let hosts = vec![
            name.clone(),
            name.clone(),
            format!("{name}:{port}"),
            name.to_uppercase(),
            format!("{name}."),
            format!("{name}:1"),
        ];
        let ports = prop_oneof![9 => Just(port), 1 => select(vec![81, 82, 83])];
        let weighted = prop_oneof![5 => Just(name), 1 => select(hosts)];
        (weighted, ports)
    });
    let method = select(vec!["GET", "POST", "HEAD", "PATCH", "get", "OPTIONS"]);
    (called, any::<bool>(), method, target(), vec(header(), 0..4)).prop_map(
        |((host, port), http2, method, target, headers)| Request {
            port,
            // HTTP/2 cannot leave the authority empty; HTTP/1 knows fewer methods and characters.
            http2: !host.is_empty() && (http2 || method == "get" || !target.is_ascii()),
            method: if host.is_empty() { "GET" } else { method },
            target: if host.is_empty() {
                "/".to_owned()
            } else {
                target
            },
            host,
            headers,
        },
    )
}

/// A path that may be strange, and a query.
fn target() -> impl Strategy<Value = String> {
    let part = select(vec![
        "/", "/", "/a", "/b", "/ab", "/A", "/p.S", "/p.S/M", "/p.T/N", "//", "/.", "/..",
        "/%2e%2E", "/..;x", "/%41", "/%2F", "/%00", "/%zz", "\\a", "/a;b=c", "/10", "/a.js", "/é",
        "/:", "/*", "/\"", "/|", "/a%5Cb", "/'",
    ]);
    let query = prop_oneof![
        4 => "([pq]=?(a|b|10)?&?){0,3}",
        1 => select(vec!["p=%61", "P=a", "p==a", "&&p=a&", "p", "a?p=a", "/../?p=b"])
            .prop_map(str::to_owned),
    ];
    (vec(part, 1..4), option::weighted(0.5, query)).prop_map(|(parts, query)| {
        let mut target = parts.concat();
        if !target.starts_with('/') {
            target.insert(0, '/');
        }
        if let Some(query) = query {
            target.push('?');
            target.push_str(&query);
        }
        target
    })
}

fn header() -> impl Strategy<Value = (&'static str, String)> {
    let plain = (
        select(vec![
            "x-a",
            "x-b",
            "cookie",
            "user-agent",
            "x-app-mesh-virtual-service",
        ]),
        select(vec![
            "",
            "a",
            "b",
            "ab",
            "ba",
            "a,b",
            "a; b",
            "10",
            "+10",
            "-10",
            "0010",
            "10.5",
            "9",
            "20",
            "99999999999999999999",
            "é",
            "A",
        ]),
    );
    let special = select(vec![
        ("x-forwarded-proto", "https"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-proto", "ftp"),
        ("x-forwarded-proto", ""),
        ("content-type", "application/grpc"),
    ]);
    prop_oneof![4 => plain, 1 => special].prop_map(|(name, value)| (name, value.to_owned()))
}

/// Sends it byte by byte as it is, and reads the answer to its end.
pub(super) async fn send_http1(mut stream: TcpStream, request: &Request) {
    let Request {
        method,
        host,
        target,
        headers,
        ..
    } = request;
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\n");
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("a proxy");
    let mut answer = Vec::new();
    let _ = within("the answer", stream.read_to_end(&mut answer)).await;
}

/// Sends it by HTTP/2, and reads the answer to its end.
pub(super) async fn send_http2(stream: TcpStream, request: &Request) {
    let mut made = http::Request::builder()
        .method(request.method)
        .uri(format!("http://{}{}", request.host, request.target));
    for (name, value) in &request.headers {
        made = made.header(*name, value.as_bytes());
    }
    let made = made.body(whole("")).expect("a request");
    let mut client = Client::open(stream, Version::HTTP_2).await;
    let answer = client.send(made).await.expect("an answer");
    let _ = within("the whole answer", answer.into_body().collect()).await;
}
