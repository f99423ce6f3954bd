//! Whether the proxy is well, asked as the daemon does: several times in the time that is allowed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use http::Version;
use mesh_model::snapshot::Protocol;
use mesh_proxy::Unwell;

use crate::support::{
    DEADLINE,
    client::Client,
    mesh::{HANG_PORT, Mesh},
    plan::Plan,
    server::{Server, echo},
};

const WITHIN: Duration = Duration::from_millis(400);

/// Asks until the answer is as wanted.
async fn pulse_until(mesh: &Mesh, wanted: impl Fn(&Result<(), Unwell>) -> bool) {
    let begun = Instant::now();
    loop {
        let pulse = mesh.proxy.pulse(WITHIN);
        if wanted(&pulse) {
            return;
        }
        assert!(begun.elapsed() < DEADLINE, "still {pulse:?}");
        tokio::time::sleep(WITHIN / 8).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_hangs_is_told_and_so_is_its_recovery() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    {
        let held_up = mesh.hold_up();
        let dialler = mesh.dialler();
        let destination = ([192, 0, 2, 1], HANG_PORT).into();
        let dialling = tokio::spawn(async move { dialler.dial(destination).await });
        let begun = Instant::now();
        loop {
            match mesh.proxy.pulse(WITHIN) {
                Err(Unwell::Stuck { worker, .. }) => {
                    assert!(worker.starts_with("test-"), "{worker}");
                    break;
                }
                pulse => assert!(begun.elapsed() < DEADLINE, "still {pulse:?}"),
            }
            thread::park_timeout(WITHIN / 8);
        }
        drop(held_up);
        let _stream = dialling.await.unwrap();
    }
    pulse_until(&mesh, Result::is_ok).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    assert_eq!(client.get("http://b.local/").await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_machine_is_no_reason() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let cores = thread::available_parallelism().unwrap().get();
    let busy: Vec<_> = (0..cores * 8)
        .map(|_| {
            let is_over = Arc::clone(&is_over);
            thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        })
        .collect();
    let begun = Instant::now();
    let mut pulse = Ok(());
    while pulse.is_ok() && begun.elapsed() < Duration::from_secs(4) {
        pulse = mesh.proxy.pulse(WITHIN / 4);
        tokio::time::sleep(WITHIN / 32).await;
    }
    is_over.store(true, Ordering::Relaxed);
    for thread in busy {
        thread.join().unwrap();
    }
    assert_eq!(pulse, Ok(()));
}
