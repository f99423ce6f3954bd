//! What a large mesh costs: reading, checking and resolving it in a new process, and one changed
//! file to a new snapshot. `cargo xtask bench documents` runs it.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use mesh_config::{
    Environment,
    document::{Documents, Parser},
    form::Inputs,
    resolve::resolve,
    source::{directory::Directory, watch::Watch},
};
use mesh_model::{resource::ResourceName, snapshot::EgressPort};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};

/// Virtual nodes, virtual services and virtual routers, of each.
const SERVICES: usize = 5_000;
/// Routes of each router.
const ROUTES: usize = 4;
/// How often each thing is measured.
const ROUNDS: usize = 9;
/// The workload that is resolved.
const WORKLOAD: &str = "mesh/bench/virtualNode/node-17";

fn main() -> Result<()> {
    let daemon = env::var_os("FERROMESH_BIN").context(
        "FERROMESH_BIN must name the daemon to measure; `cargo xtask bench documents` sets it",
    )?;
    let directory = tempfile::tempdir()?;
    let files = generate(directory.path())?;
    println!(
        "{files} files: {SERVICES} virtual nodes, services and routers, {} routes",
        SERVICES * ROUTES
    );
    new_process(Path::new(&daemon), directory.path())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(one_change(directory.path()))
}

/// Writes the documents, which also warms the page cache.
fn generate(directory: &Path) -> Result<usize> {
    let mut files = 0;
    let mut write = |kind: &str, name: &str, document: Value| -> io::Result<()> {
        let directory = directory.join(kind);
        fs::create_dir_all(&directory)?;
        files += 1;
        fs::write(
            directory.join(format!("{name}.json")),
            format!("{document:#}"),
        )
    };
    write(
        "mesh",
        "bench",
        json!({ "meshName": "bench", "spec": { "egressFilter": { "type": "DROP_ALL" } } }),
    )?;
    for index in 0..SERVICES {
        let (node, router) = (format!("node-{index}"), format!("router-{index}"));
        let service = service(index);
        write("node", &node, virtual_node(index))?;
        write(
            "router",
            &router,
            json!({
                "meshName": "bench", "virtualRouterName": router,
                "spec": { "listeners": [{ "portMapping": { "port": 8080, "protocol": "http" } }] },
            }),
        )?;
        write(
            "service",
            &service,
            json!({
                "meshName": "bench", "virtualServiceName": service,
                "spec": { "provider": { "virtualRouter": { "virtualRouterName": router } } },
            }),
        )?;
        for number in 0..ROUTES {
            write("route", &format!("{router}-{number}"), route(index, number))?;
        }
    }
    Ok(files)
}

fn service(index: usize) -> String {
    format!("service-{index}.bench.local")
}

fn virtual_node(index: usize) -> Value {
    let backends: Vec<Value> = (1..=3)
        .map(|step| json!({ "virtualService": { "virtualServiceName": service((index + step) % SERVICES) } }))
        .collect();
    json!({
        "meshName": "bench", "virtualNodeName": format!("node-{index}"),
        "spec": {
            "backends": backends,
            "listeners": [{
                "portMapping": { "port": 8080, "protocol": "http" },
                "healthCheck": {
                    "protocol": "http", "path": "/ping", "healthyThreshold": 2, "unhealthyThreshold": 2,
                    "timeoutMillis": 2000, "intervalMillis": 5000,
                },
            }],
            "serviceDiscovery": { "dns": { "hostname": format!("node-{index}.bench.local"), "responseType": "ENDPOINTS" } },
        },
    })
}

fn route(index: usize, number: usize) -> Value {
    let other = (index + number + 1) % SERVICES;
    json!({
        "meshName": "bench", "virtualRouterName": format!("router-{index}"),
        "routeName": format!("route-{number}"),
        "spec": { "priority": number, "httpRoute": {
            "match": { "prefix": format!("/v{number}/") },
            "action": { "weightedTargets": [
                { "virtualNode": format!("node-{index}"), "weight": 90 },
                { "virtualNode": format!("node-{other}"), "weight": 10 },
            ] },
        } },
    })
}

