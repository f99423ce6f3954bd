//! Requests that are tried again: how often, where, with what, and what is counted.

use std::{
    future::Future,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Request, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use mesh_model::snapshot::{
    CircuitBreakers, Discovery, EgressFilter, Protocol, RetryBudget, RetryOn, RetryPolicy,
};
use mesh_proxy::ProxySettings;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::Notify,
};

use crate::{
    failure::nowhere,
    support::{
        VERSIONS,
        client::{Answer, Client, get, post},
        mesh::Mesh,
        plan::Plan,
        server::{Reply, Server, text},
        until,
    },
};

/// App Mesh's `server-error`, in part.
pub(crate) fn policy(num_retries: u32) -> RetryPolicy {
    RetryPolicy {
        retry_on: [RetryOn::Reset, RetryOn::RetriableStatusCodes].into(),
        status_codes: [503].into(),
        num_retries,
        per_try_timeout: None,
        host_attempts: 5,
    }
}

fn unavailable(body: &'static str) -> Reply {
    let mut reply = text(body);
    *reply.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    reply
}

/// Answers 503 so many times, then with what it was sent.
async fn reluctant(version: Version, failures: usize) -> Server {
    let seen = Arc::new(AtomicUsize::new(0));
    Server::http(version, move |request: Request<Incoming>| {
        let is_failing = seen.fetch_add(1, Ordering::SeqCst) < failures;
        async move {
            let body = request.into_body().collect().await;
            match body {
                Ok(body) if !is_failing => text(body.to_bytes()),
                _ => unavailable("not now"),
            }
        }
    })
    .await
}

async fn asked(
    mesh: &Mesh,
    request: impl Future<Output = Request<crate::support::client::Body>>,
) -> Answer {
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    let sent = client.send(request.await).await.expect("an answer");
    Answer::read(sent).await.expect("a whole answer")
}

