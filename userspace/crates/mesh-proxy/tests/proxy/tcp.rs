//! Opaque connections.

use std::time::Duration;

use mesh_model::snapshot::{Discovery, EgressFilter, Protocol};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::TcpStream,
};

use crate::support::{assert_reset, mesh::Mesh, plan::Plan, server::Server, until, within};

const PORT: u16 = 3306;

async fn mesh_to(server: &Server) -> Mesh {
    let mut plan = Plan::new(EgressFilter::DropAll);
    let statics = Discovery::Static(vec![server.address]);
    let cluster = plan.cluster("db", Protocol::Tcp, statics);
    plan.tcp(PORT, &[(cluster, 1)]);
    Mesh::start(plan.snapshot()).await
}

async fn dial(mesh: &Mesh) -> TcpStream {
    mesh.dial(([192, 0, 2, 1], PORT).into()).await
}

/// Greets, then gives back everything once the client is through with it.
async fn greet_and_echo(mut stream: TcpStream) {
    if stream.write_all(b"hello\n").await.is_err() {
        return;
    }
    let mut all = Vec::new();
    if stream.read_to_end(&mut all).await.is_ok() {
        let _ = stream.write_all(&all).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_direction_ends_by_itself() {
    let server = Server::tcp(greet_and_echo).await;
    let mesh = mesh_to(&server).await;
    let mut stream = dial(&mesh).await;
    let mut greeting = [0; 6];
    within("the server's first word", stream.read_exact(&mut greeting))
        .await
        .unwrap();
    assert_eq!(&greeting, b"hello\n");
    let body: Vec<u8> = (0..8 << 20).map(|_| fastrand::u8(..)).collect();
    let (mut reader, mut writer) = stream.split();
    let sending = async {
        writer.write_all(&body).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let mut echoed = Vec::new();
    let reading = within("the echo", reader.read_to_end(&mut echoed));
    let ((), read) = tokio::join!(sending, reading);
    read.unwrap();
    assert!(echoed == body);
    drop(stream);
    until("the end", || {
        mesh.stat("cluster.db.upstream_cx_active") == 0
    })
    .await;
    let length = body.len() as u64;
    assert_eq!(mesh.stat("tcp.egress.downstream_cx_rx_bytes_total"), length);
    assert_eq!(
        mesh.stat("tcp.egress.downstream_cx_tx_bytes_total"),
        length + 6
    );
    assert_eq!(mesh.stat("cluster.db.upstream_cx_tx_bytes_total"), length);
    assert_eq!(
        mesh.stat("cluster.db.upstream_cx_rx_bytes_total"),
        length + 6
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_is_passed_on() {
    let server = Server::tcp(|mut stream| async move {
        let _ = stream.read(&mut [0; 1]).await;
        stream.set_zero_linger().unwrap();
    })
    .await;
    let mesh = mesh_to(&server).await;
    let mut stream = dial(&mesh).await;
    stream.write_all(b"x").await.unwrap();
    let error = within("the reset", stream.read(&mut [0; 1]))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_of_the_client_is_passed_on() {
    let (told, hear) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::tcp(move |mut stream| {
        let told = told.clone();
        async move {
            stream.write_all(b"hello\n").await.unwrap();
            let read = stream.read(&mut [0; 1]).await;
            told.send(read.map_err(|error| error.kind())).unwrap();
        }
    })
    .await;
    let mut hear = hear;
    let mesh = mesh_to(&server).await;
    for is_reset in [true, false] {
        let mut stream = dial(&mesh).await;
        stream.read_exact(&mut [0; 6]).await.unwrap();
        if is_reset {
            stream.set_zero_linger().unwrap();
        }
        drop(stream);
        let expected = if is_reset {
            Err(std::io::ErrorKind::ConnectionReset)
        } else {
            Ok(0)
        };
        assert_eq!(within("the end", hear.recv()).await, Some(expected));
    }
}

/// Whichever side is through with sending and then breaks off: no read is left that would tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_behind_a_half_close_is_passed_on() {
    let (told, hear) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::tcp(move |mut stream| {
        let told = told.clone();
        async move {
            let mut word = [0; 6];
            if let Ok(0) = stream.read(&mut word).await {
                // The client is through; what comes next is its reset.
                stream.write_all(b"seen").await.unwrap();
                let _ = stream.ready(Interest::ERROR).await;
                let error = stream.take_error().unwrap().map(|error| error.kind());
                told.send(error).unwrap();
            } else {
                stream.shutdown().await.unwrap();
                let _ = stream.read(&mut word).await;
                stream.set_zero_linger().unwrap();
            }
        }
    })
    .await;
    let mut hear = hear;
    let mesh = mesh_to(&server).await;
    // The kernel's word for a reset that comes behind an end.
    let reset = Some(std::io::ErrorKind::BrokenPipe);
    let mut stream = dial(&mesh).await;
    stream.shutdown().await.unwrap();
    stream.read_exact(&mut [0; 4]).await.unwrap();
    stream.set_zero_linger().unwrap();
    drop(stream);
    assert_eq!(within("the reset", hear.recv()).await, Some(reset));
    let mut stream = dial(&mesh).await;
    stream.write_all(b"end").await.unwrap();
    let end = within("the half-close", stream.read(&mut [0; 1])).await;
    assert_eq!(end.unwrap(), 0);
    stream.write_all(b"reset").await.unwrap();
    within("the reset", stream.ready(Interest::ERROR))
        .await
        .unwrap();
    let error = stream.take_error().unwrap().map(|error| error.kind());
    assert_eq!(error, reset);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nowhere_to_go_is_a_reset() {
    let server = Server::tcp(greet_and_echo).await;
    let mesh = mesh_to(&server).await;
    drop(server);
    until("the server's port is free", || mesh_refused(&mesh)).await;
    let destination = ([192, 0, 2, 1], PORT).into();
    assert_reset(mesh.dialler().dial(destination).await).await;
    assert_eq!(mesh.stat("cluster.db.upstream_cx_connect_fail"), 1);
}

/// Whether the one endpoint refuses connections.
fn mesh_refused(mesh: &Mesh) -> bool {
    let endpoint = mesh.proxy.status().clusters[0].endpoints[0];
    std::net::TcpStream::connect(endpoint).is_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_port_goes_where_it_was_going_where_egress_is_allowed() {
    let server = Server::tcp(greet_and_echo).await;
    let mesh = Mesh::start(Plan::new(EgressFilter::AllowAll).snapshot()).await;
    let mut stream = mesh.dial(server.address).await;
    stream.write_all(b"bytes").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut all = String::new();
    within("the echo", stream.read_to_string(&mut all))
        .await
        .unwrap();
    assert_eq!(all, "hello\nbytes");
    assert_eq!(
        mesh.stat("cluster.cds_egress_apps_mesh-allow-all.upstream_cx_total"),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_in_which_nothing_moves_is_closed() {
    let server = Server::tcp(greet_and_echo).await;
    let mut plan = Plan::new(EgressFilter::DropAll);
    let statics = Discovery::Static(vec![server.address]);
    let cluster = plan.cluster("db", Protocol::Tcp, statics);
    plan.tcp(PORT, &[(cluster, 1)]);
    plan.timeouts(None, Some(Duration::from_millis(300)));
    let mesh = Mesh::start(plan.snapshot()).await;
    let mut stream = dial(&mesh).await;
    let mut all = Vec::new();
    within("the end", stream.read_to_end(&mut all))
        .await
        .unwrap();
    assert_eq!(all, b"hello\n");
    until("it is counted", || {
        mesh.stat("tcp.egress.idle_timeout") == 1
    })
    .await;
}
