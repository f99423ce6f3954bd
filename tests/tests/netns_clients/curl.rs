//! curl, which downloads, uploads, asks for heads, and keeps its connection.

use std::fs;

use tests::{
    client::Curl,
    web::{
        Speaks,
        site::{SMALL, SMALL_PATH},
    },
};

use super::mesh::Mesh;

/// Bytes of what is transferred: many windows of flow control.
const LARGE: usize = 8 << 20;

/// A file down and up again, and its head: three requests.
fn transfers(mesh: &Mesh, site: &tests::web::site::Site, curl: &Curl) {
    let bytes: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..))
        .take(LARGE)
        .collect();
    site.write("large", &bytes).unwrap();
    let copy = mesh.scenario.service_a.directory().join("copy");
    let copy = copy.to_string_lossy();
    let down = curl.clone().args(["--output", &copy]);
    let answer = down.get(&mesh.url("/large")).unwrap();
    assert!(answer.is_ok(), "{answer:?}");
    assert!(fs::read(&*copy).unwrap() == bytes, "the download differs");
    let up = curl.clone().args(["--upload-file", &copy]);
    let answer = up.get(&mesh.url("/copy")).unwrap();
    assert_eq!((answer.exit, answer.status), (0, 201), "{answer:?}");
    assert!(site.read("copy").unwrap() == bytes, "the upload differs");
    let head = curl.clone().args(["--head"]);
    let answer = head.get(&mesh.url("/large")).unwrap();
    assert!(answer.is_ok(), "{answer:?}");
    let length = format!("content-length: {LARGE}\r\n");
    let fields = answer.body.to_lowercase();
    assert!(fields.contains(&length), "{answer:?}");
}

#[test]
fn curl_downloads_and_uploads_by_http1_on_one_connection() {
    let Some((mesh, site)) = Mesh::with_site(Speaks::Http1) else {
        return;
    };
    transfers(&mesh, &site, &mesh.curl());
    mesh.assert_through(3);
    // Without a length, in chunks.
    let copy = mesh.scenario.service_a.directory().join("copy");
    let copy = copy.to_string_lossy();
    let chunked = [
        "--header",
        "Transfer-Encoding: chunked",
        "--upload-file",
        &copy,
    ];
    let answer = mesh.curl().args(chunked).get(&mesh.url("/chunked"));
    assert_eq!(answer.unwrap().status, 201);
    assert!(site.read("chunked").unwrap() == site.read("large").unwrap());
    let answers = mesh.curl().many(&mesh.url(SMALL_PATH), 50).unwrap();
    assert_eq!(answers.from(SMALL), 50, "{:?}", answers.failures());
    mesh.assert_through(3 + 1 + 50);
}

#[test]
fn curl_downloads_and_uploads_by_http2_with_prior_knowledge() {
    let Some((mesh, site)) = Mesh::with_site(Speaks::Http2) else {
        return;
    };
    transfers(&mesh, &site, &mesh.curl().http2());
    mesh.assert_through(3);
}
