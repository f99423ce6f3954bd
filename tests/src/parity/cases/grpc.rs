//! gRPC: calls, streams, statuses, deadlines, and failures in gRPC's own form.

use super::request::{GRPC, MESSAGE, TE, either, head, own, post2, shared};
use crate::parity::{
    case::{Bullet, Case, Client, End, Frame, Mesh, Own, Presence, Protocol, Reply, Target, owned},
    meshes::routes::services,
};

/// Marks a request in the access log of the mesh of routes.
const MARK: (&str, &str) = ("user-agent", "case/{case}");

pub(super) fn cases() -> Vec<Case> {
    let mut cases = statuses();
    cases.extend(types());
    cases.extend(streams());
    cases.extend(deadlines());
    cases.extend(failures());
    cases.extend(routes());
    cases
}

fn reply(status: &str, more: &[(&str, &str)]) -> Vec<Reply> {
    let trailers = [("grpc-status", status)]
        .into_iter()
        .chain(more.iter().copied());
    let trailers: Vec<_> = trailers.collect();
    vec![
        Reply::Request,
        Reply::Head(200, owned(&[GRPC])),
        Reply::Data(MESSAGE.to_vec()),
        Reply::Trailers(owned(&trailers)),
    ]
}

fn call(fields: &[(&str, &str)]) -> Client {
    let fields: Vec<_> = [GRPC, TE]
        .into_iter()
        .chain(fields.iter().copied())
        .collect();
    post2("/shop.Prices/Quote", &fields, MESSAGE)
}

fn statuses() -> Vec<Case> {
    let mut cases = Vec::new();
    let numbers = (0..=17).map(|number: u32| number.to_string());
    for status in numbers.chain(["99", "-1", "x", ""].map(str::to_owned)) {
        for protocol in [Protocol::Grpc, Protocol::Http2] {
            let name = format!("status {status} of {}", protocol.word());
            let case = Case::new(Bullet::Grpc, name, shared(protocol), call(&[]));
            cases.push(case.replies(reply(
                &status,
                &[("grpc-message", "some%20words"), ("x-more", "1")],
            )));
        }
        let name = format!("status {status} at once");
        let case = Case::new(Bullet::Grpc, name, shared(Protocol::Grpc), call(&[]));
        let only = Reply::Head(200, owned(&[GRPC, ("grpc-status", &status)]));
        cases.push(case.replies(vec![Reply::Request, only, Reply::End]));
    }
    for status in [200, 400, 401, 403, 404, 429, 500, 502, 503, 504] {
        let case = Case::new(
            Bullet::Grpc,
            format!("HTTP status {status}"),
            shared(Protocol::Grpc),
            call(&[]),
        );
        let replies = vec![
            Reply::Request,
            Reply::Head(status, owned(&[("content-type", "text/plain")])),
            Reply::Data(b"no".to_vec()),
            Reply::End,
        ];
        cases.push(case.replies(replies));
    }
    cases
}

fn types() -> Vec<Case> {
    let mut cases = Vec::new();
    for content in [
        "application/grpc",
        "application/grpc+proto",
        "application/grpc+json",
        "application/grpc; a=b",
        "application/grpc-web",
        "application/grpc-web+proto",
        "application/grpcx",
        "Application/GRPC",
        "application/json",
        "text/plain",
        "",
    ] {
        // A path that no service has: the proxy's own answer shows what it takes for gRPC.
        for host in ["nobody.apps.local", "grpc.apps.local"] {
            let target = Target::Service(Protocol::Grpc.service_port(), host.to_owned());
            for (version, client) in either(
                "POST",
                "/shop.Prices/Quote",
                &[("content-type", content), ("content-length", "0")],
            ) {
                let name = format!("type {content} towards {host}, {version}");
                cases.push(Case::new(Bullet::Grpc, name, target.clone(), client));
            }
        }
    }
    cases
}

