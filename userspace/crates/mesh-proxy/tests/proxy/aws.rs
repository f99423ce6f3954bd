//! TLS towards AWS endpoints, told by the server's name, beside what else answers on port 443. Nobody
//! listens where it goes to here: that it was on its way is counted.

use std::net::SocketAddr;

use http::Version;
use mesh_detect::MAX_CLIENT_HELLO;
use mesh_model::snapshot::{Discovery, EgressFilter, Protocol};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};

use crate::support::{
    assert_reset,
    client::Client,
    mesh::Mesh,
    plan::Plan,
    server::{Server, echo},
    until, within,
};

const ENDPOINT: &str = "SQS.eu-west-1.amazonaws.com";

/// A TLS hello towards a server, in one record, with this much padding.
fn padded_hello(name: &str, padding: usize) -> Vec<u8> {
    let sized = |bytes: &[u8]| {
        let length = u16::try_from(bytes.len()).expect("not so long");
        [&length.to_be_bytes()[..], bytes].concat()
    };
    let names = [&[0][..], &sized(name.as_bytes())].concat();
    let extensions = [
        &[0, 21][..],
        &sized(&vec![0; padding]),
        &[0, 0],
        &sized(&sized(&names)),
    ];
    let body = [
        &[3, 3][..],
        &[7; 32],
        &[0],
        &sized(&[0x13, 1]),
        &[1, 0],
        &sized(&extensions.concat()),
    ];
    let message = [&[1, 0][..], &sized(&body.concat())].concat();
    [&[22, 3, 1][..], &sized(&message)].concat()
}

fn hello(name: &str) -> Vec<u8> {
    padded_hello(name, 4)
}

async fn dial(mesh: &Mesh) -> TcpStream {
    mesh.dial(SocketAddr::from(([127, 0, 0, 77], 443))).await
}

/// Sends bytes, and waits for the proxy to end the connection.
async fn send(mesh: &Mesh, bytes: &[u8]) {
    let mut stream = dial(mesh).await;
    stream.write_all(bytes).await.unwrap();
    let mut all = Vec::new();
    let ended = within("the end", stream.read_to_end(&mut all)).await;
    assert!(ended.is_err() && all.is_empty(), "{ended:?} {all:?}");
}

fn passed(mesh: &Mesh) -> u64 {
    mesh.stat("cluster.aws.upstream_cx_total")
}

fn refused(mesh: &Mesh) -> u64 {
    let port = mesh.egress.port();
    mesh.stat(&format!("listener.0.0.0.0_{port}.no_filter_chain_match"))
}

