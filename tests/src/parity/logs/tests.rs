use super::*;

const LINE: &str = "[2026-01-02T03:04:05.678Z] \"GET /a b HTTP/1.1\" 200 - 0 6 3 1 \"-\" \"case/7\" \
                    \"b6ef1a0e-6c05-4b4f-9d30-8f2c3c0a6f11\" \"paths.apps.local\" \"192.0.2.101:9080\"";

fn of(mesh: Mesh, line: &str) -> Observation {
    let mut seen = [(7, Observation::new())].into();
    add(&mut seen, mesh, line);
    seen.remove(&7).unwrap()
}

#[test]
fn the_default_line_is_put_into_its_fields() {
    let seen = of(Mesh::Routes, LINE);
    assert_eq!(seen["log.1.start"], "<start>");
    assert_eq!(seen["log.1.request"], "\"GET /a b HTTP/1.1\"");
    assert_eq!(seen["log.1.duration"], "<duration>");
    assert_eq!(seen["log.1.id"], "<id>");
    assert_eq!(seen["log.1.upstream"], "\"192.0.2.101:9080\"");
}

#[test]
fn what_has_not_its_form_is_told() {
    let seen = of(Mesh::Routes, &LINE.replace("05.678Z", "05Z"));
    assert_eq!(seen["log.1.start"], "[2026-01-02T03:04:05Z]");
}

#[test]
fn text_and_json_are_put_into_their_fields() {
    assert_eq!(
        of(Mesh::Web, "case=7\u{b6}status=200")["log.1.status"],
        "200"
    );
    assert_eq!(
        of(Mesh::Open, r#"{"case":"7","status":200}"#)["log.1.status"],
        "200"
    );
}

#[test]
fn lines_of_no_case_are_left_out() {
    assert!(of(Mesh::Web, "case=-\u{b6}dialled=192.0.2.100:80").is_empty());
}
