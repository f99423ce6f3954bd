//! TLS towards AWS endpoints goes out of a mesh that drops everything else, as clients of other makers
//! speak it and through the proxy.

use std::path::PathBuf;

use tests::{
    capability,
    daemon::Daemon,
    host::Place,
    network::Purpose,
    process::{self, Process},
    scenario::Scenario,
    wait,
};

const ENDPOINT: &str = "sqs.eu-west-1.amazonaws.com";
const OTHER: &str = "sqs.example.com";
const PORT: u16 = 443;
const PASSED: &str = "cluster.cds_egress_apps_amazonaws.upstream_cx_total";
const REFUSED: &str = "listener.0.0.0.0_15001.no_filter_chain_match";

/// A server of TLS on the host of `serviceB`, whose certificate has both names.
struct TlsServer {
    certificate: PathBuf,
    _serving: Process,
}

impl TlsServer {
    fn start(scenario: &Scenario) -> Self {
        let host = &scenario.service_b;
        let [certificate, key] = ["tls.crt", "tls.key"].map(|name| host.directory().join(name));
        let mut request = host.command(Place::Outside, "openssl");
        request
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
            ])
            .args(["-nodes", "-days", "2", "-subj", "/CN=test"])
            .args([
                "-addext",
                &format!("subjectAltName=DNS:{ENDPOINT},DNS:{OTHER}"),
            ])
            .arg("-out")
            .arg(&certificate)
            .arg("-keyout")
            .arg(&key);
        process::run(&mut request).unwrap();
        let mut server = host.command(Place::Outside, "openssl");
        server
            .args(["s_server", "-quiet", "-www", "-accept", &PORT.to_string()])
            .arg("-cert")
            .arg(&certificate)
            .arg("-key")
            .arg(&key);
        let log = host.directory().join("tls.log");
        let serving = Process::spawn("openssl", server, &log).unwrap();
        wait::until_true("the server of TLS", || host.listens(PORT)).unwrap();
        Self {
            certificate,
            _serving: serving,
        }
    }

    /// Whether openssl gets through to it under a name, and believes its certificate.
    fn shakes_hands(&self, scenario: &Scenario, name: &str) -> bool {
        let mut client = scenario.service_a.command(Place::Workload, "openssl");
        client
            .args(["s_client", "-connect"])
            .arg(format!("{}:{PORT}", scenario.service_b.v4()))
            .args([
                "-servername",
                name,
                "-verify_hostname",
                name,
                "-verify_return_error",
            ])
            .arg("-CAfile")
            .arg(&self.certificate);
        process::output(&mut client).unwrap().status.success()
    }

    /// The status that curl gets from it under a name, or 0.
    fn asked(&self, scenario: &Scenario, name: &str) -> u16 {
        let resolve = format!("{name}:{PORT}:{}", scenario.service_b.v4());
        let authority = self.certificate.to_string_lossy();
        let curl = scenario
            .curl()
            .args(["--resolve", &resolve, "--cacert", &authority]);
        let answer = curl
            .args(["--output", "/dev/null"])
            .get(&format!("https://{name}/"));
        answer.unwrap().status
    }
}

fn counted(daemon: &Daemon) -> (u64, u64) {
    let stats = daemon.stats().unwrap();
    (stats.value(PASSED), stats.value(REFUSED))
}

#[test]
fn tls_to_an_aws_endpoint_goes_out_and_under_another_name_does_not() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.documents.set_egress_filter("DROP_ALL").unwrap();
    let server = TlsServer::start(&scenario);
    let daemon = scenario.daemon_a().start().unwrap();
    assert!(server.shakes_hands(&scenario, ENDPOINT));
    assert_eq!(counted(&daemon), (1, 0));
    assert_eq!(server.asked(&scenario, ENDPOINT), 200);
    assert_eq!(server.asked(&scenario, &ENDPOINT.to_uppercase()), 200);
    assert_eq!(counted(&daemon), (3, 0));
    assert!(!server.shakes_hands(&scenario, OTHER));
    assert_eq!(server.asked(&scenario, OTHER), 0);
    assert_eq!(counted(&daemon), (3, 2));
}

#[test]
fn an_aws_endpoint_is_told_from_a_tcp_service_of_its_port() {
    if !capability::namespace_ring() {
        return;
    }
    let mut scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.documents.set_egress_filter("DROP_ALL").unwrap();
    let server = TlsServer::start(&scenario);
    // The service is on the same host, and nothing else tells the two ways apart.
    scenario.lead("secure", "tcp", PORT).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    let to_service = "cluster.cds_egress_apps_secure_tcp_443.upstream_cx_total";
    assert_eq!(server.asked(&scenario, OTHER), 200);
    assert_eq!(daemon.stat(to_service).unwrap(), 1);
    assert_eq!(server.asked(&scenario, ENDPOINT), 200);
    assert_eq!(
        (daemon.stat(to_service).unwrap(), counted(&daemon)),
        (1, (1, 0))
    );
}