fn streams() -> Vec<Case> {
    let open = |path: &str| Frame::Head(1, head("POST", path, &[GRPC, TE]), End::More);
    let message = |end| Frame::Data(1, MESSAGE.to_vec(), end);
    let trailers = Reply::Trailers(owned(&[("grpc-status", "0")]));
    let data = || Reply::Data(MESSAGE.to_vec());
    let begin = || Reply::Head(200, owned(&[GRPC]));
    let ways: Vec<(&str, Vec<Frame>, Vec<Reply>)> = vec![
        (
            "client streams",
            vec![
                open("/s/Up"),
                message(End::More),
                Frame::Pause(30),
                message(End::More),
                message(End::Stream),
            ],
            vec![Reply::Request, begin(), data(), trailers.clone()],
        ),
        (
            "service streams",
            vec![open("/s/Down"), message(End::Stream)],
            vec![
                Reply::Request,
                begin(),
                data(),
                Reply::Pause(30),
                data(),
                Reply::Pause(30),
                data(),
                trailers.clone(),
            ],
        ),
        (
            "both stream",
            vec![
                open("/s/Both"),
                Frame::AwaitHead(1),
                message(End::More),
                Frame::Pause(30),
                message(End::Stream),
            ],
            vec![
                begin(),
                data(),
                Reply::Pause(60),
                data(),
                Reply::Request,
                trailers.clone(),
            ],
        ),
        (
            "service speaks first",
            vec![open("/s/First"), Frame::AwaitHead(1), message(End::Stream)],
            vec![begin(), data(), Reply::Request, trailers.clone()],
        ),
        (
            "service ends early",
            vec![open("/s/Early"), message(End::More), Frame::AwaitEnd(1)],
            vec![begin(), data(), trailers.clone()],
        ),
        (
            "client gives up",
            vec![
                open("/s/Cancel"),
                message(End::More),
                Frame::AwaitHead(1),
                Frame::Cancel(1, 8),
                Frame::Pause(60),
            ],
            vec![begin(), Reply::Pause(300)],
        ),
        (
            "empty",
            vec![open("/s/Empty"), Frame::Data(1, Vec::new(), End::Stream)],
            vec![Reply::Request, begin(), trailers.clone()],
        ),
        (
            "trailers of the client",
            vec![
                open("/s/Odd"),
                message(End::More),
                Frame::Head(1, owned(&[("x-t", "1")]), End::Stream),
            ],
            vec![Reply::Request, begin(), trailers],
        ),
    ];
    let mut cases = Vec::new();
    for (name, frames, replies) in ways {
        for protocol in [Protocol::Grpc, Protocol::Http2] {
            let name = format!("stream: {name}, {}", protocol.word());
            let case = Case::new(
                Bullet::Grpc,
                name,
                shared(protocol),
                Client::Http2(frames.clone()),
            );
            cases.push(case.replies(replies.clone()));
        }
    }
    cases
}

/// `grpc-timeout` in every unit, well-formed and not; the route's own timeout counts.
fn deadlines() -> Vec<Case> {
    let mut cases = Vec::new();
    for timeout in [
        "1H",
        "10M",
        "5S",
        "500m",
        "100000u",
        "99999999n",
        "0S",
        "1",
        "S",
        "-1S",
        "1x",
        "123456789S",
        "",
    ] {
        let client = call(&[("grpc-timeout", timeout)]);
        let case = Case::new(
            Bullet::Grpc,
            format!("timeout {timeout}"),
            shared(Protocol::Grpc),
            client,
        );
        cases.push(case.replies(reply("0", &[])));
    }
    let slow = |when: &str| {
        let waits = vec![Reply::Request, Reply::Pause(3000)];
        let begun = vec![
            Reply::Request,
            Reply::Head(200, owned(&[GRPC])),
            Reply::Data(MESSAGE.to_vec()),
            Reply::Pause(3000),
        ];
        if when == "before" { waits } else { begun }
    };
    for when in ["before", "within"] {
        for (what, per_request, idle) in [("request", Some(1000), None), ("idle", None, Some(1000))]
        {
            let own = Own {
                per_request,
                idle,
                ..Own::new(Protocol::Grpc)
            };
            let name = format!("{what} timeout {when} the answer");
            let case = Case::new(Bullet::Grpc, name, Target::Own(own), call(&[]));
            cases.push(case.replies(slow(when)));
        }
    }
    cases
}

