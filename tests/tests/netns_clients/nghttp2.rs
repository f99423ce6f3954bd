//! nghttp and h2load of nghttp2: many streams at a time, with the priorities that nghttp still sends.

use std::process::Command;

use tests::{
    host::Place,
    process,
    web::{Speaks, site::SMALL_PATH},
};

use super::mesh::{Mesh, text};

fn nghttp(mesh: &Mesh) -> Command {
    mesh.scenario.service_a.command(Place::Workload, "nghttp")
}

#[test]
fn nghttp_has_its_requests_answered_at_a_time() {
    let Some((mesh, site)) = Mesh::with_site(Speaks::Http2) else {
        return;
    };
    let mut many = nghttp(&mesh);
    many.args([
        "--null-out",
        "--stat",
        "--multiply=200",
        &mesh.url(SMALL_PATH),
    ]);
    let table = process::run(&mut many).unwrap();
    // id, end, start, process, code, size, path
    let row = |line: &&str| line.split_whitespace().skip(4).eq(["200", "6", SMALL_PATH]);
    assert_eq!(table.lines().filter(row).count(), 200, "{table}");
    mesh.assert_through(200);

    let text = text(400_000);
    site.write("large", text.as_bytes()).unwrap();
    let body = process::run(nghttp(&mesh).arg(mesh.url("/large"))).unwrap();
    assert!(body == text, "the download differs");
    let file = mesh.scenario.service_a.directory().join("upload");
    std::fs::write(&file, &text).unwrap();
    let mut upload = nghttp(&mesh);
    upload
        .args(["--header=:method: PUT", "--data"])
        .arg(&file)
        .arg(mesh.url("/copy"));
    process::run(&mut upload).unwrap();
    assert!(
        site.read("copy").unwrap() == text.as_bytes(),
        "the upload differs"
    );
    mesh.assert_through(202);
}

#[test]
fn h2load_has_every_request_answered_by_http2_and_by_http1() {
    let Some((mesh, _site)) = Mesh::with_site(Speaks::Http2) else {
        return;
    };
    for words in [
        &["--clients=4", "--max-concurrent-streams=32"][..],
        // Towards the service it is HTTP/2 all the same, as its listener says.
        &["--clients=16", "--h1"],
    ] {
        let mut h2load = mesh.scenario.service_a.command(Place::Workload, "h2load");
        h2load
            .args(["--requests=1600", "--threads=2"])
            .args(words)
            .arg(mesh.url(SMALL_PATH));
        let said = process::run(&mut h2load).unwrap();
        let all = "1600 done, 1600 succeeded, 0 failed, 0 errored, 0 timeout\n\
                   status codes: 1600 2xx, 0 3xx, 0 4xx, 0 5xx";
        assert!(said.contains(all), "{words:?}: {said}");
    }
    mesh.assert_through(3200);
}
