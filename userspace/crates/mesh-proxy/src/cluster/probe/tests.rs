use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener},
    thread,
};

use tokio::net::TcpSocket;

use super::*;

fn prober(protocol: Protocol) -> Prober {
    let check = HealthCheck {
        protocol,
        path: Some("/ping?deep=1".to_owned()),
        port: 0,
        interval: Duration::from_secs(5),
        timeout: Duration::from_millis(500),
        healthy_threshold: 2,
        unhealthy_threshold: 2,
    };
    Prober::new("cds_egress_apps_serviceB_http_80", &check)
}

/// A server that gives each connection these answers, and tells what it was asked on each.
fn serve(answers: Vec<Vec<&'static str>>) -> (SocketAddr, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let mut asked = Vec::new();
        for answers in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut heard = String::new();
            for answer in answers {
                let mut bytes = [0; 1024];
                let count = stream.read(&mut bytes).unwrap();
                heard.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
                stream.write_all(answer.as_bytes()).unwrap();
            }
            asked.push(heard);
        }
        asked
    });
    (address, server)
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes";

#[tokio::test]
async fn a_probe_looks_like_envoys_and_the_next_takes_the_same_connection() {
    let (address, server) = serve(vec![vec![OK, OK]]);
    let mut prober = prober(Protocol::Http);
    prober.probe(address).await.unwrap();
    prober.probe(address).await.unwrap();
    let one = "GET /ping?deep=1 HTTP/1.1\r\nhost: cds_egress_apps_serviceB_http_80\r\n\
               user-agent: Envoy/HC\r\n\r\n";
    assert_eq!(server.join().unwrap(), [one.repeat(2)]);
}

#[tokio::test]
async fn a_closed_connection_is_made_anew() {
    let closing = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let (address, server) = serve(vec![vec![closing], vec![OK]]);
    let mut prober = prober(Protocol::Http);
    prober.probe(address).await.unwrap();
    prober.probe(address).await.unwrap();
    assert_eq!(server.join().unwrap().len(), 2);
}

#[tokio::test]
async fn any_status_but_200_denies() {
    for answer in [
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
    ] {
        let (address, _) = serve(vec![vec![answer]]);
        let failure = prober(Protocol::Http).probe(address).await.unwrap_err();
        assert_eq!(failure.outcome(), Outcome::Denied, "{failure}");
    }
}

#[tokio::test]
async fn who_denies_may_ask_to_be_left_alone_too() {
    let field = "x-envoy-immediate-health-check-fail: \r\ncontent-length: 0\r\n\r\n";
    for (line, outcome) in [
        ("HTTP/1.1 503 Service Unavailable", Outcome::Withdrawn),
        ("HTTP/1.1 200 OK", Outcome::Passed),
    ] {
        let answer: &'static str = format!("{line}\r\n{field}").leak();
        let (address, _) = serve(vec![vec![answer]]);
        let probed = prober(Protocol::Http).probe(address).await;
        let found = probed.map_or_else(|failure| failure.outcome(), |()| Outcome::Passed);
        assert_eq!(found, outcome, "{line}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_is_none_is_the_networks_fault() {
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nyes",
        "hello\r\n\r\n",
    ] {
        let (address, _) = serve(vec![vec![answer]]);
        let failure = prober(Protocol::Http).probe(address).await.unwrap_err();
        assert_eq!(failure.outcome(), Outcome::Unreachable, "{failure}");
    }
}

#[tokio::test]
async fn who_takes_the_connection_and_is_silent_times_out_but_of_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    for protocol in [Protocol::Http, Protocol::Http2, Protocol::Grpc] {
        let failure = prober(protocol).probe(address).await.unwrap_err();
        assert_eq!(failure.outcome(), Outcome::TimedOut, "{failure}");
    }
    prober(Protocol::Tcp).probe(address).await.unwrap();
}

#[tokio::test]
async fn nobody_there_is_the_networks_fault() {
    let holder = TcpSocket::new_v4().unwrap();
    holder.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = holder.local_addr().unwrap();
    for protocol in [Protocol::Http, Protocol::Grpc, Protocol::Tcp] {
        let failure = prober(protocol).probe(address).await.unwrap_err();
        assert_eq!(failure.outcome(), Outcome::Unreachable, "{failure}");
    }
}
