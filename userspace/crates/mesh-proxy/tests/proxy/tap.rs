//! Requests that somebody watches as they pass.

use std::{
    num::{NonZeroU32, NonZeroU64},
    sync::Arc,
};

use http::{Version, header};
use mesh_model::snapshot::Protocol;
use mesh_proxy::tap::{Taps, Wanted};
use mesh_telemetry::reason::Reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    failure::nowhere,
    support::{
        client::{Answer, Client, post},
        mesh::Mesh,
        plan::Plan,
        server::{Server, echo},
        within,
    },
};

fn everything() -> Wanted {
    Wanted {
        workload: None,
        direction: None,
        service: None,
        statuses: Vec::new(),
        reasons: Vec::new(),
        headers: Vec::new(),
        one_in: NonZeroU32::MIN,
        per_second: NonZeroU64::MAX,
        redacted: Vec::new(),
        shows_query: false,
    }
}

async fn watched(plan: Plan) -> (Mesh, Arc<Taps>) {
    let taps = Arc::new(Taps::default());
    let here = Arc::clone(&taps);
    let mesh = Mesh::start_with(plan.snapshot(), |settings| settings.taps = here).await;
    (mesh, taps)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_shown_when_its_answer_is_through() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let server = Server::http(Version::HTTP_11, echo).await;
        let (mesh, taps) = watched(Plan::one(Protocol::Http, server.address)).await;
        let mut client = Client::open(mesh.dial_80().await, version).await;
        client.get("http://b.local/unseen").await.unwrap();
        let mut tap = taps.watch(everything());
        let mut request = post("http://b.local/colour?key=value", "12345");
        let cookie = "id=secret".parse().unwrap();
        request.headers_mut().insert(header::COOKIE, cookie);
        let referer = "http://user:pass@c.local/?key=value".parse().unwrap();
        request.headers_mut().insert(header::REFERER, referer);
        let answer = Answer::read(client.send(request).await.unwrap())
            .await
            .unwrap();
        let shown = within("the request", tap.next()).await;
        assert_eq!(
            (shown.method.as_str(), shown.authority.as_str()),
            ("POST", "b.local")
        );
        assert_eq!(
            (shown.path.as_str(), shown.direction),
            ("/colour?key=…", "egress")
        );
        assert_eq!((shown.status, shown.reason), (200, None));
        assert_eq!(
            (shown.bytes_received, shown.bytes_sent),
            (5, answer.body.len() as u64)
        );
        assert_eq!(shown.virtual_service.as_deref(), Some("b.local"));
        assert_eq!(shown.cluster.as_deref(), Some("b"));
        assert_eq!(shown.endpoint, Some(server.address));
        let value = |name: &str| {
            let mut headers = shown.headers.iter();
            let found = headers.find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(value("cookie"), Some("[redacted]"));
        assert_eq!(value("referer"), Some("http://…@c.local/?key=…"));
        assert_eq!(value("x-request-id"), answer.header("saw-x-request-id"));
        let cost = tap.cost();
        assert_eq!((cost.seen, cost.shown, cost.dropped), (1, 1, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_and_what_is_no_request_are_shown_with_their_reason() {
    let (mesh, taps) = watched(Plan::one(Protocol::Http, nowhere())).await;
    let mut tap = taps.watch(everything());
    let mut beside = taps.watch(Wanted {
        reasons: vec![Reason::BadRequest],
        ..everything()
    });
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    client.get("http://b.local/").await.unwrap();
    let shown = within("the failure", tap.next()).await;
    assert_eq!(
        (shown.status, shown.reason),
        (503, Some(Reason::ConnectRefused))
    );
    assert_eq!(shown.flags, "UF");
    let mut stream = mesh.dial_80().await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nno field\r\n\r\n")
        .await
        .unwrap();
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    for tap in [&mut tap, &mut beside] {
        let shown = within("what is no request", tap.next()).await;
        assert_eq!(
            (shown.status, shown.reason),
            (400, Some(Reason::BadRequest))
        );
        assert_eq!((shown.method.as_str(), shown.path.as_str()), ("", ""));
    }
    assert_eq!(beside.cost().unwanted, 1);
}
