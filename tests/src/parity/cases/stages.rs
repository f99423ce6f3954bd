//! Health checks again and again: endpoints that join a service when it is called, what their probes are
//! answered, and who is called after which of them. All take the time of the longest.

use super::request::plain;
use crate::parity::case::{
    AT, Bullet, Case, Client, Endpoints, LEAST_PAUSE, Mesh, Own, Protocol, Reply, STAGE, Stage,
    Target, Thresholds, answer, owned, serving,
};

/// What withdraws an endpoint.
const WITHDRAWS: (&str, &str) = ("x-envoy-immediate-health-check-fail", "true");

/// What a probe is answered.
#[derive(Clone, Copy)]
enum Probe {
    Passes,
    /// By an answer.
    Fails,
    /// With the wish to be left alone.
    Withdraws,
    /// The connection is closed.
    Breaks,
    /// There is no answer in time.
    Hangs,
}

use Probe::{Breaks, Fails, Hangs, Passes, Withdraws};

pub(super) fn cases() -> Vec<Case> {
    let two = Thresholds::default();
    let three = Thresholds {
        healthy: 3,
        unhealthy: 3,
    };
    let mut cases = Vec::new();
    for protocol in [Protocol::Http, Protocol::Http2, Protocol::Grpc] {
        let mut add = |name: &str, thresholds, probes: &[Probe]| {
            cases.push(case(name, (2, protocol), thresholds, probes));
        };
        add("out after 2", two, &[Passes, Breaks, Breaks, Passes]);
        add("out after 3", three, &[Passes, Breaks, Breaks, Breaks]);
        add("out at once", two, &[Passes, Fails, Passes, Passes]);
        add("back after 2", two, &[Fails, Passes, Passes, Passes]);
        add("back after 3", three, &[Breaks, Passes, Passes, Passes]);
        add("never in a row", two, &[Passes, Breaks, Passes, Breaks]);
        add("no answer in time", two, &[Passes, Hangs, Hangs]);
        let passes = [Passes; 4];
        let case = case("back after it withdrew", (2, protocol), two, &passes);
        cases.push(withdrawing(case));
    }
    let three_of = (3, Protocol::Http);
    let fail = [Passes, Fails, Passes, Passes];
    cases.push(case("most fail", three_of, two, &fail));
    let withdraw = [Passes, Withdraws, Passes, Passes];
    cases.push(case("most withdraw", three_of, two, &withdraw));
    let passes = [Passes, Passes, Passes];
    cases.push(withdrawing(case("most withdrew", three_of, two, &passes)));
    cases
}

/// A service of so many endpoints, of which all but the first join.
fn case(
    name: &str,
    (count, protocol): (usize, Protocol),
    thresholds: Thresholds,
    probes: &[Probe],
) -> Case {
    let path = (protocol != Protocol::Grpc).then_some("/ping");
    let own = Own {
        endpoints: Some(Endpoints {
            check: Some((protocol, path)),
            late: Some(thresholds),
            ..Endpoints::new(count)
        }),
        ..Own::new(protocol)
    };
    let client = Client::Stages(plain("GET", "/x", &[]), probes.len());
    let name = format!("probes of {} of {count}: {name}", protocol.word());
    let mut case = Case::new(Bullet::Health, name, Target::Own(own), client).mesh(Mesh::Late);
    let stages = probes.iter().map(|probe| Stage {
        probe: replies(*probe, protocol),
        request: None,
    });
    case.stages = stages.collect();
    case.replies(called(&[]))
}

/// Those that join ask to be left alone when they are called first.
fn withdrawing(mut case: Case) -> Case {
    if let Some(first) = case.stages.first_mut() {
        first.request = Some(called(&[WITHDRAWS]));
    }
    case
}

/// An answer that says who is called at which stage.
fn called(fields: &[(&str, &str)]) -> Vec<Reply> {
    let own = [("x-at", AT), ("x-stage", STAGE), ("x-pause", LEAST_PAUSE)];
    answer(200, &[&own, fields].concat(), b"hello")
}

fn replies(probe: Probe, protocol: Protocol) -> Vec<Reply> {
    let is_grpc = protocol == Protocol::Grpc;
    match probe {
        Passes if is_grpc => serving(b"\x08\x01"),
        Passes => answer(200, &[], b"hello"),
        Fails if is_grpc => serving(b"\x08\x02"),
        Fails => answer(503, &[], b"hello"),
        Withdraws => vec![
            Reply::Request,
            Reply::Head(503, owned(&[WITHDRAWS])),
            Reply::End,
        ],
        Breaks => vec![Reply::Request, Reply::Finish],
        Hangs => vec![Reply::Request, Reply::Pause(10_000)],
    }
}
