//! What many routes of a service cost: the decision by itself, and whole requests through a proxy of
//! one worker, few routes and many in turn. `cargo xtask bench routes` runs it.

use std::{
    fs,
    hint::black_box,
    io::{self, BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    num::NonZeroUsize,
    os::fd::BorrowedFd,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use http::HeaderMap;
use mesh_model::{
    origin::Origin,
    snapshot::{
        Cluster, ClusterId, Discovery, EgressPort, PathMatch, Protocol, Route, RouteTable,
        Snapshot, VirtualHost, WeightedCluster,
    },
};
use mesh_proxy::{Listeners, OriginSource, Proxy, ProxySettings};
use mesh_regex::Pattern;
use mesh_route::{Decision, RequestParts, Table};
use mesh_telemetry::Registry;
use rustix::thread::{CpuSet, sched_getcpu, sched_setaffinity};

/// How often few and many are measured, one right after the other.
const ROUNDS: usize = 9;
/// Decisions and requests of one turn.
const DECISIONS: usize = 200_000;
const REQUESTS: usize = 4_000;
const FEW: usize = 10;
/// Where the service is dialled.
const DIALLED: ([u8; 4], u16) = ([192, 0, 2, 1], 80);
const HOST: &str = "b.local";

/// By what the routes are told apart, and how many are many.
#[derive(Clone, Copy)]
enum Kind {
    Prefix,
    Nested,
    Exact,
    Regex,
}

impl Kind {
    const ALL: [(Self, &str, usize); 4] = [
        (Self::Prefix, "prefixes", 10_000),
        (Self::Nested, "prefixes of one path", 10_000),
        (Self::Exact, "whole paths", 10_000),
        (Self::Regex, "expressions", 1_000),
    ];

    fn condition(self, number: usize) -> PathMatch {
        match self {
            Self::Prefix => PathMatch::Prefix(format!("/service-{number}/")),
            Self::Nested => PathMatch::Prefix("/a".repeat(number + 1)),
            Self::Exact => PathMatch::Exact(self.path(number)),
            Self::Regex => {
                let text = format!("/service-{number}/[^/]+/[0-9]+");
                PathMatch::Regex(Pattern::new(&text).expect("an expression of RE2"))
            }
        }
    }

    /// A path that this route takes; of nested ones, one that some of them take.
    fn path(self, number: usize) -> String {
        match self {
            // One length: what is measured is the number of routes, not of bytes.
            Self::Nested => format!("{}/b", "/a".repeat(100)),
            Self::Prefix | Self::Exact | Self::Regex => format!("/service-{number}/items/7"),
        }
    }
}

fn main() -> Result<()> {
    stay_on_one_processor()?;
    let upstream = Upstream::start()?;
    println!("routes by …, medians of {ROUNDS} pairs in turn; the ratio is that of many to {FEW}");
    for (kind, name, many) in Kind::ALL {
        let (few, many_routes) = (tables(kind, FEW), tables(kind, many));
        let compiled = [&few, &many_routes].map(Table::compile);
        let paths = [FEW, many].map(|count| paths(kind, count));
        let decided = pairs(|which| decide(&compiled[which], &paths[which]))?;
        print(name, many, "a decision", "ns", &decided);
        let proxies = [
            Rig::start("few", few, upstream.address)?,
            Rig::start("many", many_routes, upstream.address)?,
        ];
        let requested = pairs(|which| proxies[which].requests(&paths[which], &upstream))?;
        print(name, many, "a request's CPU", "ns", &requested);
    }
    println!("every request was answered by the endpoint, which counted them");
    Ok(())
}

/// Keeps this thread, and those that it starts, where it is: what a request costs hangs on whether who
/// wakes whom is on another processor, and the scheduler places one proxy so and the next otherwise.
fn stay_on_one_processor() -> Result<()> {
    let mut here = CpuSet::new();
    here.set(sched_getcpu());
    sched_setaffinity(None, &here).context("cannot stay on one processor")
}

/// Measures few (0) and many (1) in turn, first the one and then the other.
fn pairs(mut measure: impl FnMut(usize) -> Result<f64>) -> Result<Vec<[f64; 2]>> {
    let warm_up = [measure(0)?, measure(1)?];
    black_box(warm_up);
    (0..ROUNDS)
        .map(|round| {
            let mut pair = [0.0; 2];
            for which in [round % 2, 1 - round % 2] {
                pair[which] = measure(which)?;
            }
            Ok(pair)
        })
        .collect()
}

fn print(name: &str, many: usize, what: &str, unit: &str, pairs: &[[f64; 2]]) {
    let middle = |of: &dyn Fn(&[f64; 2]) -> f64| {
        let mut values: Vec<f64> = pairs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    println!(
        "{many:>6} {name:<21} {what:<16} {:>8.0} {unit}, {FEW}: {:>8.0} {unit}, ratio {:.2}",
        middle(&|pair| pair[1]),
        middle(&|pair| pair[0]),
        middle(&|pair| pair[1] / pair[0]),
    );
}

/// Longest prefix first, as the documents' order is.
fn tables(kind: Kind, count: usize) -> RouteTable {
    let target = WeightedCluster {
        cluster: ClusterId(0),
        weight: 1,
    };
    let route = |number: usize| {
        let mut route = Route::with_prefix(format!("route-{number}"), "/", vec![target]);
        route.matches.path = kind.condition(number);
        route
    };
    RouteTable {
        name: "rds_egress_http_80".to_owned(),
        virtual_hosts: vec![VirtualHost {
            name: HOST.to_owned(),
            domains: vec![HOST.to_owned()],
            routes: (0..count).rev().map(route).collect(),
        }],
    }
}

/// Paths that meet every route.
fn paths(kind: Kind, count: usize) -> Vec<String> {
    // A stride that is prime to the counts, so that neighbours in time are not neighbours in memory.
    (0..count)
        .map(|step| kind.path(step * 7_919 % count))
        .collect()
}

/// Nanoseconds of a decision.
fn decide(table: &Table, paths: &[String]) -> Result<f64> {
    let headers = HeaderMap::new();
    let begin = Instant::now();
    for path in paths.iter().cycle().take(DECISIONS) {
        let request = RequestParts {
            method: "GET",
            scheme: "http",
            host: HOST,
            path,
            query: None,
            headers: &headers,
        };
        let decision = table.decide(black_box(&request));
        ensure!(
            matches!(decision, Decision::Route { .. }),
            "{path}: {decision:?}"
        );
    }
    Ok(per(begin.elapsed().as_nanos(), DECISIONS))
}

#[expect(clippy::cast_precision_loss, reason = "some thousand millions")]
fn per(whole: u128, count: usize) -> f64 {
    whole as f64 / count as f64
}

/// A proxy of one worker, and its client.
struct Rig {
    worker: String,
    egress: SocketAddr,
    _proxy: Proxy,
}

/// All connections were going to one address.
struct OneDestination;

impl OriginSource for OneDestination {
    fn origin(&self, _: BorrowedFd<'_>) -> io::Result<Option<Origin>> {
        Ok(Some(Origin {
            destination: DIALLED.into(),
            source: ([192, 0, 2, 2], 1234).into(),
            workload: 1,
            socket_cookie: 0,
        }))
    }
}

impl Rig {
    fn start(name: &str, table: RouteTable, endpoint: SocketAddr) -> Result<Self> {
        let mut settings = ProxySettings::new(name);
        settings.workers = NonZeroUsize::MIN;
        settings.egress_port = 0;
        settings.ingress_port = 0;
        let listeners = Listeners::bind(&settings)?;
        let egress = (Ipv4Addr::LOCALHOST, listeners.egress_port()).into();
        let stats = Arc::new(Registry::new(name, 1));
        let snapshot = Arc::new(snapshot(table, endpoint));
        let proxy = Proxy::start(
            listeners,
            &settings,
            snapshot,
            Arc::new(OneDestination),
            stats,
        )?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(proxy.ready());
        Ok(Self {
            worker: format!("{name}-0"),
            egress,
            _proxy: proxy,
        })
    }

    /// Nanoseconds of CPU of the worker for a request on a kept connection.
    fn requests(&self, paths: &[String], upstream: &Upstream) -> Result<f64> {
        let stream = TcpStream::connect(self.egress)?;
        stream.set_nodelay(true)?;
        let mut answers = BufReader::new(stream.try_clone()?);
        let mut requests = stream;
        let served = upstream.served.load(Relaxed);
        let before = cpu(&self.worker)?;
        let mut request = Vec::new();
        for path in paths.iter().cycle().take(REQUESTS) {
            request.clear();
            write!(request, "GET {path} HTTP/1.1\r\nhost: {HOST}\r\n\r\n")?;
            requests.write_all(&request)?;
            read_answer(&mut answers)?;
        }
        let took = cpu(&self.worker)? - before;
        let served = upstream.served.load(Relaxed) - served;
        ensure!(served == REQUESTS as u64, "the endpoint served {served}");
        Ok(per(took.into(), REQUESTS))
    }
}

fn snapshot(table: RouteTable, endpoint: SocketAddr) -> Snapshot {
    let cluster = Cluster::plain(
        "b".to_owned(),
        Protocol::Http,
        Discovery::Static(vec![endpoint]),
    );
    let resource = "mesh/bench/virtualNode/a".parse().expect("a resource");
    Snapshot {
        generation: 1,
        egress_listener: "lds_egress_0.0.0.0_15001".to_owned(),
        egress: [(DIALLED.1, EgressPort::Http(table))].into(),
        clusters: vec![Arc::new(cluster)],
        ..Snapshot::empty(resource)
    }
}

/// Nanoseconds that a thread of this process has run (proc(5), `schedstat`).
fn cpu(thread: &str) -> Result<u64> {
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        if fs::read_to_string(task.join("comm"))?.trim_end() != thread {
            continue;
        }
        let times = fs::read_to_string(task.join("schedstat"))?;
        let run = times.split(' ').next().context("no time")?;
        return Ok(run.parse()?);
    }
    anyhow::bail!("there is no thread {thread}")
}

/// Reads a header and as many bytes as it says.
fn read_answer(stream: &mut impl BufRead) -> Result<()> {
    let (mut line, mut length) = (String::new(), None);
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = Some(value.trim().parse()?);
        }
    }
    let mut body = vec![0; length.context("an answer without a length")?];
    stream.read_exact(&mut body)?;
    ensure!(body == b"served", "an answer of somebody else");
    Ok(())
}

/// An endpoint that answers every request alike and counts them.
struct Upstream {
    address: SocketAddr,
    served: Arc<AtomicU64>,
}

impl Upstream {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let served = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&served);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                // A connection that breaks off shows in the count.
                thread::spawn(move || drop(serve(stream, &counter)));
            }
        });
        Ok(Self { address, served })
    }
}

fn serve(stream: TcpStream, served: &AtomicU64) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut answers = stream.try_clone()?;
    let mut lines = BufReader::new(stream).split(b'\n');
    while let Some(line) = lines.next().transpose()? {
        if line == b"\r" {
            served.fetch_add(1, Relaxed);
            answers.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nserved")?;
        }
    }
    Ok(())
}
