//! `explain` says what the running proxy does: random documents and requests, and the route and
//! cluster of each in the access log.

mod documents;
mod request;

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    fmt::Write as _,
    fs,
    io::{Read, Seek, SeekFrom},
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use http::Version;
use mesh_config::{
    Environment,
    document::Documents,
    explain::{Explanation, Outcome, explain},
    resolve::resolve,
    source::{DocumentSet, SourceFile},
};
use mesh_model::snapshot::{EgressFilter, Snapshot};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use self::{
    documents::{Case, Endpoints, NODE, case},
    request::{send_http1, send_http2},
};
use crate::support::{
    log::Log,
    mesh::Mesh,
    plan::Plan,
    server::{Server, text},
    within,
};

/// How many cases a run of all tests takes; the variable `PROPTEST_CASES` says otherwise.
const CASES: u32 = 60;

/// How long a line may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the access log says of a request or connection, behind the client's address.
pub(crate) const FORMAT: &str =
    "%DOWNSTREAM_REMOTE_ADDRESS% %RESPONSE_CODE% %UPSTREAM_CLUSTER% %ROUTE_NAME%";

/// What a test runs against.
struct Stage {
    mesh: Mesh,
    log: Log,
    /// What of the log was read, in bytes.
    offset: Cell<u64>,
    generation: Cell<u64>,
    counts: RefCell<HashMap<String, usize>>,
}

/// What the proxy is to do with a request.
#[derive(Debug)]
enum Expected {
    /// The connection is reset.
    Closed,
    /// The log has a line.
    Logged {
        route: String,
        /// One of these; `-` stands for none.
        clusters: Vec<String>,
        /// None where the endpoint has it.
        status: Option<u16>,
    },
}

/// What each connection is to be logged as, with what was said of it, by where it comes from.
type Awaited = HashMap<SocketAddr, (Expected, String)>;

fn expected(explanation: &Explanation, is_grpc: bool) -> Expected {
    // gRPC is told of a failure by trailers.
    let refused = |status| Some(if is_grpc { 200 } else { status });
    let none = || vec!["-".to_owned()];
    let route = explanation.last().and_then(|step| step.route.as_ref());
    let name = match route {
        Some(route) if route.matches.is_some() => route.name.clone(),
        _ => "-".to_owned(),
    };
    let (clusters, status) = match explanation.outcome {
        Outcome::Closed => return Expected::Closed,
        Outcome::Routed => {
            let shares = route.into_iter().flat_map(|route| &route.clusters);
            let shares = shares.filter(|share| share.weight > 0);
            (
                shares.map(|share| share.cluster.name.clone()).collect(),
                None,
            )
        }
        Outcome::PassedThrough => (vec!["cds_egress_apps_mesh-allow-all".to_owned()], None),
        Outcome::NoShare if name == "-" => (none(), None),
        Outcome::NoShare => (none(), refused(503)),
        Outcome::NoRoute | Outcome::NoScheme | Outcome::NoVirtualService => (none(), refused(404)),
        Outcome::BadPath => (none(), refused(400)),
        Outcome::AwsEndpoint
        | Outcome::ByAddress
        | Outcome::NoConnect
        | Outcome::NoGatewayRoute
        | Outcome::NoListener => {
            panic!("nothing here comes to {:?}", explanation.outcome)
        }
    };
    Expected::Logged {
        route: name,
        clusters,
        status,
    }
}

impl Stage {
    async fn set_up(log: Log) -> Self {
        let hosts = log.path().replace("access.log", "hosts");
        fs::write(&hosts, documents::hosts()).expect("a file");
        let nothing = Plan::new(EgressFilter::DropAll).snapshot();
        let mesh = Mesh::start_with(nothing, |settings| settings.hosts = hosts.into()).await;
        Self {
            mesh,
            log,
            offset: Cell::new(0),
            generation: Cell::new(1),
            counts: RefCell::default(),
        }
    }

