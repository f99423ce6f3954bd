//! Connections of HTTP/1: `connection: close` with the next answer.

use super::{TO_THE_END, both, egress, waiting};
use crate::parity::{
    case::{Case, Client, Protocol, Reply, Step, answer, owned, plain_answer},
    cases::{
        request::{plain, with_body},
        websocket::{accepted, asked, echoing, opened},
    },
    http1::Kind,
};

pub(super) fn cases() -> Vec<Case> {
    let mut ways = to_come();
    ways.extend(under_way());
    ways.extend(requests());
    ways.extend(upgrades());
    let mut cases = Vec::new();
    for (name, steps, kinds, replies) in ways {
        let client = Client::Http1(steps, kinds);
        cases.extend(both(name, Protocol::Http, client, replies));
    }
    cases.extend(staying());
    let new = Client::Http1(vec![get()], vec![Kind::Answer]);
    cases.extend(both("new", Protocol::Http, new, plain_answer()).map(Case::late));
    cases
}

fn get() -> Step {
    Step::Send(plain("GET", "/", &[]))
}

fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

/// A request whose body, or part of it, is `body`.
fn post(fields: &[(&str, &str)], body: &str) -> Step {
    Step::Send(with_body("POST", "/", fields, body))
}

fn data(text: &str) -> Reply {
    Reply::Data(text.as_bytes().to_vec())
}

