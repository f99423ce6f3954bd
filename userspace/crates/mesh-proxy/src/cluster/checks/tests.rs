use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use mesh_model::snapshot::{Cluster, Discovery, Protocol};
use mesh_telemetry::Registry;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket},
};

use super::*;
use crate::cluster::{judges::Judges, tests::until};

/// A server that answers every request with the status of the moment, and closes.
async fn serve(status: &Arc<AtomicU16>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let status = Arc::clone(status);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let status = status.load(Ordering::SeqCst);
            let answer =
                format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    address
}

fn checked(addresses: Vec<SocketAddr>, stats: &Registry) -> Arc<SharedCluster> {
    let name = "b".to_owned();
    let mut config = Cluster::plain(name, Protocol::Http, Discovery::Static(addresses));
    config.health_check = Some(HealthCheck {
        protocol: Protocol::Http,
        path: Some("/ping".to_owned()),
        port: 80,
        interval: Duration::from_millis(10),
        timeout: Duration::from_secs(5),
        healthy_threshold: 2,
        unhealthy_threshold: 2,
    });
    let workers = std::num::NonZeroUsize::MIN;
    let judges = Judges::of(&config, stats, workers, false);
    Arc::new(SharedCluster::new(Arc::new(config), Arc::default(), judges))
}

#[tokio::test]
async fn an_endpoint_is_out_while_it_fails_and_back_when_it_passes_again() {
    let status = Arc::new(AtomicU16::new(200));
    let registry = Registry::new("test", 1);
    let cluster = checked(vec![serve(&status).await], &registry);
    assert!(cluster.hosts.load().fit().is_empty());
    // Else it would be probed once a minute.
    cluster.call();
    cluster.start_judges();
    cluster.warmed().await;
    assert_eq!(cluster.hosts.load().fit().len(), 1);
    let counts = registry.health_check("b");
    assert_eq!(counts.healthy.value(), 1);

    status.store(503, Ordering::SeqCst);
    until("out", || cluster.hosts.load().fit().is_empty()).await;
    let unfit = &cluster.status().unfit[0];
    assert_eq!(unfit.reason, "fails its health checks: status 503");
    assert_eq!(
        (counts.healthy.value(), counts.network_failure.value()),
        (0, 0)
    );
    assert!(counts.failure.value() > 0);

    status.store(200, Ordering::SeqCst);
    until("back", || cluster.hosts.load().fit().len() == 1).await;
    assert!(cluster.status().unfit.is_empty());
    assert!(
        counts.success.value() >= 3,
        "one, and two more after it failed"
    );
    assert!(counts.attempt.value() >= counts.success.value() + counts.failure.value());
}

#[tokio::test]
async fn an_endpoint_that_asks_to_be_left_alone_is_until_its_checks_pass_again() {
    let status = Arc::new(AtomicU16::new(200));
    let registry = Registry::new("test", 1);
    let servers = vec![serve(&status).await, serve(&status).await];
    let cluster = checked(servers, &registry);
    cluster.start_judges();
    cluster.warmed().await;
    // No probe comes in between: nobody has called.
    let hosts = cluster.hosts.load_full();
    let warm = cluster.warm.subscribe();
    for (host, usable) in hosts.all().iter().zip([1, 2]) {
        cluster.withdrawn(host);
        assert_eq!(cluster.hosts.load().usable().len(), usable);
    }
    assert!(
        !warm.has_changed().unwrap(),
        "all hosts were looked through"
    );
    let counts = registry.health_check("b");
    let failures = (counts.failure.value(), counts.passive_failure.value());
    assert_eq!((failures, counts.healthy.value()), ((2, 2), 0));
    assert_eq!(
        cluster.status().unfit[0].reason,
        "fails its health checks: it answered a request with x-envoy-immediate-health-check-fail"
    );
    let checks = cluster.judges.checks.clone().unwrap();
    for fit in [0, 1] {
        cluster.probed(&hosts.all()[0], &checks, None);
        assert_eq!(cluster.hosts.load().fit().len(), fit);
    }
    assert!(!hosts.all()[0].is_withdrawn(), "it counts again");
    cluster.retire();
    cluster.withdrawn(&hosts.all()[0]);
    assert_eq!(cluster.hosts.load().fit().len(), 1, "it judges no more");
}

#[test]
fn who_fails_its_checks_and_asks_to_be_left_alone_makes_the_others_no_fewer_at_once() {
    let servers = (1..=4).map(|port| ([127, 0, 0, 1], port).into());
    let cluster = checked(servers.collect(), &Registry::new("test", 1));
    let checks = cluster.judges.checks.clone().unwrap();
    let hosts = cluster.hosts.load_full();
    let failure = Failure::Status(http::StatusCode::SERVICE_UNAVAILABLE);
    for (index, host) in hosts.all().iter().enumerate() {
        cluster.probed(host, &checks, (index > 0).then_some(&failure));
    }
    // One of four is fit, then of three, then of two.
    for (host, usable) in hosts.all()[1..].iter().zip([4, 1]) {
        cluster.withdrawn(host);
        assert_eq!(cluster.hosts.load().usable().len(), usable);
    }
}

#[tokio::test]
async fn the_first_answer_is_warm_once_every_endpoint_was_probed() {
    let status = Arc::new(AtomicU16::new(200));
    let holder = TcpSocket::new_v4().unwrap();
    holder.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let nobody = holder.local_addr().unwrap();
    let cluster = checked(
        vec![serve(&status).await, nobody],
        &Registry::new("test", 1),
    );
    let early = tokio::time::timeout(Duration::from_millis(50), cluster.warmed()).await;
    assert!(early.is_err(), "nobody has begun to probe");
    cluster.start_judges();
    cluster.warmed().await;
    let status = cluster.status();
    assert_eq!(status.unfit.len(), 1);
    assert_eq!(status.unfit[0].endpoint, nobody);
    assert_eq!(
        status.unfit[0].reason,
        "fails its health checks: no connection: Connection refused (os error 111)"
    );
}
