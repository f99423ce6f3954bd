//! nginx as the server: what it says of its files comes to the client as it said it.

use tests::{process, web::Speaks};

use super::mesh::{Mesh, text};

/// Status line, fields and body of an answer to curl with more arguments.
fn ask<const N: usize>(mesh: &Mesh, path: &str, arguments: [&str; N]) -> (String, String) {
    let curl = mesh.curl().args(["--include"]).args(arguments);
    let said = process::run(&mut curl.command(&mesh.url(path))).unwrap();
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

#[test]
fn nginx_answers_ranges_conditions_and_compressed_text() {
    let Some((mesh, site)) = Mesh::with_site(Speaks::Http1) else {
        return;
    };
    let text = text(20_000);
    site.write("page.txt", text.as_bytes()).unwrap();

    let (head, body) = ask(&mesh, "/page.txt", []);
    assert!(head.starts_with("http/1.1 200 ok"), "{head}");
    assert!(body == text);
    let tag = head
        .lines()
        .find_map(|line| line.strip_prefix("etag: "))
        .unwrap();
    let condition = format!("If-None-Match: {tag}");
    let (head, body) = ask(&mesh, "/page.txt", ["--header", &condition]);
    assert!(head.starts_with("http/1.1 304 not modified"), "{head}");
    assert_eq!(body, "");

    let (head, body) = ask(&mesh, "/page.txt", ["--range", "1000-1999"]);
    assert!(head.starts_with("http/1.1 206 partial content"), "{head}");
    let range = format!("content-range: bytes 1000-1999/{}", text.len());
    assert!(head.contains(&range), "{head}");
    assert_eq!(body, text[1000..2000]);
    let (head, body) = ask(&mesh, "/page.txt", ["--range", "0-4,7-10"]);
    assert!(
        head.contains("content-type: multipart/byteranges; boundary="),
        "{head}"
    );
    assert!(body.contains("\r\n\r\nline \r\n"), "{body}");

    let (head, body) = ask(&mesh, "/page.txt", ["--compressed"]);
    assert!(head.contains("content-encoding: gzip"), "{head}");
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    assert!(body == text);
    let (head, _) = ask(&mesh, "/none", []);
    assert!(head.starts_with("http/1.1 404 not found"), "{head}");
    mesh.assert_through(6);
}
