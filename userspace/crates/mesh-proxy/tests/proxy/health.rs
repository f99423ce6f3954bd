//! Endpoints that fail their health checks, or their requests.

mod connections;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{StatusCode, Version};
use mesh_model::snapshot::{
    ClusterId, Discovery, EgressFilter, HealthCheck, OutlierDetection, Protocol, Snapshot,
};

use crate::support::{
    client::{Client, get},
    mesh::Mesh,
    plan::Plan,
    server::{Reply, Server, text},
    until,
};

const MINUTE: Duration = Duration::from_mins(1);

fn failing() -> Reply {
    let mut answer = text("no");
    *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    answer
}

/// A mesh with one service of these endpoints, judged in one way or both.
async fn mesh(
    servers: &[&Server],
    check: Option<HealthCheck>,
    outliers: Option<OutlierDetection>,
) -> Mesh {
    let mut plan = Plan::new(EgressFilter::DropAll);
    let addresses = servers.iter().map(|server| server.address).collect();
    let cluster = plan.cluster("b", Protocol::Http, Discovery::Static(addresses));
    plan.change(cluster, |cluster| {
        cluster.health_check = check;
        cluster.outlier_detection = outliers;
    });
    plan.service(80, "b.local", &[("/", &[(cluster, 1)])]);
    Mesh::start(plan.snapshot()).await
}

