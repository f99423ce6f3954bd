//! wrk, which has as many requests answered as it can in a time.

use tests::{
    host::Place,
    process,
    web::{Speaks, site::SMALL_PATH},
};

use super::mesh::Mesh;

/// Connections, each with a request on its way when the time is over.
const CONNECTIONS: u64 = 32;

#[test]
fn wrk_sees_no_error_on_32_connections() {
    let Some((mesh, _site)) = Mesh::with_site(Speaks::Http1) else {
        return;
    };
    let mut wrk = mesh.scenario.service_a.command(Place::Workload, "wrk");
    wrk.args(["--threads", "2", "--duration", "1s", "--connections"])
        .args([CONNECTIONS.to_string(), mesh.url(SMALL_PATH)]);
    let said = process::run(&mut wrk).unwrap();
    for problem in ["Socket errors", "Non-2xx"] {
        assert!(!said.contains(problem), "{said}");
    }
    let answered = said.lines().find_map(|line| {
        let (number, _) = line.trim().split_once(" requests in ")?;
        number.parse::<u64>().ok()
    });
    let answered = answered.unwrap_or_else(|| panic!("no number of requests: {said}"));
    assert!(answered >= CONNECTIONS, "{said}");
    for counted in mesh.counted() {
        assert!(
            (answered..=answered + CONNECTIONS).contains(&counted),
            "a proxy counted {counted}: {said}"
        );
    }
}
