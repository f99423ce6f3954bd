//! Connections of TCP routes that fail over, and upgrades.

use http::Version;
use mesh_model::snapshot::Protocol;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{TCP_PORT, Targets, bad, failovers, good, policy};
use crate::{
    failure::nowhere,
    support::{assert_reset, mesh::Mesh, server::Server, within},
};

async fn greeting(mesh: &Mesh) -> String {
    let mut stream = mesh.dial(([192, 0, 2, 1], TCP_PORT).into()).await;
    let mut all = String::new();
    let reading = within("the greeting", stream.read_to_string(&mut all));
    reading.await.expect("it ends in order");
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_goes_to_the_other_target_where_its_own_takes_none() {
    let server = Server::saying("hello").await;
    let mut targets = Targets::new(&[
        ("none", Protocol::Tcp, &[], 50),
        ("dead", Protocol::Tcp, &[nowhere()], 50),
        ("good", Protocol::Tcp, &[server.address], 50),
    ]);
    let log = targets.plan.logged("%UPSTREAM_CLUSTER% %RESPONSE_FLAGS%");
    let mesh = targets.start().await;
    for _ in 0..24 {
        assert_eq!(greeting(&mesh).await, "hello");
    }
    assert_eq!(log.lines(24).await, ["good -"; 24]);
    let (of_none, of_dead) = (failovers(&mesh, "none"), failovers(&mesh, "dead"));
    assert!((4..=12).contains(&of_none), "{of_none}");
    assert!((4..=24).contains(&of_dead), "{of_dead}");
    assert_eq!(mesh.stat("cluster.dead.upstream_cx_connect_fail"), of_dead);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_no_target_takes_is_reset_after_one_attempt_at_each() {
    let mut targets = Targets::new(&[
        ("one", Protocol::Tcp, &[nowhere()], 50),
        ("two", Protocol::Tcp, &[nowhere()], 50),
    ]);
    let log = targets.plan.logged("%RESPONSE_FLAGS%");
    let mesh = targets.start().await;
    let dialler = mesh.dialler();
    assert_reset(dialler.dial(([192, 0, 2, 1], TCP_PORT).into()).await).await;
    assert_eq!(log.lines(1).await, ["UF,URX"]);
    for cluster in ["one", "two"] {
        let failed = format!("cluster.{cluster}.upstream_cx_connect_fail");
        assert_eq!(mesh.stat(&failed), 1);
    }
    assert_eq!(failovers(&mesh, "one") + failovers(&mesh, "two"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_goes_to_no_target_of_http2() {
    const ASKED: &str =
        "GET /x HTTP/1.1\r\nhost: b.local\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let (server, other) = (
        bad(Version::HTTP_11).await,
        good("good", Version::HTTP_2).await,
    );
    let mesh = Targets::new(&[
        ("bad", Protocol::Http, &[server.address], 100),
        ("good", Protocol::Http2, &[other.address], 1),
    ])
    .retries(&policy(1))
    .start()
    .await;
    for _ in 0..3 {
        let mut stream = mesh.dial_80().await;
        stream.write_all(ASKED.as_bytes()).await.unwrap();
        let mut head = [0; 12];
        within("an answer", stream.read_exact(&mut head))
            .await
            .unwrap();
    }
    assert_eq!(failovers(&mesh, "bad"), 0);
    assert_eq!(other.requests(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_with_as_many_connections_as_it_may_have_refuses_more_itself() {
    let server = Server::saying("hello").await;
    let mut targets = Targets::new(&[
        ("full", Protocol::Tcp, &[server.address], 100),
        ("good", Protocol::Tcp, &[server.address], 1),
    ]);
    targets.plan.change(targets.ids[0], |cluster| {
        cluster.circuit_breakers.max_connections = 0;
    });
    let log = targets.plan.logged("%UPSTREAM_CLUSTER% %RESPONSE_FLAGS%");
    let mesh = targets.start().await;
    let dialler = mesh.dialler();
    for count in 1..=3 {
        let _ = dialler.dial(([192, 0, 2, 1], TCP_PORT).into()).await;
        log.lines(count).await;
    }
    let lines = log.lines(3).await;
    let refused = lines.iter().filter(|line| *line == "full UO").count();
    assert!(refused >= 2, "{lines:?}");
    assert_eq!(failovers(&mesh, "full"), 0);
}