fn failures() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, presence) in [
        ("refused", Presence::Refuses),
        ("without address", Presence::Unknown),
    ] {
        let own = Own {
            presence,
            ..Own::new(Protocol::Grpc)
        };
        cases.push(Case::new(Bullet::Grpc, name, Target::Own(own), call(&[])));
    }
    let begun = |more: Reply| {
        vec![
            Reply::Request,
            Reply::Head(200, owned(&[GRPC])),
            Reply::Data(MESSAGE.to_vec()),
            Reply::Pause(60),
            more,
        ]
    };
    let ways = [
        ("closed before", vec![Reply::Request, Reply::Finish]),
        ("closed within", begun(Reply::Finish)),
        ("reset before", vec![Reply::Request, Reply::Reset]),
        ("stream refused", vec![Reply::Request, Reply::Cancel(7)]),
        (
            "stream reset before",
            vec![Reply::Request, Reply::Cancel(2)],
        ),
        ("stream reset within", begun(Reply::Cancel(2))),
        (
            "no trailers",
            vec![
                Reply::Request,
                Reply::Head(200, owned(&[GRPC])),
                Reply::Data(MESSAGE.to_vec()),
                Reply::End,
            ],
        ),
    ];
    for (name, replies) in ways {
        let case = Case::new(
            Bullet::Grpc,
            format!("failure: {name}"),
            own(Protocol::Grpc),
            call(&[]),
        );
        cases.push(case.replies(replies).watch(1000));
    }
    cases
}

fn routes() -> Vec<Case> {
    let paths = [
        "/shop.Prices/Exact",
        "/shop.Prices/Prefix",
        "/shop.Prices/Suffix",
        "/shop.Prices/Regex",
        "/shop.Prices/Range",
        "/shop.Prices/Inverted",
        "/shop.Prices/Quote",
        "/shop.Prices/Quoted",
        "/shop.Prices/quote",
        "/shop.Prices/",
        "/shop.Prices",
        "/shop.PricesX/Quote",
        "/shop.Stock/Any",
        "/shop.Stock/Any/More",
        "/shop.stock/Any",
        "/",
        "/other.Service/Call",
    ];
    let tenants = [
        None,
        Some("gold"),
        Some("Gold"),
        Some("gold-1"),
        Some("x-eu"),
        Some("g7"),
        Some("g"),
        Some("1"),
        Some("5"),
        Some(""),
    ];
    let port = Protocol::Grpc.service_port();
    let known = services()
        .into_iter()
        .any(|service| service.name == "calls");
    let mut cases = Vec::new();
    for path in paths.iter().filter(|_| known) {
        for (number, tenant) in tenants.iter().enumerate() {
            let is_matched = path.starts_with("/shop.Prices/") && number < tenants.len();
            if !is_matched && number > 1 {
                continue;
            }
            let fields = [GRPC, TE, MARK]
                .into_iter()
                .chain(tenant.map(|tenant| ("tenant", tenant)));
            let fields: Vec<_> = fields.collect();
            let target = Target::Service(port, "calls.apps.local".to_owned());
            let name = format!(
                "route {path} {}",
                tenant.map_or_else(
                    || "without tenant".to_owned(),
                    |tenant| format!("tenant {tenant}")
                )
            );
            let case = Case::new(Bullet::Grpc, name, target, post2(path, &fields, MESSAGE));
            cases.push(case.replies(reply("0", &[])).mesh(Mesh::Routes));
        }
    }
    cases
}
