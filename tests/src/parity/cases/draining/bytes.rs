//! Connections of opaque bytes, which cannot be told.

use super::{TO_THE_END, both, egress};
use crate::parity::case::{Case, Client, Protocol, Reply, Step};

const MUCH: usize = 1 << 20;

pub(super) fn cases() -> Vec<Case> {
    let ways = ways()
        .into_iter()
        .flat_map(|(name, steps, replies)| both(name, Protocol::Tcp, Client::Tcp(steps), replies));
    let mut cases: Vec<Case> = ways.map(Case::at_once).collect();
    let new = Client::Tcp(vec![send("hello"), Step::Receive(5), Step::Finish]);
    let new = both("new", Protocol::Tcp, new, vec![Reply::Echo]);
    cases.extend(new.map(|case| case.at_once().late()));
    let stays = vec![send("hello"), Step::Receive(5), Step::Drain];
    let client = Client::Tcp(stays);
    let case = egress("open to the end", Protocol::Tcp, client, vec![Reply::Echo]);
    cases.push(case.at_once().watch(TO_THE_END));
    cases
}

fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

fn bytes(text: &str) -> Reply {
    Reply::Bytes(text.as_bytes().to_vec())
}

type Way = (&'static str, Vec<Step>, Vec<Reply>);

fn ways() -> Vec<Way> {
    let drain = Step::Drain;
    vec![
        (
            "goes on",
            vec![
                send("hello"),
                Step::Receive(5),
                drain.clone(),
                send("again"),
                Step::Receive(10),
                Step::Finish,
            ],
            vec![Reply::Echo],
        ),
        (
            "client first, then",
            vec![drain.clone(), send("hello"), Step::Receive(5), Step::Finish],
            vec![Reply::Echo],
        ),
        (
            "service first, then",
            vec![drain.clone(), Step::Await("greeting")],
            vec![Reply::Drain, bytes("greeting"), Reply::Finish],
        ),
        (
            "client has finished",
            vec![
                send("question"),
                Step::Finish,
                drain.clone(),
                Step::Await("answer"),
            ],
            vec![Reply::Request, Reply::Drain, bytes("answer"), Reply::Finish],
        ),
        (
            "service has finished",
            vec![
                Step::Await("answer"),
                drain.clone(),
                send("more"),
                Step::Finish,
            ],
            vec![bytes("answer"), Reply::Finish, Reply::Request],
        ),
        (
            "much to come",
            vec![
                send("question"),
                drain.clone(),
                Step::Receive(MUCH),
                Step::Finish,
            ],
            vec![
                Reply::Receive(8),
                Reply::Drain,
                Reply::Bytes(vec![b'z'; MUCH]),
                Reply::Request,
            ],
        ),
        (
            "service resets",
            vec![send("hello"), drain.clone()],
            vec![Reply::Receive(5), Reply::Drain, Reply::Reset],
        ),
        (
            "client resets",
            vec![send("hello"), Step::Receive(5), drain, Step::Reset],
            vec![Reply::Echo],
        ),
    ]
}