fn check(protocol: Protocol) -> HealthCheck {
    HealthCheck {
        protocol,
        path: Some("/ping".to_owned()),
        port: 80,
        interval: MINUTE,
        timeout: Duration::from_secs(5),
        healthy_threshold: 2,
        unhealthy_threshold: 2,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_whose_first_check_fails_gets_no_request() {
    let good = Server::http(Version::HTTP_11, |_| async { text("good") }).await;
    let bad = Server::http(Version::HTTP_11, |request| async move {
        if request.uri().path() == "/ping" {
            failing()
        } else {
            text("bad")
        }
    })
    .await;
    let mesh = mesh(&[&good, &bad], Some(check(Protocol::Http)), None).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    for _ in 0..10 {
        assert_eq!(client.get("http://b.local/").await.unwrap().body, "good");
    }
    assert_eq!(
        (good.requests(), bad.requests()),
        (11, 1),
        "each was probed once"
    );
    let status = mesh.proxy.status();
    let unfit = &status.clusters[0].unfit[0];
    assert_eq!(unfit.endpoint, bad.address);
    assert_eq!(unfit.reason, "fails its health checks: status 500");
    assert_eq!(mesh.stat("cluster.b.membership_healthy"), 1);
    assert_eq!(mesh.stat("cluster.b.health_check.healthy"), 1);
    assert_eq!(mesh.stat("cluster.b.health_check.attempt"), 2);
    assert_eq!(mesh.stat("cluster.b.health_check.failure"), 1);
    assert_eq!(mesh.stat("cluster.b.lb_healthy_panic"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_endpoints_are_used_when_most_fail_their_checks() {
    let serve = |request: http::Request<hyper::body::Incoming>| async move {
        if request.uri().path() == "/ping" {
            failing()
        } else {
            text("all the same")
        }
    };
    let one = Server::http(Version::HTTP_11, serve).await;
    let other = Server::http(Version::HTTP_11, serve).await;
    let mesh = mesh(&[&one, &other], Some(check(Protocol::Http)), None).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    for _ in 0..10 {
        assert_eq!(client.get("http://b.local/").await.unwrap().status, 200);
    }
    assert_eq!((one.requests(), other.requests()), (6, 6));
    assert!(mesh.proxy.status().clusters[0].in_panic);
    assert_eq!(mesh.stat("cluster.b.lb_healthy_panic"), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_fails_request_after_request_is_ejected() {
    let good = Server::http(Version::HTTP_11, |_| async { text("good") }).await;
    let bad = Server::http(Version::HTTP_11, |_| async { failing() }).await;
    let outliers = OutlierDetection {
        consecutive_5xx: 3,
        interval: MINUTE,
        base_ejection_time: MINUTE,
        max_ejection_percent: 50,
    };
    let mesh = mesh(&[&good, &bad], None, Some(outliers)).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    let mut failed = 0;
    for _ in 0..20 {
        failed += u32::from(client.get("http://b.local/").await.unwrap().status == 500);
    }
    assert_eq!(failed, 3);
    assert_eq!((good.requests(), bad.requests()), (17, 3));
    let status = mesh.proxy.status();
    let unfit = &status.clusters[0].unfit[0];
    assert_eq!(unfit.endpoint, bad.address);
    assert_eq!(unfit.reason, "is ejected: 3 failures in a row, for 60 s");
    let stat = |name: &str| mesh.stat(&format!("cluster.b.outlier_detection.{name}"));
    assert_eq!(stat("ejections_active"), 1);
    assert_eq!(stat("ejections_enforced_total"), 1);
    assert_eq!(stat("ejections_enforced_consecutive_5xx"), 1);
    assert_eq!(stat("ejections_overflow"), 0);
}

/// A server that asks with each answer to be left alone, and passes its probes.
async fn leaving(status: StatusCode) -> Server {
    let serve = move |request: http::Request<hyper::body::Incoming>| async move {
        let mut answer = text("leaving");
        if request.uri().path() != "/ping" {
            *answer.status_mut() = status;
        }
        let fields = answer.headers_mut();
        fields.insert("x-envoy-immediate-health-check-fail", "".parse().unwrap());
        answer
    };
    Server::http(Version::HTTP_11, serve).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_is_not_checked_is_not_left_alone_though_it_asks_so() {
    let outliers = OutlierDetection {
        consecutive_5xx: 3,
        interval: MINUTE,
        base_ejection_time: MINUTE,
        max_ejection_percent: 100,
    };
    for outliers in [None, Some(outliers)] {
        let good = Server::http(Version::HTTP_11, |_| async { text("good") }).await;
        let leaving = leaving(StatusCode::OK).await;
        let mesh = mesh(&[&good, &leaving], None, outliers).await;
        let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
        for _ in 0..10 {
            assert_eq!(client.get("http://b.local/").await.unwrap().status, 200);
        }
        assert_eq!((good.requests(), leaving.requests()), (5, 5));
        assert!(mesh.proxy.status().clusters[0].unfit.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_asks_so_is_left_alone_and_the_others_do_not_panic() {
    let good = Server::http(Version::HTTP_11, |_| async { text("good") }).await;
    // That their probes say so, too, counts for nothing: those pass.
    let one = leaving(StatusCode::OK).await;
    let other = leaving(StatusCode::SERVICE_UNAVAILABLE).await;
    let servers = [&good, &one, &other];
    let mesh = mesh(&servers, Some(check(Protocol::Http)), None).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    for _ in 0..20 {
        let answer = client.get("http://b.local/").await.unwrap();
        let said = answer.headers.get("x-envoy-immediate-health-check-fail");
        assert_eq!(said.is_some(), answer.body == "leaving");
    }
    assert_eq!(
        (one.requests(), other.requests()),
        (2, 2),
        "with a probe each"
    );
    let status = mesh.proxy.status();
    assert!(!status.clusters[0].in_panic);
    assert_eq!(
        status.clusters[0].unfit[0].reason,
        "fails its health checks: it answered a request with x-envoy-immediate-health-check-fail"
    );
    assert_eq!(mesh.stat("cluster.b.lb_healthy_panic"), 0);
    let stat = |name: &str| mesh.stat(&format!("cluster.b.health_check.{name}"));
    assert_eq!((stat("attempt"), stat("failure")), (3, 2));
    assert_eq!((stat("passive_failure"), stat("healthy")), (2, 1));
}

/// Fails probes, or requests, while it is told to.
async fn moody(version: Version, fails: &Arc<AtomicBool>, path: &'static str) -> Server {
    let fails = Arc::clone(fails);
    Server::http(version, move |request| {
        let is_failing = fails.load(Ordering::SeqCst) && request.uri().path() == path;
        async move { if is_failing { failing() } else { text("well") } }
    })
    .await
}

/// A service that is probed at this path, as often as may be.
fn probed(server: &Server, path: &str, generation: u64) -> Arc<Snapshot> {
    let mut plan = Plan::one(Protocol::Http, server.address);
    plan.change(ClusterId(0), |cluster| {
        cluster.health_check = Some(HealthCheck {
            path: Some(path.to_owned()),
            interval: Duration::from_millis(5),
            ..check(Protocol::Http)
        });
    });
    plan.generation(generation).snapshot()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_was_replaced_is_not_probed_for_the_request_that_it_still_has() {
    let seen: Arc<[AtomicUsize; 3]> = Arc::default();
    let count = Arc::clone(&seen);
    let server = Server::http(Version::HTTP_11, move |request| {
        let which = ["/one", "/two", "/held"]
            .iter()
            .position(|path| *path == request.uri().path());
        let which = which.expect("one of them");
        count[which].fetch_add(1, Ordering::SeqCst);
        async move {
            if which == 2 {
                std::future::pending::<()>().await;
            }
            text("well")
        }
    })
    .await;
    let seen = |which: usize| seen[which].load(Ordering::SeqCst);
    let mesh = Mesh::start(probed(&server, "/one", 1)).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    let held = tokio::spawn(async move { client.send(get("http://b.local/held")).await.is_ok() });
    until("a request is under way", || seen(2) == 1).await;
    mesh.proxy.publish(probed(&server, "/two", 2)).await;
    let before = seen(0);
    // Often, as the cluster before was called.
    until("the other is probed", || seen(1) >= 30).await;
    assert!(seen(0) <= before + 1, "but for one that was on its way");
    assert_eq!(mesh.stat("cluster.b.membership_healthy"), 1);
    held.abort();
}