/// A mesh with a TCP service of everything on port 443.
async fn mesh_with_service(server: &Server) -> Mesh {
    let mut plan = Plan::new(EgressFilter::DropAll);
    let statics = Discovery::Static(vec![server.address]);
    let cluster = plan.cluster("service", Protocol::Tcp, statics);
    plan.tcp(443, &[(cluster, 1)]).aws_endpoints();
    Mesh::start(plan.snapshot()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_to_an_aws_endpoint_goes_where_it_was_dialled_and_nothing_else_does() {
    let mut plan = Plan::new(EgressFilter::DropAll);
    let log = plan
        .aws_endpoints()
        .logged("%UPSTREAM_CLUSTER% %UPSTREAM_HOST%");
    let mesh = Mesh::start(plan.snapshot()).await;
    let mut stream = dial(&mesh).await;
    stream.write_all(&hello(ENDPOINT)).await.unwrap();
    until("the way out", || passed(&mesh) == 1).await;
    drop(stream);
    assert_eq!(log.lines(1).await, ["aws 127.0.0.77:443"]);
    for bytes in [
        &hello("amazonaws.com")[..],
        &hello("example.com"),
        b"GET / HTTP/1.1\r\nhost: sqs.eu-west-1.amazonaws.com\r\n\r\n",
    ] {
        send(&mesh, bytes).await;
    }
    let mut half = dial(&mesh).await;
    half.write_all(&hello(ENDPOINT)[..40]).await.unwrap();
    half.shutdown().await.unwrap();
    assert_reset(Ok(half)).await;
    assert_eq!((passed(&mesh), refused(&mesh)), (1, 4));
    // The same on another port is nobody's.
    let other = SocketAddr::from(([127, 0, 0, 77], 8443));
    let dialled = mesh.dialler().dial(other).await;
    assert_reset(dialled).await;
    assert_eq!((passed(&mesh), refused(&mesh)), (1, 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hello_in_small_pieces_is_waited_for_but_not_one_without_end() {
    let mut plan = Plan::new(EgressFilter::DropAll);
    plan.aws_endpoints();
    let mesh = Mesh::start(plan.snapshot()).await;
    let mut stream = dial(&mesh).await;
    for byte in hello(ENDPOINT) {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    until("the way out", || passed(&mesh) == 1).await;
    // It is not through with what is looked at.
    let padding = MAX_CLIENT_HELLO + 3 - padded_hello(ENDPOINT, 0).len();
    send(&mesh, &padded_hello(ENDPOINT, padding)).await;
    assert_eq!((passed(&mesh), refused(&mesh)), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tcp_service_has_what_is_not_for_aws_untouched() {
    let (told, mut hear) = mpsc::unbounded_channel();
    let server = Server::tcp(move |mut stream| {
        let told = told.clone();
        async move {
            let mut all = Vec::new();
            let _ = stream.read_to_end(&mut all).await;
            told.send(all).unwrap();
        }
    })
    .await;
    let mesh = mesh_with_service(&server).await;
    for bytes in [
        hello("example.com"),
        b"anything".to_vec(),
        b"\x16\x03".to_vec(),
        Vec::new(),
    ] {
        let mut stream = dial(&mesh).await;
        stream.write_all(&bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(within("the bytes", hear.recv()).await, Some(bytes));
    }
    let mut stream = dial(&mesh).await;
    stream.write_all(&hello(ENDPOINT)).await.unwrap();
    until("the way out", || passed(&mesh) == 1).await;
    assert_eq!(server.connections(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tcp_service_may_speak_first_where_aws_is_called_too() {
    let server = Server::tcp(|mut stream| async move {
        let _ = stream.write_all(b"hello\n").await;
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all).await;
    })
    .await;
    let mesh = mesh_with_service(&server).await;
    let mut stream = dial(&mesh).await;
    let mut greeting = [0; 6];
    within("the greeting", stream.read_exact(&mut greeting))
        .await
        .unwrap();
    assert_eq!(&greeting, b"hello\n");
    // Once the server has spoken, the connection is its.
    stream.write_all(&hello(ENDPOINT)).await.unwrap();
    stream.shutdown().await.unwrap();
    within("the end", stream.read(&mut [0; 1])).await.unwrap();
    assert_eq!(passed(&mesh), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_hello_to_aws_leaves_the_tcp_service() {
    let (told, mut hear) = mpsc::unbounded_channel();
    let server = Server::tcp(move |mut stream| {
        let told = told.clone();
        async move {
            told.send(None).unwrap();
            let mut all = Vec::new();
            let _ = stream.read_to_end(&mut all).await;
            told.send(Some(all)).unwrap();
        }
    })
    .await;
    let mesh = mesh_with_service(&server).await;
    for (name, is_for_aws) in [(ENDPOINT, true), ("example.com", false)] {
        let hello = hello(name);
        let mut stream = dial(&mesh).await;
        let asked = within("a connection to the service", hear.recv());
        // It is made when the client has been silent for too long.
        assert_eq!(asked.await, Some(None));
        for byte in &hello {
            stream.write_all(&[*byte]).await.unwrap();
        }
        if is_for_aws {
            until("the way out", || passed(&mesh) == 1).await;
        } else {
            stream.shutdown().await.unwrap();
        }
        let expected = if is_for_aws { Vec::new() } else { hello };
        let got = within("the end of it", hear.recv()).await;
        assert_eq!(got, Some(Some(expected)), "{name}");
    }
    assert_eq!(passed(&mesh), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_of_http_keeps_its_requests() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mut plan = Plan::new(EgressFilter::DropAll);
    let statics = Discovery::Static(vec![server.address]);
    let cluster = plan.cluster("b", Protocol::Http, statics);
    plan.service(443, "b.local", &[("/", &[(cluster, 1)])]);
    plan.aws_endpoints();
    let mesh = Mesh::start(plan.snapshot()).await;
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let mut client = Client::open(dial(&mesh).await, version).await;
        assert_eq!(client.get("http://b.local/").await.unwrap().status, 200);
    }
    let mut stream = dial(&mesh).await;
    stream.write_all(&hello("example.com")).await.unwrap();
    let mut all = Vec::new();
    within("the answer", stream.read_to_end(&mut all))
        .await
        .unwrap();
    assert!(all.starts_with(b"HTTP/1.1 400 "), "{}", all.escape_ascii());
    let mut stream = dial(&mesh).await;
    stream.write_all(&hello(ENDPOINT)).await.unwrap();
    until("the way out", || passed(&mesh) == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_go_anywhere_is_told_apart_only_if_it_speaks() {
    let mut plan = Plan::new(EgressFilter::AllowAll);
    plan.aws_endpoints();
    plan.cluster("passed", Protocol::Tcp, Discovery::OriginalDestination);
    let mesh = Mesh::start(plan.snapshot()).await;
    let other = || mesh.stat("cluster.passed.upstream_cx_total");
    let silent = dial(&mesh).await;
    until("the way of a silent client", || other() == 1).await;
    drop(silent);
    for (name, expected) in [("example.com", (0, 2)), (ENDPOINT, (1, 2))] {
        let mut stream = dial(&mesh).await;
        stream.write_all(&hello(name)).await.unwrap();
        until(name, || (passed(&mesh), other()) == expected).await;
    }
}
