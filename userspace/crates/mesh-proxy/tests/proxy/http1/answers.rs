//! What endpoints answer, and what becomes of their connections.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_read_and_written_as_envoy_does() {
    for (answer, closes, expected) in [
        (
            &b"HTTP/1.1 200\r\nX-B: 1\r\nx-a: 2\r\nX-b: 3\r\nConnection: keep-alive\r\nDate: then\r\n\
               Server: mine\r\nContent-Length: 2\r\n\r\nok"[..],
            false,
            "HTTP/1.1 200 OK\nx-b: 1\nx-b: 3\nx-a: 2\ndate\nserver: envoy\ncontent-length: 2\n\
             x-envoy-upstream-service-time\nconnection: close\n\nok",
        ),
        (
            b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
            true,
            "HTTP/1.1 200 OK\nx-envoy-upstream-service-time\nserver: envoy\n\
             transfer-encoding: chunked\ndate\nconnection: close\n\nd\nuntil the end\n0\n\n",
        ),
        (
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
            false,
            "HTTP/1.1 204 No Content\nx-envoy-upstream-service-time\nserver: envoy\ndate\n\
             connection: close\n\n",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 1\r\n\r\n",
            false,
            "HTTP/1.1 200 OK\nx-envoy-upstream-service-time\nserver: envoy\n\
             transfer-encoding: chunked\ndate\nconnection: close\n\n2\nok\n0\n\n",
        ),
    ] {
        let server = answering(answer, closes).await;
        let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
        let request = format!("GET / HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n");
        let mut got: Vec<String> = settled(&answers(&mesh, request).await)
            .split('\n')
            .map(ToOwned::to_owned)
            .collect();
        let mut expected: Vec<&str> = expected.split('\n').collect();
        // The order of names says nothing.
        got.sort();
        expected.sort_unstable();
        assert_eq!(got, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_none_are_502() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"[..],
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 1000 X\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX Y: z\r\n\r\n",
        b"HTTP/1.1 200 O",
    ] {
        let server = answering(answer, true).await;
        let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
        let request = format!("GET / HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n");
        let got = answers(&mesh, request).await;
        assert!(got.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{got}");
        assert!(got.ends_with("reset reason: protocol error"), "{got}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_with_more_than_its_answer_is_not_used_again() {
    let server = answering(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
        false,
    )
    .await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    for _ in 0..5 {
        assert_eq!(client.get("http://b.local/").await.unwrap().text(), "ok");
    }
    assert_eq!(server.connections(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_that_its_endpoint_closes_is_let_go_at_once() {
    let (server, mesh) = echoing().await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    client.get("http://b.local/").await.unwrap();
    assert_eq!(mesh.stat("cluster.b.upstream_cx_active"), 1);
    drop(server);
    until("the endpoint's end", || {
        mesh.stat("cluster.b.upstream_cx_active") == 0
    })
    .await;
}
