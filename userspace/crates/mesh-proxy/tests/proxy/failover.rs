//! Routes that fail over: which target a request goes to whose own fails, how often, and what is told of it.

mod connections;
mod told;

use std::{
    net::SocketAddr,
    slice,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, Collected};
use hyper::body::Incoming;
use mesh_model::snapshot::{
    CircuitBreakers, ClusterId, Discovery, EgressFilter, OutlierDetection, Protocol, RetryPolicy,
};

use crate::{
    failure::nowhere,
    retry::policy,
    support::{
        VERSIONS,
        client::{Answer, Client, get, post},
        mesh::Mesh,
        plan::Plan,
        server::{Reply, Server, text},
        within,
    },
};

const TCP_PORT: u16 = 3306;

/// Answers with its name and what it was sent.
async fn good(name: &'static str, version: Version) -> Server {
    Server::http(version, move |request: Request<Incoming>| async move {
        let body = request.into_body().collect().await;
        let body = body.map(Collected::to_bytes).unwrap_or_default();
        text([name.as_bytes(), &body].concat())
    })
    .await
}

/// Answers 503 while it is told to.
async fn moody(name: &'static str, version: Version, fails: &Arc<AtomicBool>) -> Server {
    let fails = Arc::clone(fails);
    Server::http(version, move |request: Request<Incoming>| {
        let is_failing = fails.load(Ordering::SeqCst);
        async move {
            let body = request.into_body().collect().await;
            let mut reply: Reply = text(name);
            if is_failing || body.is_err() {
                *reply.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            }
            reply
        }
    })
    .await
}

async fn bad(version: Version) -> Server {
    moody("bad", version, &Arc::new(AtomicBool::new(true))).await
}

/// A mesh of one route that fails over, with a target for each name, address and weight.
struct Targets {
    plan: Plan,
    ids: Vec<ClusterId>,
}

impl Targets {
    fn new(targets: &[(&str, Protocol, &[SocketAddr], u32)]) -> Self {
        let mut plan = Plan::new(EgressFilter::DropAll);
        let mut weighted = Vec::new();
        for (name, protocol, endpoints, weight) in targets {
            let discovery = Discovery::Static(endpoints.to_vec());
            weighted.push((plan.cluster(name, *protocol, discovery), *weight));
        }
        plan.service(80, "b.local", &[("/", &weighted)]);
        plan.tcp(TCP_PORT, &weighted);
        plan.fails_over();
        let ids = weighted.into_iter().map(|(id, _)| id).collect();
        Self { plan, ids }
    }

    /// Of HTTP/1, each with one endpoint.
    fn http1<const N: usize>(targets: [(&str, SocketAddr, u32); N]) -> Self {
        let targets = targets.each_ref().map(|(name, address, weight)| {
            (*name, Protocol::Http, slice::from_ref(address), *weight)
        });
        Self::new(&targets)
    }

    fn retries(mut self, policy: &RetryPolicy) -> Self {
        self.plan.retries(policy);
        self
    }

    async fn start(self) -> Mesh {
        Mesh::start(self.plan.snapshot()).await
    }
}

async fn asked(mesh: &Mesh, version: Version, body: Option<&'static str>) -> Answer {
    let mut client = Client::open(mesh.dial_80().await, version).await;
    let request = match body {
        Some(body) => post("http://b.local/x", body),
        None => get("http://b.local/x"),
    };
    Answer::read(client.send(request).await.expect("an answer"))
        .await
        .expect("a whole answer")
}

async fn got(mesh: &Mesh) -> Answer {
    asked(mesh, Version::HTTP_11, None).await
}

