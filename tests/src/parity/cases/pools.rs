//! Connection pools: what waits and what is refused where as much is under way to the application as may be.
//! Each case has a listener of its own. A request is held by its own end, which the client sends when all
//! else has been seen; a connection of HTTP/2 from the client has all of a case on one worker.

use super::{
    ARRIVED,
    request::{head, plain},
};
use crate::parity::{
    case::{
        Bullet, Case, Client, End, Frame, Mesh, Pool, Protocol, Reply, Step, Target, answer, owned,
    },
    http1::Kind,
};

type Limits = &'static [(&'static str, u32)];

/// As many connections as the first number, and requests that wait as the second.
const HTTP: [(usize, usize, Limits); 4] = [
    (1, 1, &[("maxConnections", 1), ("maxPendingRequests", 1)]),
    (1, 2, &[("maxConnections", 1), ("maxPendingRequests", 2)]),
    (2, 1, &[("maxConnections", 2), ("maxPendingRequests", 1)]),
    (3, 2, &[("maxConnections", 3), ("maxPendingRequests", 2)]),
];
/// As many requests.
const HTTP2: [(usize, Limits); 3] = [
    (1, &[("maxRequests", 1)]),
    (2, &[("maxRequests", 2)]),
    (3, &[("maxRequests", 3)]),
];
/// As many connections of bytes.
const TCP: [(usize, Limits); 3] = [
    (1, &[("maxConnections", 1)]),
    (2, &[("maxConnections", 2)]),
    (3, &[("maxConnections", 3)]),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = refused_by_http();
    cases.extend(waiting_for_http());
    for protocol in [Protocol::Http2, Protocol::Grpc] {
        cases.extend(refused_by_http2(protocol));
        cases.extend(room_in_http2(protocol));
    }
    cases.extend(bytes());
    cases
}

fn case(name: &str, protocol: Protocol, limits: Limits, client: Client) -> Case {
    let target = Target::Pooled(Pool { protocol, limits });
    let name = format!("{}: {name}", protocol.word());
    Case::new(Bullet::Pools, name, target, client).mesh(Mesh::Pools)
}

/// The stream of the request with this number, from 0.
fn stream(number: usize) -> u32 {
    2 * u32::try_from(number).expect("there are a few") + 1
}

/// A request that is under way until it is [released](release).
pub(super) fn hold(number: usize) -> [Frame; 2] {
    let fields = head("POST", &format!("/{number}"), &[]);
    let begin = Frame::Head(stream(number), fields, End::More);
    [begin, Frame::Pause(ARRIVED)]
}

fn ask(number: usize, method: &str, fields: &[(&str, &str)]) -> [Frame; 2] {
    let fields = head(method, &format!("/{number}"), fields);
    let whole = Frame::Head(stream(number), fields, End::Stream);
    [whole, Frame::Pause(ARRIVED)]
}

pub(super) fn get(number: usize) -> [Frame; 2] {
    ask(number, "GET", &[])
}

pub(super) fn ended(number: usize) -> [Frame; 1] {
    [Frame::AwaitEnd(stream(number))]
}

pub(super) fn release(number: usize) -> [Frame; 2] {
    let end = Frame::Data(stream(number), Vec::new(), End::Stream);
    [end, Frame::AwaitEnd(stream(number))]
}

/// Gives up a request.
fn cancel(number: usize) -> [Frame; 2] {
    const CANCEL: u32 = 8;
    [Frame::Cancel(stream(number), CANCEL), Frame::Pause(ARRIVED)]
}

pub(super) fn client(frames: impl IntoIterator<Item = Vec<Frame>>) -> Client {
    Client::Http2(frames.into_iter().flatten().collect())
}

/// So many that are held and so many that wait, one that is refused, and all that is released then.
fn one_too_many(held: usize, waiting: usize, last: [Frame; 2]) -> Client {
    let refused = held + waiting;
    let holds = (0..held).map(|number| hold(number).into());
    let waits = (held..refused).map(|number| get(number).into());
    let ends = [last.into(), ended(refused).into()];
    let releases = (0..held).map(|number| release(number).into());
    client(holds.chain(waits).chain(ends).chain(releases))
}

fn refused_by_http() -> Vec<Case> {
    let mut cases = Vec::new();
    for (connections, waiting, limits) in HTTP {
        for method in ["GET", "HEAD", "DELETE"] {
            let name = format!("{method} behind {connections} held and {waiting} waiting");
            let last = ask(connections + waiting, method, &[]);
            let client = one_too_many(connections, waiting, last);
            cases.push(case(&name, Protocol::Http, limits, client));
        }
    }
    cases
}