/// A new process reads, checks and resolves, and explains one request by the result.
fn new_process(daemon: &Path, directory: &Path) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let output = Command::new(daemon)
            .args(["explain", "--mesh-config"])
            .arg(directory)
            .args(["--resource", WORKLOAD, "--json"])
            .arg(format!("http://{}:8080/v2/x", service(18)))
            .stderr(Stdio::inherit())
            .output()?;
        times.push(begin.elapsed());
        ensure!(output.status.success(), "explain failed");
        let answer: Value = serde_json::from_slice(&output.stdout)?;
        ensure!(
            answer
                .to_string()
                .contains("cds_egress_bench_node-21_http_8080"),
            "the request was not resolved as the documents say: {answer:#}"
        );
    }
    // Kibibytes, of the largest child (getrusage(2)).
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss() / 1024;
    println!(
        "read, checked and resolved in a new process: {}",
        spread(&mut times)
    );
    println!(
        "  of the limit of 2 s: {:.2}",
        times[ROUNDS / 2].as_secs_f64() / 2.0
    );
    println!(
        "peak memory of it: {peak} MiB, of the limit of 400 MiB: {:.2}",
        to_f64(peak) / 400.0
    );
    Ok(())
}

/// One file changes under watch: to the set, to the documents, to the snapshot.
async fn one_change(path: &Path) -> Result<()> {
    let mut directory = Directory::new(path);
    let mut parser = Parser::new(Inputs::default());
    let set = directory.read()?;
    let resource: ResourceName = WORKLOAD.parse()?;
    weight(&parser.parse(&set).documents, &resource)?;
    let mut watch = Watch::start(directory);
    let (mut whole, mut work) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let mut changed = route(18, 2);
        let given = 50 + u32::try_from(round)?;
        changed["spec"]["httpRoute"]["action"]["weightedTargets"][0]["weight"] = json!(given);
        let begin = Instant::now();
        replace(&path.join("route/router-18-2.json"), &changed)?;
        let set = watch.changed().await?;
        let read = Instant::now();
        let parsed = parser.parse(&set);
        let seen = weight(&parsed.documents, &resource)?;
        work.push(read.elapsed());
        whole.push(begin.elapsed());
        ensure!(
            seen == given,
            "the snapshot has weight {seen} where {given} was written"
        );
    }
    println!(
        "one changed file, from its set to the snapshot: {}",
        spread(&mut work)
    );
    println!(
        "  of the limit of 100 ms: {:.2}",
        work[ROUNDS / 2].as_secs_f64() / 0.1
    );
    println!(
        "one changed file, from the write to the snapshot, waiting for quiet included: {}",
        spread(&mut whole)
    );
    println!(
        "  of the limit of 100 ms: {:.2}",
        whole[ROUNDS / 2].as_secs_f64() / 0.1
    );
    Ok(())
}

/// As an editor writes: another file, renamed.
fn replace(path: &Path, document: &Value) -> Result<()> {
    let mut beside: PathBuf = path.to_owned();
    beside.set_file_name(".beside");
    let mut file = fs::File::create(&beside)?;
    file.write_all(document.to_string().as_bytes())?;
    Ok(fs::rename(beside, path)?)
}

/// The first weight of the route that the rounds change, in the snapshot.
fn weight(documents: &Documents, resource: &ResourceName) -> Result<u32> {
    let resolved = resolve(documents, resource, &Environment::new())
        .map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let Some(EgressPort::Http(table)) = resolved.snapshot.egress.get(&8080) else {
        anyhow::bail!("nothing answers on port 8080");
    };
    let host = table
        .virtual_hosts
        .iter()
        .find(|host| host.name == service(18));
    let route = host.and_then(|host| host.routes.iter().find(|route| route.name == "route-2"));
    let route = route.context("the route is not there")?;
    Ok(route.targets[0].weight)
}

/// Sorts, and says the median and both ends.
fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let (first, last) = (times[0], times[times.len() - 1]);
    format!(
        "median {:.1?} ({first:.1?} to {last:.1?})",
        times[times.len() / 2]
    )
}

#[expect(clippy::cast_precision_loss, reason = "mebibytes are few")]
fn to_f64(number: i64) -> f64 {
    number as f64
}