type Way = (&'static str, Vec<Step>, Vec<Kind>, Vec<Reply>);

/// A whole request whose answer is to come.
fn to_come() -> Vec<Way> {
    let hello = || answer(200, &[], b"hello");
    let chunked = vec![
        Reply::Head(200, owned(&[("transfer-encoding", "chunked")])),
        data("hello"),
        data("there"),
        Reply::End,
    ];
    let trailers = vec![
        Reply::Head(200, owned(&[])),
        data("hello"),
        Reply::Trailers(owned(&[("x-t", "1")])),
    ];
    let interim = vec![
        Reply::Request,
        Reply::Head(103, owned(&[("link", "</a>")])),
        Reply::Drain,
        Reply::Head(200, owned(&[("content-length", "5")])),
        data("hello"),
    ];
    let asked = |step| vec![step, Step::Drain];
    let one = || vec![Kind::Answer];
    let head = Step::Send(plain("HEAD", "/", &[]));
    let last = Step::Send(plain("GET", "/", &[("connection", "close")]));
    vec![
        ("answer", asked(get()), one(), waiting(hello())),
        ("chunked answer", asked(get()), one(), waiting(chunked)),
        (
            "answer with trailers",
            asked(get()),
            one(),
            waiting(trailers),
        ),
        (
            "answer to HEAD",
            asked(head),
            vec![Kind::AnswerToHead],
            waiting(hello()),
        ),
        (
            "answer without body",
            asked(get()),
            one(),
            waiting(answer(204, &[], b"")),
        ),
        ("answer behind 103", asked(get()), one(), interim),
        ("last answer", asked(last), one(), waiting(hello())),
        (
            "service resets",
            asked(get()),
            one(),
            waiting(vec![Reply::Reset]),
        ),
    ]
}

/// An answer whose head is through.
fn under_way() -> Vec<Way> {
    let by_length = || Reply::Head(200, owned(&[("content-length", "10")]));
    let chunked = Reply::Head(200, owned(&[("transfer-encoding", "chunked")]));
    let leaves = || {
        vec![
            get(),
            Step::Await("hello"),
            Step::Drain,
            Step::Await("there"),
            Step::Finish,
        ]
    };
    let rest = Step::Send([b"b".to_vec(), plain("GET", "/2", &[])].concat());
    vec![
        (
            "body by length",
            leaves(),
            vec![Kind::Answer],
            vec![
                Reply::Request,
                by_length(),
                data("hello"),
                Reply::Drain,
                data("there"),
            ],
        ),
        (
            "chunked body",
            leaves(),
            vec![Kind::Answer],
            vec![
                Reply::Request,
                chunked,
                data("hello"),
                Reply::Drain,
                data("there"),
                Reply::End,
            ],
        ),
        (
            "body and a request behind",
            vec![
                post(&[("content-length", "2")], "a"),
                Step::Await("hello"),
                Step::Drain,
                rest,
            ],
            vec![Kind::Answer; 2],
            vec![
                by_length(),
                data("hello"),
                Reply::Drain,
                Reply::Request,
                data("there"),
            ],
        ),
    ]
}

/// Requests that are not through, or not begun.
fn requests() -> Vec<Way> {
    let behind = || [vec![Reply::Drain], answer(200, &[], b"hello")].concat();
    let whole = plain("GET", "/", &[]);
    let (begun, rest) = whole.split_at("GET / HT".len());
    let one = || vec![Kind::Answer];
    vec![
        (
            "half a head",
            vec![
                Step::Send(begun.to_vec()),
                Step::Drain,
                Step::Send(rest.to_vec()),
            ],
            one(),
            plain_answer(),
        ),
        (
            "half a body by length",
            vec![
                post(&[("content-length", "10")], "hello"),
                Step::Drain,
                send("there"),
            ],
            one(),
            behind(),
        ),
        (
            "half a chunked body",
            vec![
                post(&[("transfer-encoding", "chunked")], "5\r\nhello\r\n"),
                Step::Drain,
                send("5\r\nthere\r\n0\r\n\r\n"),
            ],
            one(),
            behind(),
        ),
        (
            "body after 100",
            vec![
                post(&[("expect", "100-continue"), ("content-length", "5")], ""),
                Step::Await("100"),
                Step::Drain,
                send("hello"),
            ],
            one(),
            behind(),
        ),
        (
            "first request",
            vec![Step::Drain, get()],
            one(),
            plain_answer(),
        ),
        (
            "next request",
            vec![get(), Step::Await("hello\n"), Step::Drain, get()],
            vec![Kind::Answer; 2],
            plain_answer(),
        ),
    ]
}

fn upgrades() -> Vec<Way> {
    let ask = || Step::Send(asked());
    let on = vec![Step::Drain, send("more"), Step::Await("more"), Step::Finish];
    let one = || vec![Kind::Answer];
    vec![
        ("websocket", [opened(), on].concat(), one(), echoing()),
        (
            "websocket to come",
            vec![
                ask(),
                Step::Drain,
                Step::Await("101"),
                send("ping"),
                Step::Await("ping"),
                Step::Finish,
            ],
            one(),
            waiting(vec![accepted(), Reply::Echo]),
        ),
        (
            "websocket refused",
            vec![ask(), Step::Drain],
            one(),
            waiting(answer(400, &[], b"no")),
        ),
    ]
}

/// Clients that stay, or come only then. What is asked of no service has no part in another difference.
fn staying() -> Vec<Case> {
    let case = |name: &str, steps, kinds, replies| {
        egress(name, Protocol::Http, Client::Http1(steps, kinds), replies)
    };
    let unknown = "GET / HTTP/1.1\r\nhost: other\r\nx-case: {case}\r\n\r\n";
    let two = [plain("GET", "/", &[]), unknown.into()].concat();
    vec![
        case(
            "request to no service",
            vec![Step::Drain, send(unknown)],
            vec![Kind::Answer],
            plain_answer(),
        ),
        case(
            "no answer to the end",
            vec![get(), Step::Drain],
            vec![Kind::Answer],
            waiting(vec![Reply::Pause(TO_THE_END)]),
        )
        .watch(TO_THE_END),
        case(
            "two requests at once",
            vec![Step::Send(two), Step::Drain],
            vec![Kind::Answer],
            waiting(plain_answer()),
        ),
        case(
            "idle to the end",
            vec![get(), Step::Await("hello\n"), Step::Drain],
            vec![Kind::Answer],
            plain_answer(),
        )
        .watch(TO_THE_END),
        case(
            "never used to the end",
            vec![Step::Drain],
            Vec::new(),
            plain_answer(),
        )
        .watch(TO_THE_END),
        case(
            "websocket to the end",
            [opened(), vec![Step::Drain]].concat(),
            vec![Kind::Answer],
            echoing(),
        )
        .watch(TO_THE_END),
        case(
            "new to no service",
            vec![send(unknown)],
            vec![Kind::Answer],
            plain_answer(),
        )
        .late(),
    ]
}
