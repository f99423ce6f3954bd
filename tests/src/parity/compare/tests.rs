use super::{
    super::{
        http1::{Kind, Read, read},
        observation::add_message,
    },
    *,
};

const RIGHT: &str = "HTTP/1.1 200 OK\r\nserver: envoy\r\nset-cookie: a\r\nset-cookie: b\r\n\
                     transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n";

fn observed(bytes: &str, end: &str) -> Observation {
    let Read::Whole(message, _) = read(bytes.as_bytes(), Kind::Answer, true) else {
        panic!("no message: {bytes:?}");
    };
    let mut observation = Observation::new();
    add_message(&mut observation, "client.1", &message);
    observation.insert("client.end".to_owned(), end.to_owned());
    observation
}

/// The fields in which something wrong is told from [`RIGHT`].
fn told(wrong: &str, end: &str) -> Vec<String> {
    let differences = compare(
        "http1/a",
        &observed(RIGHT, "open"),
        &observed(wrong, end),
        &[],
    );
    differences.into_iter().map(|found| found.field).collect()
}

#[test]
fn what_is_equal_has_no_differences() {
    assert_eq!(told(RIGHT, "open"), [""; 0]);
}

#[test]
fn each_part_that_is_wrong_is_told() {
    let cases = [
        ("200 OK", "201 Created", "client.1.line"),
        ("server: envoy", "server: other", "client.1.header.server"),
        (
            "set-cookie: a\r\nset-cookie: b",
            "set-cookie: b\r\nset-cookie: a",
            "client.1.header.set-cookie",
        ),
        ("abc", "abd", "client.1.body"),
        ("x-t: 1", "x-t: 2", "client.1.trailer.x-t"),
    ];
    for (right, wrong, field) in cases {
        assert_eq!(told(&RIGHT.replace(right, wrong), "open"), [field]);
    }
}

#[test]
fn a_header_too_many_and_a_header_too_few_are_told() {
    assert_eq!(
        told(&RIGHT.replace("server: envoy\r\n", ""), "open"),
        ["client.1.header.server"]
    );
    assert_eq!(
        told(&RIGHT.replace("server:", "x-more: 1\r\nserver:"), "open"),
        ["client.1.header.x-more"]
    );
}

#[test]
fn another_end_is_told() {
    assert_eq!(told(RIGHT, "rst"), ["client.end"]);
}

#[test]
fn the_order_of_headers_with_different_names_is_no_difference() {
    let swapped = RIGHT.replace(
        "server: envoy\r\nset-cookie: a\r\nset-cookie: b",
        "set-cookie: a\r\nserver: envoy\r\nset-cookie: b",
    );
    assert_eq!(told(&swapped, "open"), [""; 0]);
}

#[test]
fn what_differs_by_nature_is_checked_for_its_form() {
    let with = |id: &str| RIGHT.replace("server: envoy", &format!("x-request-id: {id}"));
    let differences = |one: &str, other: &str| {
        compare(
            "http1/a",
            &observed(&with(one), "open"),
            &observed(&with(other), "open"),
            &[],
        )
        .len()
    };
    let (one, other) = (
        "b6ef1a0e-6c05-4b4f-9d30-8f2c3c0a6f11",
        "00000000-0000-4000-8000-000000000000",
    );
    assert_eq!(differences(one, other), 0);
    assert_eq!(differences(one, "00000000-0000-1000-8000-000000000000"), 1);
    assert_eq!(differences(one, "1"), 1);
}

#[test]
fn a_listed_difference_leaves_the_others_unlisted() {
    let entry = Entry {
        case: "http1/a".to_owned(),
        field: "client.1.line".to_owned(),
        reason: "stricter".to_owned(),
    };
    let wrong = RIGHT
        .replace("200 OK", "400 Bad Request")
        .replace("abc", "abd");
    let found = compare(
        "http1/a",
        &observed(RIGHT, "open"),
        &observed(&wrong, "open"),
        &[entry],
    );
    let listed: Vec<_> = found
        .iter()
        .map(|found| (found.field.as_str(), found.listed))
        .collect();
    assert_eq!(
        listed,
        [("client.1.body", None), ("client.1.line", Some(0))]
    );
}