fn waiting_for_http() -> Vec<Case> {
    let (_, _, narrow) = HTTP[0];
    let (_, _, wider) = HTTP[1];
    let http = |name: &str, limits, frames: Vec<Vec<Frame>>| {
        case(name, Protocol::Http, limits, client(frames))
    };
    let refused_then_released = vec![
        hold(0).into(),
        get(1).into(),
        get(2).into(),
        ended(2).into(),
        release(0).into(),
        ended(1).into(),
    ];
    let mut room_again = refused_then_released.clone();
    room_again.push(get(3).into());
    let mut crowd = vec![hold(0).into()];
    crowd.extend((1..6).map(|number| get(number).into()));
    crowd.push(release(0).into());
    let gives_up = vec![
        hold(0).into(),
        get(1).into(),
        cancel(1).into(),
        get(2).into(),
        get(3).into(),
        ended(3).into(),
        release(0).into(),
    ];
    let loses = vec![hold(0).into(), get(1).into(), cancel(0).into()];
    let closes = answer(200, &[("connection", "close")], b"");
    let begun = vec![
        Reply::Head(200, owned(&[("content-length", "4")])),
        Reply::Data(b"ab".to_vec()),
        Reply::Request,
        Reply::Data(b"cd".to_vec()),
        Reply::End,
    ];
    let breaks = vec![Reply::Pause(3 * ARRIVED), Reply::Reset];
    let in_turn = |steps: Vec<Step>| Client::Http1(steps, vec![Kind::Answer; 3]);
    let sends = |path: &str| Step::Send(plain("GET", path, &[]));
    let one_by_one = vec![
        sends("/1"),
        Step::Await("hello"),
        sends("/2"),
        Step::Pause(ARRIVED),
        sends("/3"),
    ];
    let at_once = ["/1", "/2", "/3"].map(sends).into();
    let only_connections: Limits = &[("maxConnections", 1)];
    let (protocol, waits) = (Protocol::Http, vec![hold(0).into(), get(1).into()]);
    let released = [waits.clone(), vec![get(2).into(), release(0).into()]].concat();
    vec![
        http("room again", narrow, room_again),
        http("a crowd waits", only_connections, crowd),
        http("one that waits gives up", narrow, gives_up),
        http("one that is held gives up", narrow, loses),
        http("connections close", wider, released).replies(closes),
        http("an answer has begun", narrow, refused_then_released).replies(begun),
        http("a connection breaks", narrow, waits)
            .replies(breaks)
            .again(answer(200, &[], b"")),
        case("in turn", protocol, narrow, in_turn(one_by_one)),
        case("pipelined", protocol, narrow, in_turn(at_once)),
    ]
}

fn refused_by_http2(protocol: Protocol) -> Vec<Case> {
    let mut cases = Vec::new();
    for (held, limits) in HTTP2 {
        for method in ["GET", "HEAD", "DELETE"] {
            let name = format!("{method} behind {held} held");
            let client = one_too_many(held, 0, ask(held, method, &[]));
            cases.push(case(&name, protocol, limits, client));
        }
        let grpc = [("content-type", "application/grpc"), ("te", "trailers")];
        let name = format!("gRPC behind {held} held");
        let client = one_too_many(held, 0, ask(held, "POST", &grpc));
        cases.push(case(&name, protocol, limits, client));
    }
    cases
}

fn room_in_http2(protocol: Protocol) -> Vec<Case> {
    let (_, narrow) = HTTP2[0];
    let refused = |then: Vec<Vec<Frame>>| {
        let first = vec![hold(0).into(), get(1).into(), ended(1).into()];
        client([first, then].concat())
    };
    let many = (1..10).map(|number| get(number)[..1].to_vec());
    let many = [hold(0).into()].into_iter().chain(many);
    let all = many.chain((1..10).map(|number| ended(number).into()));
    let resets = vec![Reply::Pause(4 * ARRIVED), Reply::Cancel(2)];
    let named = |name: &str, client| case(name, protocol, narrow, client);
    vec![
        named(
            "room again",
            refused(vec![release(0).into(), get(2).into(), ended(2).into()]),
        ),
        named(
            "one that is held gives up",
            refused(vec![cancel(0).into(), get(2).into()]),
        ),
        named(
            "one that is held is reset",
            refused(vec![ended(0).into(), get(2).into()]),
        )
        .replies(resets)
        .again(answer(200, &[], b"")),
        named("many at once", client(all.chain([release(0).into()]))),
    ]
}

fn bytes() -> Vec<Case> {
    let says = |what: &'static str| vec![Step::Send(what.into()), Step::Await(what)];
    let leaves = || {
        let mut steps = says("left");
        steps.extend([Step::Finish, Step::Pause(ARRIVED)]);
        steps
    };
    let echo = |name: String, limits, connections| {
        let client = Client::Several(connections);
        let case = case(&name, Protocol::Tcp, limits, client);
        case.replies(vec![Reply::Echo]).at_once().refused()
    };
    let mut cases = Vec::new();
    for (most, limits) in TCP {
        let full = vec![says("held"); most];
        for (who, last) in [
            ("silent", Vec::new()),
            ("speaking", vec![Step::Send(b"hello".to_vec())]),
        ] {
            let name = format!("one too many of {most}, {who}");
            let last = [last, vec![Step::Pause(ARRIVED)]].concat();
            let connections = [full.clone(), vec![last]].concat();
            cases.push(echo(name, limits, connections));
        }
        let name = format!("all of {most}");
        cases.push(echo(name, limits, full.clone()));
        let name = format!("room again of {most}");
        let room = [full[1..].to_vec(), vec![leaves(), says("came")]].concat();
        cases.push(echo(name, limits, room));
    }
    cases
}
