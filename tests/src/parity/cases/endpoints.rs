//! TLS towards AWS endpoints, which goes out of every mesh from port 443: told by the server's name, beside
//! no service on that port, one of HTTP, and one of TCP.

use super::request::one;
use crate::parity::{
    case::{Bullet, CASE, CASE_FIELD, Case, Client, Mesh, Reply, Step, Target, plain_answer},
    http1::Kind,
    meshes::HTTPS,
};

const ENDPOINT: &str = "sqs.eu-west-1.amazonaws.com";

/// What becomes of an opening where no service has the port and the filter is `DROP_ALL`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Passes,
    IsClosed,
    /// It is closed under any filter and beside any service.
    IsClosedEverywhere,
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for mesh in [Mesh::Web, Mesh::Open, Mesh::Https, Mesh::Tls] {
        let named = |name: &str, client| {
            let name = format!("port {HTTPS}, {name}, {}", mesh.name());
            let target = Target::Service(HTTPS, "http.apps.local".to_owned());
            Case::new(Bullet::Egress, name, target, client).mesh(mesh)
        };
        for (name, steps, fate) in hellos() {
            let case = named(&name, Client::Http1(steps, vec![Kind::Answer])).replies(vec![
                Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nTLS".to_vec()),
                Reply::Finish,
            ]);
            let is_closed = match fate {
                Fate::Passes => false,
                // HTTP answers it with 400, and what is still on its way then makes FIN or RST.
                Fate::IsClosed => [Mesh::Web, Mesh::Https].contains(&mesh),
                Fate::IsClosedEverywhere => true,
            };
            cases.push(if is_closed { case.refused() } else { case });
        }
        let request = format!("GET / HTTP/1.1\r\nhost: {ENDPOINT}\r\n{CASE_FIELD}: {CASE}\r\n\r\n");
        let case = named("no TLS", one(request)).replies(plain_answer());
        cases.push(if mesh == Mesh::Web {
            case.refused()
        } else {
            case
        });
        if mesh == Mesh::Https {
            let hello = records(&message(&[server_name(b"example.com")]), 4096);
            cases.push(named("TLS and nothing behind it", one(hello)));
        }
        if [Mesh::Web, Mesh::Https].contains(&mesh) {
            let finishes = Client::Tcp(vec![Step::Finish]);
            cases.push(named("nothing and its end", finishes).refused());
        }
    }
    cases
}

type Opening = (String, Vec<Step>, Fate);

