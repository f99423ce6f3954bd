//! The statistics of each workload, from the admin interface in its own network namespace.

use std::{
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    path::Path,
    time::Duration,
};

use anyhow::Context;
use ferromesh_proto::control::{StatusResponse, Workload};
use mesh_bpf::{inspect::InstanceReport, survey::namespace};

use super::Gathered;

/// How long an answer may take; a hung daemon must not hold the bundle up.
const ANSWER: Duration = Duration::from_secs(3);
/// The most of an answer, in bytes.
const MOST: u64 = 4 << 20;

pub(super) fn gather(
    gathered: &mut Gathered,
    status: &StatusResponse,
    kernel: Option<&InstanceReport>,
) {
    for workload in &status.workloads {
        let name = format!("stats-{}.txt", workload.name);
        let Some(address) = admin_address(workload) else {
            gathered.without(&name, "no admin interface");
            continue;
        };
        let enrolled = kernel.and_then(|kernel| {
            let mut all = kernel.workloads.iter();
            all.find(|enrolled| enrolled.name == workload.name)
        });
        let netns = enrolled
            .and_then(|enrolled| enrolled.netns.clone())
            .unwrap_or_else(|| namespace::of_process(status.pid));
        match ask(&netns, address) {
            Ok(text) => gathered.text(name, text),
            Err(error) => gathered.without(&name, format!("{error:#}")),
        }
    }
}

/// Where the admin interface can be asked from its own namespace.
fn admin_address(workload: &Workload) -> Option<SocketAddr> {
    let mut listeners = workload.listeners.iter();
    let admin = listeners.find(|listener| listener.role == "admin")?;
    let address: SocketAddr = admin.address.parse().ok()?;
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    Some(SocketAddr::new(ip, address.port()))
}

fn ask(netns: &Path, address: SocketAddr) -> anyhow::Result<String> {
    let answer = namespace::inside(netns, || {
        fetch(address).map_err(|error| format!("{address} does not answer: {error}"))
    })?;
    let answer = answer.map_err(anyhow::Error::msg)?;
    let (_, body) = answer
        .split_once("\r\n\r\n")
        .context("the admin interface does not speak HTTP")?;
    Ok(body.to_owned())
}

fn fetch(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.set_write_timeout(Some(ANSWER))?;
    write!(
        stream,
        "GET /stats HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut bytes = Vec::new();
    stream.take(MOST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