fn failovers(mesh: &Mesh, cluster: &str) -> u64 {
    mesh.stat(&format!("cluster.{cluster}.upstream_rq_failover"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_without_an_endpoint_gives_its_share_to_the_other() {
    let server = good("one", Version::HTTP_11).await;
    let mut targets = Targets::new(&[
        ("none", Protocol::Http, &[], 75),
        ("one", Protocol::Http, &[server.address], 25),
    ]);
    let line = "%UPSTREAM_CLUSTER% %RESPONSE_CODE% %RESPONSE_FLAGS%";
    let log = targets.plan.logged(line);
    let mesh = targets.start().await;
    for _ in 0..40 {
        assert_eq!(got(&mesh).await.text(), "one");
    }
    assert_eq!(log.lines(40).await, ["one 200 -"; 40]);
    let of_none = failovers(&mesh, "none");
    assert!((24..=36).contains(&of_none), "{of_none}");
    assert_eq!(mesh.stat("cluster.none.upstream_cx_none_healthy"), 0);
    assert_eq!(mesh.stat("cluster.one.upstream_rq_total"), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_are_the_weights_while_all_targets_are_fit() {
    let (one, two) = (
        good("one", Version::HTTP_11).await,
        good("two", Version::HTTP_11).await,
    );
    let mesh = Targets::http1([("one", one.address, 75), ("two", two.address, 25)])
        .start()
        .await;
    for _ in 0..80 {
        assert_eq!(got(&mesh).await.status, 200);
    }
    assert!((54..=66).contains(&one.requests()), "{}", one.requests());
    assert_eq!((failovers(&mesh, "one"), failovers(&mesh, "two")), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_is_gone_to_who_is_unfit_too_or_has_no_weight() {
    let idle = good("idle", Version::HTTP_11).await;
    let mesh = Targets::new(&[
        ("none", Protocol::Http, &[], 50),
        ("neither", Protocol::Http, &[], 50),
        ("idle", Protocol::Http, &[idle.address], 0),
    ])
    .start()
    .await;
    for _ in 0..6 {
        let answer = got(&mesh).await;
        assert_eq!((answer.status, answer.text()), (503, "no healthy upstream"));
    }
    assert_eq!(idle.requests(), 0);
    assert_eq!(failovers(&mesh, "none") + failovers(&mesh, "neither"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_goes_to_the_other_target_in_its_own_version_with_its_body() {
    for (first, of_first) in VERSIONS {
        for (second, of_second) in VERSIONS {
            for by in [Version::HTTP_11, Version::HTTP_2] {
                let (server, other) = (bad(first).await, good("got ", second).await);
                let mut targets = Targets::new(&[
                    ("bad", of_first, &[server.address], 100),
                    ("good", of_second, &[other.address], 1),
                ])
                .retries(&policy(1));
                let line = "%UPSTREAM_CLUSTER% %RESPONSE_FLAGS%";
                let log = targets.plan.logged(line);
                let mesh = targets.start().await;
                // One of a hundred begins at the other.
                for _ in 0..3 {
                    let answer = asked(&mesh, by, Some("a body")).await;
                    let way = format!("{by:?}: {first:?} to {second:?}");
                    assert_eq!((answer.status, answer.text()), (200, "got a body"), "{way}");
                }
                assert_eq!(other.requests(), 3);
                assert_eq!(log.lines(3).await, ["good -"; 3]);
                let failed = server.requests() as u64;
                assert!((1..=3).contains(&failed), "{failed}");
                assert_eq!(failovers(&mesh, "bad"), failed);
                assert_eq!(mesh.stat("cluster.bad.upstream_rq_retry"), failed);
                assert_eq!(mesh.stat("cluster.good.upstream_rq_retry_success"), failed);
                assert_eq!(mesh.stat("cluster.bad.upstream_rq_503"), failed);
                for cluster in ["bad", "good"] {
                    let active = format!("cluster.{cluster}.upstream_rq_active");
                    assert_eq!(mesh.stat(&active), 0);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_policy_limits_all_targets_together_and_each_has_its_turn() {
    for (retries, turns) in [(0, [0, 1]), (2, [1, 1]), (5, [2, 2]), (4, [1, 2])] {
        let servers = [
            bad(Version::HTTP_11).await,
            bad(Version::HTTP_11).await,
            bad(Version::HTTP_11).await,
        ];
        let mut targets = Targets::http1([
            ("one", servers[0].address, 10),
            ("two", servers[1].address, 10),
            ("three", servers[2].address, 10),
        ])
        .retries(&policy(retries));
        let log = targets.plan.logged("%RESPONSE_CODE% %RESPONSE_FLAGS%");
        let mesh = targets.start().await;
        assert_eq!(got(&mesh).await.status, 503);
        assert_eq!(log.lines(1).await, ["503 URX"]);
        let requests = servers.each_ref().map(Server::requests);
        let all: usize = requests.iter().sum();
        assert_eq!(all, usize::try_from(retries).unwrap() + 1);
        let [least, most] = turns;
        assert!(
            requests.iter().all(|count| (least..=most).contains(count)),
            "{retries}: {requests:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_policy_what_came_is_the_clients() {
    let (server, other) = (
        bad(Version::HTTP_11).await,
        good("good", Version::HTTP_11).await,
    );
    let mesh = Targets::http1([("bad", server.address, 50), ("good", other.address, 50)])
        .start()
        .await;
    let mut failed = 0;
    for _ in 0..10 {
        failed += usize::from(got(&mesh).await.status == 503);
    }
    assert!((2..=8).contains(&failed), "{failed}");
    assert_eq!((server.requests(), other.requests()), (failed, 10 - failed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_stays_where_no_other_target_is_fit() {
    let server = bad(Version::HTTP_11).await;
    let mesh = Targets::new(&[
        ("bad", Protocol::Http, &[server.address], 50),
        ("none", Protocol::Http, &[], 50),
    ])
    .retries(&policy(2))
    .start()
    .await;
    assert_eq!(got(&mesh).await.status, 503);
    assert_eq!(server.requests(), 3);
    assert_eq!(failovers(&mesh, "bad"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_connected_to_or_takes_too_long_is_left_for_the_other() {
    let silent = Server::silent(Version::HTTP_11).await;
    for dead in [nowhere(), silent.address] {
        let server = good("good", Version::HTTP_11).await;
        let mesh = Targets::http1([("dead", dead, 50), ("good", server.address, 50)])
            .retries(&RetryPolicy {
                per_try_timeout: Some(Duration::from_secs(1)),
                ..policy(1)
            })
            .start()
            .await;
        for _ in 0..6 {
            assert_eq!(got(&mesh).await.text(), "good");
        }
        let of_dead = failovers(&mesh, "dead");
        assert!((1..=5).contains(&of_dead), "{of_dead}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_is_ejected_is_not_asked_and_has_its_share_again_afterwards() {
    let fails = Arc::new(AtomicBool::new(true));
    let server = moody("moody", Version::HTTP_11, &fails).await;
    let other = good("good", Version::HTTP_11).await;
    let mut targets = Targets::http1([("moody", server.address, 50), ("good", other.address, 50)])
        .retries(&policy(1));
    let moment = Duration::from_millis(500);
    targets.plan.change(targets.ids[0], |cluster| {
        cluster.outlier_detection = Some(OutlierDetection {
            consecutive_5xx: 1,
            interval: moment,
            base_ejection_time: moment,
            max_ejection_percent: 100,
        });
    });
    let mesh = targets.start().await;
    for _ in 0..20 {
        assert_eq!(got(&mesh).await.text(), "good");
    }
    // It may have been let in again in the meantime.
    assert!(server.requests() <= 5, "{}", server.requests());
    assert!(failovers(&mesh, "moody") >= 5);
    fails.store(false, Ordering::SeqCst);
    let mut last = [String::new(), String::new()];
    within("its share", async {
        while last != ["good", "moody"] {
            last = [got(&mesh).await, got(&mesh).await].map(|answer| answer.text().to_owned());
            last.sort();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_counts_where_it_goes() {
    let (server, other) = (
        bad(Version::HTTP_11).await,
        good("good", Version::HTTP_11).await,
    );
    for (limited, status) in [(0, 200), (1, 503)] {
        let mut targets =
            Targets::http1([("bad", server.address, 100), ("good", other.address, 1)])
                .retries(&policy(1));
        targets.plan.change(targets.ids[limited], |cluster| {
            cluster.circuit_breakers = CircuitBreakers {
                max_retries: 0,
                ..CircuitBreakers::default()
            };
        });
        let mesh = targets.start().await;
        let statuses = [got(&mesh).await.status, got(&mesh).await.status];
        assert!(
            statuses.contains(&status.try_into().unwrap()),
            "{statuses:?}"
        );
        let overflows = mesh.stat("cluster.bad.upstream_rq_retry_overflow");
        assert_eq!(overflows > 0, limited == 1);
    }
}