#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn hellos() -> Vec<Opening> {
    use Fate::{IsClosed, IsClosedEverywhere, Passes};
    let mut all = Vec::new();
    for (name, fate) in [
        (ENDPOINT, Passes),
        ("s3.amazonaws.com", Passes),
        ("SQS.EU-West-1.AmazonAWS.Com", Passes),
        ("a.b.c.d.e.amazonaws.com", Passes),
        ("..amazonaws.com", Passes),
        ("*.amazonaws.com", Passes),
        ("\u{e4}.amazonaws.com", Passes),
        ("amazonaws.com", IsClosed),
        (".amazonaws.com", IsClosed),
        ("xamazonaws.com", IsClosed),
        ("sqs.amazonaws.com.", IsClosed),
        ("sqs.cn-north-1.amazonaws.com.cn", IsClosed),
        ("sqs.amazonaws.com.example.com", IsClosed),
        ("example.com", IsClosed),
        ("http.apps.local", IsClosed),
        ("com", IsClosed),
    ] {
        let hello = records(&message(&[server_name(name.as_bytes())]), 4096);
        all.push((format!("TLS to {name}"), at_once(hello), fate));
    }
    let own = server_name(ENDPOINT.as_bytes());
    let long = [vec![b'a'; 255 - 14], b".amazonaws.com".to_vec()].concat();
    let too_long = [b"a", &long[..]].concat();
    let extension = |kind: u16, content: &[u8]| [&kind.to_be_bytes()[..], &sized(content)].concat();
    let padding = |bytes: usize| extension(21, &vec![0; bytes]);
    let two_names = [&[0][..], &sized(ENDPOINT.as_bytes())].concat().repeat(2);
    let mut bare = message(&[]);
    // Without the field of the extensions' length.
    bare.truncate(bare.len() - 2);
    bare[3] -= 2;
    let changed = |place: usize, byte: u8| {
        let mut message = message(std::slice::from_ref(&own));
        message[place] = byte;
        message
    };
    let mut behind = changed(0, 1);
    behind[3] += 1;
    behind.push(0);
    for (name, message, fate) in [
        ("without extensions", bare, IsClosed),
        ("without a name", message(&[extension(23, &[])]), IsClosed),
        (
            "a name of 255 bytes",
            message(&[server_name(&long)]),
            Passes,
        ),
        (
            "a name of 256 bytes",
            message(&[server_name(&too_long)]),
            IsClosed,
        ),
        ("an empty name", message(&[server_name(b"")]), IsClosed),
        (
            "a name with NUL",
            message(&[server_name(b"a\0.amazonaws.com")]),
            IsClosed,
        ),
        (
            "a list of two names",
            message(&[extension(0, &sized(&two_names))]),
            IsClosed,
        ),
        (
            "the name twice",
            message(&[own.clone(), own.clone()]),
            IsClosed,
        ),
        (
            "an extension twice",
            message(&[extension(0x7777, &[]), own.clone(), extension(0x7777, &[])]),
            IsClosed,
        ),
        ("SSL 3.0", changed(5, 0), IsClosed),
        ("TLS 1.0", changed(5, 1), Passes),
        ("another message", changed(0, 2), IsClosed),
        (
            "no way without compression",
            changed(4 + 2 + 32 + 1 + 4 + 1, 1),
            Passes,
        ),
        ("bytes behind its end", behind, IsClosed),
        ("padded", message(&[padding(9000), own.clone()]), Passes),
        (
            "longer than is looked at",
            message(&[padding(16_290), own.clone()]),
            IsClosedEverywhere,
        ),
        (
            "longer than any",
            message(&[padding(16_400), own.clone()]),
            IsClosed,
        ),
    ] {
        all.push((
            format!("hello, {name}"),
            at_once(records(&message, 4096)),
            fate,
        ));
    }
    for size in [1, 3, 50] {
        let name = format!("hello, in records of {size}");
        all.push((
            name,
            at_once(records(&message(std::slice::from_ref(&own)), size)),
            Passes,
        ));
    }
    for (size, pause) in [(1, 2), (7, 20), (60, 100)] {
        let hello = records(&message(std::slice::from_ref(&own)), 40);
        let mut steps = Vec::new();
        for part in hello.chunks(size) {
            steps.extend([Step::Send(part.to_vec()), Step::Pause(pause)]);
        }
        steps.push(tail());
        all.push((format!("hello, in pieces of {size}"), steps, Passes));
    }
    let mut alert = records(&message(std::slice::from_ref(&own)), 60);
    alert[65] = 23;
    all.push((
        "hello, another record amid".to_owned(),
        at_once(alert),
        IsClosed,
    ));
    all
}

/// Sends a hello, and behind it what tells the service the case.
fn at_once(hello: Vec<u8>) -> Vec<Step> {
    vec![Step::Send(hello), tail()]
}

fn tail() -> Step {
    Step::Send(format!("{CASE_FIELD}: {CASE}\r\n\r\n").into_bytes())
}

/// A hello with these extensions.
fn message(extensions: &[Vec<u8>]) -> Vec<u8> {
    let body = [
        &[3, 3][..],
        &[7; 32],
        &[0],
        &sized(&[0xc0, 0x2f]),
        &[1, 0],
        &sized(&extensions.concat()),
    ];
    [&[1, 0][..], &sized(&body.concat())].concat()
}

fn server_name(name: &[u8]) -> Vec<u8> {
    let names = [&[0][..], &sized(name)].concat();
    [&[0, 0][..], &sized(&sized(&names))].concat()
}

/// Bytes behind their length.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("no case is so long");
    [&length.to_be_bytes()[..], bytes].concat()
}

/// A message in records of so many bytes each.
fn records(message: &[u8], size: usize) -> Vec<u8> {
    let record = |part: &[u8]| [&[22, 3, 1][..], &sized(part)].concat();
    message.chunks(size).flat_map(record).collect()
}
