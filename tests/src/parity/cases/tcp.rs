//! TCP: who speaks first, who finishes first, resets, much data, ports of no service.

use super::{
    ARRIVED,
    request::{own, shared},
};
use crate::parity::{
    case::{Bullet, Case, Client, Mesh, Own, Presence, Protocol, Reply, Step, Target},
    meshes::UNKNOWN_PORT,
};

const WATCH: u64 = 1500;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for mesh in [Mesh::Web, Mesh::Open] {
        for (name, steps, replies) in exchanges() {
            let name = format!("{name}, {}", mesh.name());
            let case = Case::new(Bullet::Tcp, name, own(Protocol::Tcp), Client::Tcp(steps));
            cases.push(case.replies(replies).at_once().mesh(mesh).watch(WATCH));
        }
        for (name, presence) in [
            ("refused", Presence::Refuses),
            ("without address", Presence::Unknown),
        ] {
            for (way, steps) in [("silent", Vec::new()), ("speaking", vec![send("hello")])] {
                let own = Own {
                    presence,
                    ..Own::new(Protocol::Tcp)
                };
                let name = format!("service {name}, client {way}, {}", mesh.name());
                // One shows by which end.
                let is_shown = (presence, way, mesh) == (Presence::Unknown, "silent", Mesh::Web);
                let case = Case::new(Bullet::Tcp, name, Target::Own(own), Client::Tcp(steps));
                let case = case.mesh(mesh).watch(2500);
                cases.push(if is_shown { case } else { case.refused() });
            }
        }
        let own = Own {
            idle: Some(400),
            ..Own::new(Protocol::Tcp)
        };
        let quiet = Case::new(
            Bullet::Tcp,
            format!("idle timeout, {}", mesh.name()),
            Target::Own(own),
            Client::Tcp(vec![send("hello")]),
        );
        let replies = vec![
            Reply::Receive(5),
            Reply::Bytes(b"hello".to_vec()),
            Reply::Request,
        ];
        cases.push(quiet.replies(replies).at_once().mesh(mesh).watch(3000));
        for port in [UNKNOWN_PORT, Protocol::Tcp.service_port()] {
            let target = if port == UNKNOWN_PORT {
                Target::Service(port, String::new())
            } else {
                shared(Protocol::Tcp)
            };
            let request = "GET / HTTP/1.1\r\nhost: x\r\nx-case: {case}\r\n\r\n";
            let name = format!("port {port}, {}", mesh.name());
            let case = Case::new(Bullet::Tcp, name, target, Client::Tcp(vec![send(request)]));
            let case = case.mesh(mesh).watch(WATCH);
            let is_refused = port == UNKNOWN_PORT && mesh == Mesh::Web;
            cases.push(if is_refused { case.refused() } else { case });
        }
    }
    cases
}

fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

type Exchange = (String, Vec<Step>, Vec<Reply>);

#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn exchanges() -> Vec<Exchange> {
    let bytes = |text: &str| Reply::Bytes(text.as_bytes().to_vec());
    let named =
        |(name, steps, replies): (&str, Vec<Step>, Vec<Reply>)| (name.to_owned(), steps, replies);
    let mut all: Vec<Exchange> = [
        (
            "client first",
            vec![send("hello"), Step::Receive(5), Step::Finish],
            vec![Reply::Echo],
        ),
        (
            "service first",
            vec![
                Step::Await("220 ready"),
                send("quit"),
                Step::Await("221 bye"),
            ],
            vec![
                bytes("220 ready\r\n"),
                Reply::Receive(4),
                bytes("221 bye\r\n"),
                Reply::Finish,
            ],
        ),
        (
            "service first and alone",
            vec![Step::Await("greeting")],
            vec![bytes("greeting"), Reply::Finish],
        ),
        (
            "client finishes, service goes on",
            vec![send("question"), Step::Finish, Step::Await("answer")],
            vec![Reply::Request, bytes("answer"), Reply::Finish],
        ),
        (
            "service finishes, client goes on",
            vec![
                Step::Await("answer"),
                Step::Pause(60),
                send("more"),
                Step::Finish,
            ],
            vec![bytes("answer"), Reply::Finish, Reply::Request],
        ),
        (
            "client resets",
            vec![send("hello"), Step::Receive(5), Step::Reset],
            vec![Reply::Echo],
        ),
        (
            "service resets",
            vec![send("hello")],
            vec![
                Reply::Receive(5),
                bytes("bye"),
                Reply::Pause(500),
                Reply::Reset,
            ],
        ),
        (
            "service resets first",
            vec![Step::Pause(2 * ARRIVED)],
            vec![Reply::Pause(ARRIVED), Reply::Reset],
        ),
        (
            "service finishes at once",
            vec![Step::Pause(100)],
            vec![Reply::Finish],
        ),
        (
            "nobody speaks",
            vec![Step::Pause(100)],
            vec![Reply::Request, Reply::Finish],
        ),
        (
            "client finishes at once",
            vec![Step::Finish],
            vec![Reply::Request, Reply::Finish],
        ),
        (
            "both speak at once",
            vec![send("hello"), Step::Await("welcome"), Step::Finish],
            vec![
                bytes("welcome"),
                Reply::Receive(5),
                Reply::Request,
                Reply::Finish,
            ],
        ),
        (
            "in turns",
            vec![
                send("a"),
                Step::Receive(1),
                send("b"),
                Step::Receive(2),
                send("c"),
                Step::Receive(3),
                Step::Finish,
            ],
            vec![Reply::Echo],
        ),
        (
            "TLS",
            vec![
                Step::Send(b"\x16\x03\x01\0\x05\x01\0\0\x01\0".to_vec()),
                Step::Receive(10),
                Step::Finish,
            ],
            vec![Reply::Echo],
        ),
        (
            "HTTP",
            vec![
                send("GET / HTTP/1.1\r\nhost: x\r\n\r\n"),
                Step::Await("x\r\n\r\n"),
                Step::Finish,
            ],
            vec![Reply::Echo],
        ),
        (
            "preface of HTTP/2",
            vec![
                send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
                Step::Await("SM"),
                Step::Finish,
            ],
            vec![Reply::Echo],
        ),
    ]
    .into_iter()
    .map(named)
    .collect();
    for size in [1, 1000, 65_536, 1 << 20, 4 << 20] {
        let block = vec![b'x'; size];
        all.push((
            format!("{size} bytes there and back"),
            vec![Step::Send(block.clone()), Step::Finish, Step::Receive(size)],
            vec![Reply::Echo],
        ));
        all.push((
            format!("{size} bytes of the service"),
            vec![Step::Receive(size)],
            vec![Reply::Bytes(block), Reply::Finish],
        ));
    }
    all
}