    /// Runs a case; what does not agree.
    async fn check(&self, case: &Case) -> Result<(), String> {
        let snapshot = self.resolve(case)?;
        self.mesh.proxy.publish(Arc::clone(&snapshot)).await;
        let (mut awaited, mut wrong) = (Awaited::new(), String::new());
        for request in &case.requests {
            let Ok(explanation) = explain(&snapshot, &request.asked()) else {
                // What is no request to one is none to the other.
                continue;
            };
            let told = format!("{request:#?}\n{explanation}");
            let expected = expected(&explanation, request.is_grpc());
            let key = format!("{:?}", explanation.outcome);
            *self.counts.borrow_mut().entry(key).or_default() += 1;
            // Whatever is logged by now is not of the connection to come, which may get the port of a
            // closed one.
            wrong.push_str(&self.take_lines(&mut awaited));
            let destination = (Ipv4Addr::LOCALHOST, request.port).into();
            let Ok(stream) = self.mesh.dialler().dial(destination).await else {
                continue;
            };
            let from = stream.local_addr().map_err(|error| error.to_string())?;
            if awaited.contains_key(&from) {
                // The kernel gave the port of a closed connection again: its line comes first.
                wrong.push_str(&self.compare(std::mem::take(&mut awaited)).await);
            }
            let is_http = explanation
                .steps
                .last()
                .is_some_and(|step| step.host.is_some())
                || matches!(explanation.outcome, Outcome::BadPath | Outcome::NoScheme);
            if is_http {
                if request.http2 {
                    send_http2(stream, request).await;
                } else {
                    send_http1(stream, request).await;
                }
            } else {
                send_bytes(stream).await;
            }
            if let Expected::Logged { .. } = expected {
                awaited.insert(from, (expected, told));
            }
        }
        wrong.push_str(&self.compare(awaited).await);
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn resolve(&self, case: &Case) -> Result<Arc<Snapshot>, String> {
        let files = case.documents.iter().enumerate();
        let set = DocumentSet {
            files: files
                .map(|(index, document)| {
                    SourceFile::new(format!("{index}.json"), document.to_string())
                })
                .collect(),
            ..DocumentSet::default()
        };
        let (documents, _) = Documents::parse(&set)
            .into_result()
            .map_err(|problems| format!("the documents are bad: {problems:#?}"))?;
        let resource = NODE.parse().expect("a resource");
        let resolved = resolve(&documents, &resource, &Environment::new())
            .map_err(|problems| format!("nothing resolves: {problems:#?}"))?;
        if !resolved.refusals.is_empty() {
            return Err(format!("refused: {:#?}", resolved.refusals));
        }
        self.generation.set(self.generation.get() + 1);
        Ok(Arc::new(Snapshot {
            generation: self.generation.get(),
            ..resolved.snapshot
        }))
    }

    /// Waits for a line of each, and compares: what does not agree.
    async fn compare(&self, mut awaited: Awaited) -> String {
        let mut wrong = String::new();
        let all_there = || {
            wrong.push_str(&self.take_lines(&mut awaited));
            awaited.is_empty()
        };
        if !soon(all_there).await {
            for (expected, told) in awaited.values() {
                let _ = writeln!(wrong, "explained as {expected:?}, not logged\n{told}");
            }
        }
        wrong
    }

    /// Compares what is logged by now with what is awaited: what does not agree.
    fn take_lines(&self, awaited: &mut Awaited) -> String {
        let mut wrong = String::new();
        for line in self.new_lines() {
            let (from, line) = line.split_once(' ').expect("four words");
            let from: SocketAddr = from.parse().expect("an address");
            if let Some((expected, told)) = awaited.remove(&from)
                && let Err(error) = agrees(&expected, line)
            {
                let _ = writeln!(wrong, "{error}\n{told}");
            }
        }
        wrong
    }

    /// The lines of the log that were not read yet.
    fn new_lines(&self) -> Vec<String> {
        let Ok(mut file) = fs::File::open(self.log.path()) else {
            return Vec::new();
        };
        let mut text = String::new();
        file.seek(SeekFrom::Start(self.offset.get()))
            .expect("a file");
        file.read_to_string(&mut text).expect("text");
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        self.offset.set(self.offset.get() + whole as u64);
        text[..whole].lines().map(ToOwned::to_owned).collect()
    }
}

fn agrees(expected: &Expected, line: &str) -> Result<(), String> {
    let Expected::Logged {
        route,
        clusters,
        status,
    } = expected
    else {
        return Ok(());
    };
    let words: Vec<&str> = line.split(' ').collect();
    let [code, cluster, name] = words[..] else {
        return Err(format!("`{line}` is no line of the format"));
    };
    let same_status = status.is_none_or(|status| status.to_string() == code);
    if same_status && name == route && clusters.iter().any(|known| known == cluster) {
        return Ok(());
    }
    Err(format!("explained as {expected:?}, logged as `{line}`"))
}

/// Waits until something holds; whether it came to hold. A failure is to be shrunk, which takes many
/// waits: they are shorter than others.
async fn soon(mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        if Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    true
}

/// Sends bytes that are no HTTP, and takes what comes, if anything does.
async fn send_bytes(mut stream: TcpStream) {
    // The proxy may have closed it by now.
    let _ = stream.write_all(b"bytes").await;
    let _ = stream.shutdown().await;
    let mut all = Vec::new();
    let _ = within("the end", stream.read_to_end(&mut all)).await;
}

#[test]
fn explain_says_what_the_running_proxy_does() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (stage, endpoints, _servers) = runtime.block_on(async {
        let http = Server::http(Version::HTTP_11, |_| async { text("") }).await;
        let http2 = Server::http(Version::HTTP_2, |_| async { text("") }).await;
        let tcp = Server::tcp(|mut stream| async move {
            let mut all = Vec::new();
            let _ = stream.read_to_end(&mut all).await;
        })
        .await;
        let log = Log::new();
        let endpoints = Endpoints {
            http: http.address.port(),
            http2: http2.address.port(),
            tcp: tcp.address.port(),
            log: log.path().to_owned(),
        };
        (Stage::set_up(log).await, endpoints, [http, http2, tcp])
    });
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() {
        Config::default().cases
    } else {
        CASES
    };
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_time: u32::try_from(Duration::from_mins(1).as_millis()).expect("a minute"),
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&case(&endpoints), |case| {
        runtime.block_on(stage.check(&case)).map_err(|error| {
            let documents = case.documents.iter();
            let documents: Vec<String> = documents.map(|one| format!("{one:#}")).collect();
            TestCaseError::fail(format!("{error}\n{}", documents.join("\n")))
        })
    });
    let counts = stage.counts.borrow();
    println!("{cases} cases: {counts:?}");
    if let Err(error) = outcome {
        panic!("{error}");
    }
    for outcome in ["Routed", "NoRoute", "NoVirtualService", "PassedThrough"] {
        assert!(counts.contains_key(outcome), "no request came to {outcome}");
    }
}