async fn got(mesh: &Mesh) -> Answer {
    asked(mesh, async { get("http://b.local/") }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_tried_until_an_attempt_succeeds() {
    for (version, protocol) in VERSIONS {
        let server = reluctant(version, 2).await;
        let mut plan = Plan::one(protocol, server.address);
        plan.retries(&policy(3));
        let mesh = Mesh::start(plan.snapshot()).await;
        let answer = asked(&mesh, async { post("http://b.local/", "all of it") }).await;
        assert_eq!((answer.status, answer.text()), (200, "all of it"));
        assert_eq!(server.requests(), 3, "{version:?}");
        for (name, count) in [
            ("upstream_rq_total", 3),
            ("upstream_rq_completed", 3),
            ("upstream_rq_503", 2),
            ("upstream_rq_200", 1),
            ("upstream_rq_retry", 2),
            ("upstream_rq_retry_backoff_exponential", 2),
            ("upstream_rq_retry_success", 1),
            ("upstream_rq_retry_limit_exceeded", 0),
            ("upstream_rq_active", 0),
            // Answers that have a body are not read to their end.
            ("upstream_rq_tx_reset", 2),
        ] {
            assert_eq!(mesh.stat(&format!("cluster.b.{name}")), count, "{name}");
        }
        for (name, count) in [
            ("upstream_rq_total", 1),
            ("upstream_rq_200", 1),
            ("upstream_rq_503", 0),
            ("upstream_rq_retry", 2),
            ("upstream_rq_retry_success", 1),
        ] {
            let name = format!("vhost.b.local.vcluster.other.{name}");
            assert_eq!(mesh.stat(&name), count, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_failure_is_the_clients() {
    let server = reluctant(Version::HTTP_11, usize::MAX).await;
    let mut plan = Plan::one(Protocol::Http, server.address);
    let format = "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%";
    let log = plan.retries(&policy(2)).logged(format);
    let mesh = Mesh::start(plan.snapshot()).await;
    let answer = got(&mesh).await;
    assert_eq!((answer.status, answer.text()), (503, "not now"));
    assert_eq!(server.requests(), 3);
    assert_eq!(log.lines(1).await, ["503 URX via_upstream"]);
    assert_eq!(mesh.stat("cluster.b.upstream_rq_retry"), 2);
    assert_eq!(mesh.stat("cluster.b.upstream_rq_retry_limit_exceeded"), 1);
    assert_eq!(mesh.stat("cluster.b.upstream_rq_retry_success"), 0);
    assert_eq!(
        mesh.stat("vhost.b.local.vcluster.other.upstream_rq_retry_limit_exceeded"),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_endpoint_costs_no_request_while_another_lives() {
    let server = reluctant(Version::HTTP_11, 0).await;
    let mut plan = Plan::new(EgressFilter::DropAll);
    let endpoints = vec![nowhere(), server.address, nowhere()];
    let cluster = plan.cluster("b", Protocol::Http, Discovery::Static(endpoints));
    plan.service(80, "b.local", &[("/", &[(cluster, 1)])])
        .retries(&policy(2));
    let mesh = Mesh::start(plan.snapshot()).await;
    for _ in 0..30 {
        assert_eq!(got(&mesh).await.status, 200);
    }
    assert_eq!(server.requests(), 30);
    assert!(mesh.stat("cluster.b.upstream_rq_retry") > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retries_stay_within_the_target_that_was_chosen() {
    let failing = reluctant(Version::HTTP_11, usize::MAX).await;
    let living = reluctant(Version::HTTP_11, 0).await;
    let mut plan = Plan::new(EgressFilter::DropAll);
    let one = plan.cluster(
        "b",
        Protocol::Http,
        Discovery::Static(vec![failing.address]),
    );
    let other = plan.cluster("c", Protocol::Http, Discovery::Static(vec![living.address]));
    plan.service(80, "b.local", &[("/", &[(one, 1), (other, 1)])])
        .retries(&policy(1));
    let mesh = Mesh::start(plan.snapshot()).await;
    let mut failures = 0;
    for _ in 0..40 {
        failures += usize::from(got(&mesh).await.status == 503);
    }
    assert_eq!(failing.requests(), 2 * failures);
    assert_eq!(living.requests(), 40 - failures);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_is_sent_again_up_to_1_mib() {
    const MIB: usize = 1024 * 1024;
    for (version, protocol) in VERSIONS {
        for (length, status) in [(MIB, 200), (MIB + 1, 503)] {
            let server = reluctant(version, 1).await;
            let mut plan = Plan::one(protocol, server.address);
            plan.retries(&policy(2));
            let mesh = Mesh::start(plan.snapshot()).await;
            let body = "x".repeat(length);
            let answer = asked(&mesh, async { post("http://b.local/", body.clone()) }).await;
            assert_eq!(answer.status, status, "{version:?} {length}");
            if status == 200 {
                assert_eq!(answer.body.len(), length);
            }
            // What is too long has no policy any more, and so nothing that it could exceed.
            assert_eq!(mesh.stat("cluster.b.upstream_rq_retry_limit_exceeded"), 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_attempt_has_its_time() {
    for (version, protocol) in VERSIONS {
        let server = Server::silent(version).await;
        let format = "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%";
        let mut plan = Plan::one(protocol, server.address);
        let log = plan
            .retries(&RetryPolicy {
                per_try_timeout: Some(Duration::from_millis(100)),
                ..policy(2)
            })
            .logged(format);
        let mesh = Mesh::start(plan.snapshot()).await;
        let answer = got(&mesh).await;
        assert_eq!(
            (answer.status, answer.text()),
            (504, "upstream request timeout")
        );
        assert_eq!(
            log.lines(1).await,
            ["504 URX,UT upstream_per_try_timeout"],
            "{version:?}"
        );
        assert_eq!(server.requests(), 3);
        assert_eq!(mesh.stat("cluster.b.upstream_rq_per_try_timeout"), 3);
        assert_eq!(mesh.stat("cluster.b.upstream_rq_timeout"), 0);
        assert_eq!(mesh.stat("cluster.b.upstream_rq_tx_reset"), 3);
        assert_eq!(mesh.stat("cluster.b.upstream_rq_active"), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_has_so_many_retries_under_way_and_no_more() {
    let server = reluctant(Version::HTTP_11, usize::MAX).await;
    let mut plan = Plan::one(Protocol::Http, server.address);
    let log = plan
        .retries(&policy(2))
        .limits(CircuitBreakers {
            max_retries: 0,
            ..CircuitBreakers::default()
        })
        .logged("%RESPONSE_FLAGS%");
    let mesh = Mesh::start(plan.snapshot()).await;
    assert_eq!(got(&mesh).await.status, 503);
    assert_eq!(server.requests(), 1);
    assert_eq!(log.lines(1).await, ["UO"]);
    assert_eq!(mesh.stat("cluster.b.upstream_rq_retry_overflow"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_takes_the_place_of_the_number_of_retries() {
    for (min_retry_concurrency, status, is_open) in [(0, 503, 1), (1, 200, 0)] {
        let server = reluctant(Version::HTTP_11, 1).await;
        let mut plan = Plan::one(Protocol::Http, server.address);
        plan.retries(&policy(1)).limits(CircuitBreakers {
            max_retries: 0,
            retry_budget: Some(RetryBudget {
                budget_percent: 0,
                min_retry_concurrency,
            }),
            ..CircuitBreakers::default()
        });
        let mesh = Mesh::start(plan.snapshot()).await;
        assert_eq!(got(&mesh).await.status, status);
        let stat = |name| mesh.stat(&format!("cluster.b.{name}"));
        assert_eq!(stat("upstream_rq_retry_overflow"), is_open);
        assert_eq!(stat("circuit_breakers.default.rq_retry_open"), is_open);
        assert_eq!(stat("circuit_breakers.default.rq_open"), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_not_tried_again_once_an_interim_answer_came() {
    const INTERIM: &str = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    let try_time = Some(Duration::from_millis(200));
    for (end, per_try_timeout) in [
        ("", None),
        ("nonsense\r\n\r\n", None),
        ("HTTP/1.1 2", None),
        ("silence", try_time),
    ] {
        let server = Server::tcp(move |mut stream| async move {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(INTERIM.as_bytes()).await;
            if per_try_timeout.is_some() {
                let _ = stream.read(&mut request).await;
            } else {
                let _ = stream.write_all(end.as_bytes()).await;
            }
        })
        .await;
        let mut plan = Plan::one(Protocol::Http, server.address);
        plan.retries(&RetryPolicy {
            per_try_timeout,
            ..policy(3)
        });
        let mesh = Mesh::start(plan.snapshot()).await;
        assert!(got(&mesh).await.status >= 500, "{end:?}");
        assert_eq!(server.connections(), 1, "{end:?}");
        assert_eq!(mesh.stat("cluster.b.upstream_rq_retry"), 0, "{end:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_goes_elsewhere_whatever_other_requests_took_turns_meanwhile() {
    let (answers, is_first) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(true)));
    // Whoever gets the first request of all answers each with 503.
    let moody = || {
        let (answers, is_first) = (Arc::clone(&answers), Arc::clone(&is_first));
        let fails = Arc::new(AtomicBool::new(false));
        Server::http(Version::HTTP_11, move |_: Request<Incoming>| {
            let held = is_first.swap(false, Ordering::SeqCst);
            fails.fetch_or(held, Ordering::SeqCst);
            let (answers, fails) = (Arc::clone(&answers), Arc::clone(&fails));
            async move {
                if held {
                    answers.notified().await;
                }
                if fails.load(Ordering::SeqCst) {
                    unavailable("not now")
                } else {
                    text("ok")
                }
            }
        })
    };
    let servers = [moody().await, moody().await];
    let addresses = servers.each_ref().map(|server| server.address);
    let mut plan = Plan::new(EgressFilter::DropAll);
    let cluster = plan.cluster("b", Protocol::Http, Discovery::Static(addresses.into()));
    plan.service(80, "b.local", &[("/", &[(cluster, 1)])]);
    plan.retries(&policy(1));
    let one_worker = |settings: &mut ProxySettings| settings.workers = NonZeroUsize::MIN;
    let mesh = Mesh::start_with(plan.snapshot(), one_worker).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
    let mut held = client.another();
    let held = tokio::spawn(async move { held.get("http://b.local/").await.unwrap().status });
    until("the first request", || !is_first.load(Ordering::SeqCst)).await;
    assert_eq!(client.get("http://b.local/").await.unwrap().status, 200);
    answers.notify_one();
    assert_eq!(held.await.unwrap(), 200);
    assert_eq!(mesh.stat("cluster.b.upstream_rq_retry"), 1);
}
