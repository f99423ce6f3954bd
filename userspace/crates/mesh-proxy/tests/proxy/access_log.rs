//! What is written down of requests and connections.

use std::time::Duration;

use http::Version;
use mesh_model::snapshot::{AccessLogFormat, Discovery, EgressFilter, Protocol};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    drain::SHORT,
    support::{
        assert_reset,
        client::{Answer, Client, get, post},
        log::Log,
        mesh::Mesh,
        plan::Plan,
        server::{Server, echo, echo_bytes},
        until, within,
    },
};

const FORMAT: &str = concat!(
    "%REQ(:METHOD)% %REQ(:AUTHORITY)% %REQ(:PATH)% %PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% ",
    "%RESPONSE_CODE_DETAILS% %BYTES_RECEIVED% %BYTES_SENT% %ROUTE_NAME% %UPSTREAM_CLUSTER% ",
    "%UPSTREAM_HOST%",
);

fn with_log(mut plan: Plan, log: &Log, format: &str) -> Plan {
    let format = AccessLogFormat::Text(format.to_owned());
    plan.access_log(log.config(format));
    plan
}

/// A service `b.local` whose endpoint serves and that is written down.
async fn one(protocol: Protocol, server: &Server, log: &Log) -> Mesh {
    let plan = Plan::one(protocol, server.address);
    Mesh::start(with_log(plan, log, FORMAT).snapshot()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_written_down_with_its_route_and_endpoint() {
    for (version, protocol, name) in [
        (Version::HTTP_11, Protocol::Http, "HTTP/1.1"),
        (Version::HTTP_2, Protocol::Http2, "HTTP/2"),
    ] {
        let server = Server::http(version, echo).await;
        let log = Log::new();
        let mesh = one(protocol, &server, &log).await;
        let mut client = Client::open(mesh.dial_80().await, version).await;
        let request = post("http://b.local/a//b?c=d", "12345");
        let answer = client.send(request).await.unwrap();
        assert_eq!(Answer::read(answer).await.unwrap().status, 200);
        let lines = log.lines(1).await;
        let host = server.address;
        assert_eq!(
            lines,
            [format!(
                "POST b.local /a/b?c=d {name} 200 - via_upstream 5 5 / b {host}"
            )]
        );
        drop(mesh);
        assert_eq!(log.text().lines().count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_default_line_names_the_request_by_its_number() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let log = Log::new();
    let mut plan = Plan::one(Protocol::Http, server.address);
    plan.access_log(log.config(AccessLogFormat::Default));
    let mesh = Mesh::start(plan.snapshot()).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    let answer = client.get("http://b.local/colour").await.unwrap();
    let number = answer.header("saw-x-request-id").expect("a number");
    let line = &log.lines(1).await[0];
    assert!(line.starts_with('['), "{line}");
    let (_, line) = line.split_once("] ").expect("a time");
    let begin = "\"GET /colour HTTP/1.1\" 200 - 0 0 ";
    assert!(line.starts_with(begin), "{line}");
    let end = format!(
        " \"-\" \"-\" \"{number}\" \"b.local\" \"{}\"",
        server.address
    );
    assert!(line.ends_with(&end), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_went_wrong_is_flagged() {
    let server = Server::silent(Version::HTTP_11).await;
    let gone = Server::http(Version::HTTP_11, echo).await.address;
    let mut plan = Plan::new(EgressFilter::DropAll);
    let statics = |addresses: Vec<_>| Discovery::Static(addresses);
    let slow = plan.cluster("slow", Protocol::Http, statics(vec![server.address]));
    let gone_cluster = plan.cluster("gone", Protocol::Http, statics(vec![gone]));
    let empty = plan.cluster("empty", Protocol::Http, statics(Vec::new()));
    plan.service(
        80,
        "b.local",
        &[
            ("/slow", &[(slow, 1)]),
            ("/gone", &[(gone_cluster, 1)]),
            ("/empty", &[(empty, 1)]),
            ("/nowhere", &[(empty, 0)]),
        ],
    );
    plan.timeouts(Some(Duration::from_millis(50)), None);
    let log = Log::new();
    let format = "%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %ROUTE_NAME% %UPSTREAM_CLUSTER% \
                  %LOCAL_REPLY_BODY%";
    let mesh = Mesh::start(with_log(plan, &log, format).snapshot()).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    let cases = [
        ("/slow", "504 UT /slow slow upstream request timeout"),
        (
            "/gone",
            "503 UF /gone gone upstream connect error or disconnect/reset before headers. reset \
             reason: remote connection failure",
        ),
        ("/empty", "503 UH /empty empty no healthy upstream"),
        ("/nowhere", "503 - /nowhere - "),
        ("/other", "404 NR - - "),
        ("/%00", "400 - - - "),
    ];
    for (index, (path, expected)) in cases.into_iter().enumerate() {
        client.get(&format!("http://b.local{path}")).await.unwrap();
        let lines = log.lines(index + 1).await;
        assert_eq!(lines[index], format!("{path} {expected}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_is_written_down() {
    let server = Server::silent(Version::HTTP_11).await;
    let log = Log::new();
    let mesh = one(Protocol::Http, &server, &log).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
    {
        let sending = client.send(get("http://b.local/"));
        tokio::select! {
            _ = sending => panic!("there is no answer"),
            () = until("the request", || server.requests() == 1) => {}
        }
    }
    drop(client);
    let host = server.address;
    assert_eq!(
        log.lines(1).await,
        [format!(
            "GET b.local / HTTP/2 0 DR http2.remote_reset 0 0 / b {host}"
        )]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_written_down_with_its_bytes() {
    let server = Server::tcp(|mut stream| async move {
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all).await;
        let _ = stream.write_all(b"seen").await;
    })
    .await;
    let mut plan = Plan::new(EgressFilter::DropAll);
    let cluster = plan.cluster("db", Protocol::Tcp, Discovery::Static(vec![server.address]));
    let nobody = plan.cluster("nobody", Protocol::Tcp, Discovery::Static(Vec::new()));
    let gone = Server::tcp(|_| async {}).await.address;
    let gone_cluster = plan.cluster("gone", Protocol::Tcp, Discovery::Static(vec![gone]));
    plan.tcp(3306, &[(cluster, 1)]);
    plan.tcp(3307, &[(cluster, 0)]);
    plan.tcp(3308, &[(nobody, 1)]);
    plan.tcp(3309, &[(gone_cluster, 1)]);
    let log = Log::new();
    let mesh = Mesh::start(with_log(plan, &log, FORMAT).snapshot()).await;
    let mut stream = mesh.dial(([192, 0, 2, 1], 3306).into()).await;
    stream.write_all(b"bytes").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut all = Vec::new();
    within("the answer", stream.read_to_end(&mut all))
        .await
        .unwrap();
    let host = server.address;
    let first = format!("- - - - 0 - - 5 4 - db {host}");
    assert_eq!(log.lines(1).await, [first.as_str()]);
    let mut expected = vec![first];
    for (port, flags, cluster, host) in [
        (3307, "NC", "-", "-".to_owned()),
        (3308, "UH", "nobody", "-".to_owned()),
        (3309, "UF,URX", "gone", gone.to_string()),
    ] {
        let nowhere = mesh.dialler().dial(([192, 0, 2, 1], port).into()).await;
        assert_reset(nowhere).await;
        expected.push(format!("- - - - 0 {flags} - 0 0 - {cluster} {host}"));
        assert_eq!(log.lines(expected.len()).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_resets_is_flagged_and_a_client_that_does_is_not() {
    let server = Server::tcp(|mut stream| async move {
        if let Ok(1) = stream.read(&mut [0; 1]).await {
            stream.set_zero_linger().unwrap();
        }
    })
    .await;
    let mut plan = Plan::new(EgressFilter::DropAll);
    let cluster = plan.cluster("db", Protocol::Tcp, Discovery::Static(vec![server.address]));
    plan.tcp(3306, &[(cluster, 1)]);
    let log = Log::new();
    let format = "%RESPONSE_FLAGS% %BYTES_RECEIVED%";
    let mesh = Mesh::start(with_log(plan, &log, format).snapshot()).await;
    let dial = || mesh.dial(([192, 0, 2, 1], 3306).into());
    let mut stream = dial().await;
    stream.write_all(b"x").await.unwrap();
    assert_eq!(log.lines(1).await, ["UR 1"]);
    let stream = dial().await;
    until("the connection to the endpoint", || {
        mesh.stat("cluster.db.upstream_cx_total") == 2
    })
    .await;
    // Its handshake is through when it is seen there.
    stream.set_zero_linger().unwrap();
    drop(stream);
    assert_eq!(log.lines(2).await, ["UR 1", "- 0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_the_drain_of_a_port_cuts_are_no_fault_of_their_endpoint() {
    let server = Server::tcp(echo_bytes).await;
    let log = Log::new();
    let plan = |port| {
        let mut plan = Plan::new(EgressFilter::DropAll);
        let db = Discovery::Static(vec![server.address]);
        let cluster = plan.cluster("db", Protocol::Tcp, db);
        plan.tcp(port, &[(cluster, 1)]);
        with_log(plan, &log, "%BYTES_RECEIVED% %BYTES_SENT% %RESPONSE_FLAGS%")
    };
    let mesh = Mesh::start_with_drain(plan(3306).snapshot(), SHORT).await;
    let mut bytes = mesh.dial(([192, 0, 2, 1], 3306).into()).await;
    bytes.write_all(b"ping").await.unwrap();
    within("the echo", bytes.read_exact(&mut [0; 4]))
        .await
        .unwrap();
    mesh.proxy
        .publish(plan(3307).generation(2).snapshot())
        .await;
    assert_reset(Ok(bytes)).await;
    assert_eq!(log.lines(1).await, ["4 4 -"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cut_at_the_end_of_a_drain_is_written_down_with_what_it_carried() {
    let silent = Server::silent(Version::HTTP_11).await;
    let echoing = Server::tcp(echo_bytes).await;
    let mut plan = Plan::one(Protocol::Http, silent.address);
    let db = Discovery::Static(vec![echoing.address]);
    let cluster = plan.cluster("db", Protocol::Tcp, db);
    plan.tcp(3306, &[(cluster, 1)]);
    let log = Log::new();
    let format = "%UPSTREAM_CLUSTER% %BYTES_RECEIVED% %BYTES_SENT% %RESPONSE_FLAGS% \
                  %RESPONSE_CODE_DETAILS% %FERROMESH_REASON%";
    let snapshot = with_log(plan, &log, format).snapshot();
    let mesh = Mesh::start_with_drain(snapshot, SHORT).await;
    let mut bytes = mesh.dial(([192, 0, 2, 1], 3306).into()).await;
    bytes.write_all(b"ping").await.unwrap();
    within("the echo", bytes.read_exact(&mut [0; 4]))
        .await
        .unwrap();
    bytes.write_all(b"again").await.unwrap();
    within("the echo", bytes.read_exact(&mut [0; 5]))
        .await
        .unwrap();
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    let request = tokio::spawn(async move { client.get("http://b.local/").await.is_ok() });
    until("the request", || silent.requests() == 1).await;
    assert_eq!(within("the drain", mesh.proxy.drain()).await.cut, 2);
    assert_reset(Ok(bytes)).await;
    assert!(!request.await.unwrap());
    let mut lines = log.lines(2).await;
    lines.sort();
    let cut = "downstream_local_disconnect(purging_socket_that_have_not_progressed_to_connections)";
    assert_eq!(lines, [format!("b 0 0 DC {cut} -"), "db 9 9 - - -".into()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_generation_logs_elsewhere_and_otherwise() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let plan = || Plan::one(Protocol::Http, server.address);
    let (old, new) = (Log::new(), Log::new());
    let mesh = Mesh::start(with_log(plan(), &old, "%REQ(:PATH)%").snapshot()).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    client.get("http://b.local/1").await.unwrap();
    let mut second = plan();
    let members = vec![("path".to_owned(), "%REQ(:PATH)%".to_owned())];
    second.access_log(new.config(AccessLogFormat::Json(members)));
    mesh.proxy.publish(second.generation(2).snapshot()).await;
    client.get("http://b.local/2").await.unwrap();
    assert_eq!(new.lines(1).await, ["{\"path\":\"/2\"}"]);
    mesh.proxy.publish(plan().generation(3).snapshot()).await;
    client.get("http://b.local/3").await.unwrap();
    drop(mesh);
    assert_eq!(old.text(), "/1\n");
    assert_eq!(new.text(), "{\"path\":\"/2\"}\n");
}
