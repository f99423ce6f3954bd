//! What is told and known of targets that requests leave.

use mesh_model::snapshot::HealthCheck;
use tokio::io::AsyncReadExt as _;

use super::*;
use crate::support::until;

const HTTPS: u16 = 443;

fn target(name: &str, endpoints: &[SocketAddr], weight: u32) -> (String, Vec<SocketAddr>, u32) {
    (name.to_owned(), endpoints.to_vec(), weight)
}

/// A service of these targets whose requests fail over.
fn plan(targets: &[(String, Vec<SocketAddr>, u32)]) -> Targets {
    let targets = targets.iter();
    let targets: Vec<_> = targets
        .map(|(name, endpoints, weight)| {
            (name.as_str(), Protocol::Http, endpoints.as_slice(), *weight)
        })
        .collect();
    Targets::new(&targets)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_ends_in_a_wait_ends_where_its_last_attempt_was() {
    let (one, two) = (bad(Version::HTTP_11).await, bad(Version::HTTP_11).await);
    let mut targets = plan(&[
        target("one", &[one.address], 50),
        target("two", &[two.address], 50),
    ])
    .retries(&policy(1000));
    let line = "%UPSTREAM_CLUSTER% %UPSTREAM_HOST%";
    let log = targets.plan.logged(line);
    // It is much shorter than the waits that attempts come to, and longer than an attempt.
    let moment = Duration::from_millis(500);
    targets.plan.timeouts(Some(moment), Some(moment * 100));
    let mesh = targets.start().await;
    for _ in 0..8 {
        assert_eq!(got(&mesh).await.status, 504);
    }
    let ends = [("one", one.address), ("two", two.address)];
    let ends = ends.map(|(name, address)| format!("{name} {address}"));
    for line in log.lines(8).await {
        assert!(ends.contains(&line), "{line} is none of {ends:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_request_counts_where_it_was() {
    let (fails, silent) = (
        bad(Version::HTTP_11).await,
        Server::silent(Version::HTTP_11).await,
    );
    let retries = RetryPolicy {
        per_try_timeout: Some(Duration::from_secs(1)),
        ..policy(1)
    };
    // One of a hundred begins at the other.
    let targets = [
        target("fails", &[fails.address], 100),
        target("silent", &[silent.address], 1),
    ];
    let mesh = plan(&targets).retries(&retries).start().await;
    let mut timed_out = 0;
    for _ in 0..3 {
        timed_out += u64::from(got(&mesh).await.status == 504);
    }
    assert!(timed_out >= 2, "{timed_out}");
    for (cluster, all) in [("fails", 0), ("silent", timed_out)] {
        let reason = format!("request_failure.egress.{cluster}.per-try-timeout");
        assert_eq!(mesh.stat(&reason), all, "{reason}");
    }
    assert_eq!(mesh.stat("cluster.fails.upstream_rq_per_try_timeout"), 0);
    assert!(mesh.stat("cluster.silent.upstream_rq_per_try_timeout") >= timed_out);
}

/// Answers with whom it was asked for.
async fn asked_for(version: Version) -> Server {
    Server::http(version, |request: Request<Incoming>| async move {
        let authority = request.uri().authority().map(http::uri::Authority::as_str);
        let hosts = request.headers().get_all(http::header::HOST).iter();
        let hosts = hosts.map(|host| host.to_str().expect("text"));
        let all: Vec<_> = authority.into_iter().chain(hosts).collect();
        text(all.join(" and "))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_target_is_asked_for_the_same_host() {
    for (first, of_first) in VERSIONS {
        for (second, of_second) in VERSIONS {
            let (server, other) = (bad(first).await, asked_for(second).await);
            let mesh = Targets::new(&[
                ("bad", of_first, &[server.address], 100),
                ("other", of_second, &[other.address], 1),
            ])
            .retries(&policy(1))
            .start()
            .await;
            for by in [Version::HTTP_11, Version::HTTP_2] {
                for _ in 0..2 {
                    let answer = asked(&mesh, by, None).await;
                    let way = format!("{by:?}: {first:?} to {second:?}");
                    assert_eq!((answer.status, answer.text()), (200, "b.local"), "{way}");
                }
            }
            assert!(failovers(&mesh, "bad") >= 3);
        }
    }
}

/// A health check that passes with the second probe.
fn check() -> HealthCheck {
    HealthCheck {
        protocol: Protocol::Http,
        path: Some("/ping".to_owned()),
        port: 80,
        interval: Duration::from_millis(50),
        timeout: Duration::from_secs(5),
        healthy_threshold: 2,
        unhealthy_threshold: 2,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_is_passed_over_is_probed_as_one_that_is_called() {
    for is_tcp in [false, true] {
        is_probed_though_it_is_passed_over(is_tcp).await;
    }
}

async fn is_probed_though_it_is_passed_over(is_tcp: bool) {
    let fails = Arc::new(AtomicBool::new(true));
    let server = moody("ill", Version::HTTP_11, &fails).await;
    let other = good("good", Version::HTTP_11).await;
    let fit = target("good", &[other.address], 50);
    let mesh = plan(&[target("ill", &[], 50), fit.clone()]).start().await;
    for _ in 0..4 {
        if is_tcp {
            mesh.dial(([192, 0, 2, 1], TCP_PORT).into()).await;
        } else {
            assert_eq!(got(&mesh).await.text(), "good");
        }
    }
    until("it to be passed over", || failovers(&mesh, "ill") > 0).await;
    let mut next = plan(&[target("ill", &[server.address], 50), fit]);
    next.plan.change(next.ids[0], |cluster| {
        cluster.health_check = Some(check());
    });
    mesh.proxy.publish(next.plan.generation(2).snapshot()).await;
    assert_eq!(mesh.stat("cluster.ill.membership_healthy"), 0);
    fails.store(false, Ordering::SeqCst);
    // One that nobody calls is asked again after a minute.
    until("the second probe that passes", || {
        mesh.stat("cluster.ill.membership_healthy") == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_may_be_to_aws_is_passed_on_once() {
    const MANY: u64 = 24;
    let server = Server::saying("hello").await;
    let mut targets = Targets::new(&[
        ("none", Protocol::Tcp, &[], 75),
        ("good", Protocol::Tcp, &[server.address], 25),
    ]);
    let shares = [75, 25];
    let weighted: Vec<_> = targets.ids.iter().copied().zip(shares).collect();
    targets.plan.tcp(HTTPS, &weighted).aws_endpoints();
    targets.plan.fails_over();
    let mesh = targets.start().await;
    for _ in 0..MANY {
        let mut stream = mesh.dial(([192, 0, 2, 1], HTTPS).into()).await;
        let mut all = String::new();
        within("the greeting", stream.read_to_string(&mut all))
            .await
            .expect("it ends in order");
        assert_eq!(all, "hello");
    }
    let of_none = failovers(&mesh, "none");
    assert!((12..=MANY).contains(&of_none), "{of_none}");
}
