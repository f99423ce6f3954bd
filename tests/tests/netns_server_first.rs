//! Servers that speak first: a mail server greets before its client has said a word, and after
//! STARTTLS the client speaks another protocol on the same connection.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    thread::JoinHandle,
};

use tests::{capability, daemon::Daemon, network::Purpose, process, scenario::Scenario, wait};

const PORT: u16 = 2525;
/// The first byte of a TLS record that begins a handshake (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// A mail server for one client: greets, offers STARTTLS, and says what the client began then.
struct MailServer {
    serving: JoinHandle<std::io::Result<u8>>,
}

impl MailServer {
    fn start(scenario: &Scenario) -> Self {
        let listener = scenario
            .service_b
            .netns()
            .inside(|| TcpListener::bind(SocketAddr::from(([0, 0, 0, 0], PORT))))
            .unwrap()
            .unwrap();
        let serving = std::thread::spawn(move || serve(&listener.accept()?.0));
        Self { serving }
    }

    fn first_byte_after_starttls(self) -> u8 {
        self.serving.join().unwrap().unwrap()
    }
}

fn serve(mut stream: &TcpStream) -> std::io::Result<u8> {
    stream.set_read_timeout(Some(wait::DEADLINE))?;
    stream.write_all(b"220 mail.apps.local ready\r\n")?;
    let mut lines = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end() {
            "STARTTLS" => break,
            line if line.starts_with("EHLO") => {
                stream.write_all(b"250-mail.apps.local\r\n250 STARTTLS\r\n")?;
            }
            _ => stream.write_all(b"500 not understood\r\n")?,
        }
    }
    stream.write_all(b"220 go ahead\r\n")?;
    let mut first = [0];
    lines.read_exact(&mut first)?;
    Ok(first[0])
}

/// curl as a mail client: it waits for the greeting, says EHLO and STARTTLS, and begins TLS.
fn assert_heard(scenario: &Scenario, daemon: &Daemon, counter: &str) {
    let server = MailServer::start(scenario);
    let url = format!("smtp://{}:{PORT}", scenario.service_b.v4());
    let client = scenario.curl().args(["--ssl-reqd", "--verbose"]);
    let said = process::output(&mut client.command(&url)).unwrap();
    assert_eq!(
        server.first_byte_after_starttls(),
        TLS_HANDSHAKE,
        "{}",
        said.stderr
    );
    assert_eq!(daemon.stat(counter).unwrap(), 1, "{}", said.stderr);
}

#[test]
fn a_server_that_speaks_first_is_heard_where_the_mesh_knows_no_port() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.documents.set_egress_filter("ALLOW_ALL").unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    assert_heard(&scenario, &daemon, "tcp.egress.downstream_cx_total");
}

#[test]
fn a_server_that_speaks_first_is_heard_behind_a_tcp_route() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let documents = &scenario.documents;
    let mapping = serde_json::json!([{ "portMapping": { "port": PORT, "protocol": "tcp" } }]);
    for (key, name) in [
        ("virtualNodeName", "serviceB"),
        ("virtualRouterName", "serviceB"),
    ] {
        let edit =
            |document: &mut serde_json::Value| document["spec"]["listeners"] = mapping.clone();
        documents.edit(key, name, edit).unwrap();
    }
    let route = |route: &mut serde_json::Value| {
        let targets = serde_json::json!([{ "virtualNode": "serviceB", "weight": 1 }]);
        route["spec"] = serde_json::json!({
            "tcpRoute": { "action": { "weightedTargets": targets } }
        });
    };
    documents.edit("routeName", "serviceB", route).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    assert_heard(
        &scenario,
        &daemon,
        "cluster.cds_egress_apps_serviceB_tcp_2525.upstream_cx_total",
    );
}
