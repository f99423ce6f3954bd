//! The rules for header fields over plain lists, as RFC 9110 and Envoy's documentation word them.

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

/// Fields in the order in which they came.
type Fields = Vec<(String, String)>;

/// Names that the rules know and names that they do not, and values that name them.
fn fields() -> impl Strategy<Value = Fields> {
    let name = select(vec![
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "transfer-encoding",
        "upgrade",
        "expect",
        "host",
        "content-length",
        "trailer",
        "cookie",
        "x-request-id",
        "x-forwarded-proto",
        "x-envoy-expected-rq-timeout-ms",
        "x-mine",
        "server",
    ]);
    let member = select(vec![
        "close",
        "Keep-Alive",
        "X-Mine",
        "te",
        "host",
        "Content-Length",
        "x-request-id",
        "no name",
        "trailers",
        "TRAILERS",
        "gzip",
        "chunked",
        "100-Continue",
        "a=b",
        "",
    ]);
    let value = vec(member, 0..4).prop_map(|members| members.join(", "));
    vec((name.prop_map(str::to_owned), value), 0..12)
}

fn as_map(fields: &Fields) -> HeaderMap {
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    map(&fields)
}

/// The members of all fields of a name, in lower case.
fn members(fields: &Fields, of: &str) -> Vec<String> {
    let values = fields.iter().filter(|(name, _)| name == of);
    let members = values.flat_map(|(_, value)| value.split(','));
    members
        .map(|member| member.trim().to_ascii_lowercase())
        .collect()
}

/// What is left of fields on another connection, where these are named for this one.
fn forwarded(fields: &Fields, named: &[String]) -> Fields {
    const OF_ONE_CONNECTION: [&str; 6] = [
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "transfer-encoding",
        "upgrade",
    ];
    let stays = |(name, _): &&(String, String)| {
        let is_named = named.contains(name) && name != "host";
        !OF_ONE_CONNECTION.contains(&name.as_str()) && !is_named
    };
    fields.iter().filter(stays).cloned().collect()
}

fn set(fields: &mut Fields, name: &str, value: &str) {
    fields.retain(|(own, _)| own != name);
    fields.push((name.to_owned(), value.to_owned()));
}

fn request(fields: &Fields, timeout: Option<u64>) -> Fields {
    let mut out = forwarded(fields, &members(fields, "connection"));
    let expected = out.iter().find(|(name, _)| name == "expect");
    if expected.is_some_and(|(_, value)| value.eq_ignore_ascii_case("100-continue")) {
        out.retain(|(name, _)| name != "expect");
    }
    if members(fields, "te").contains(&"trailers".to_owned()) {
        set(&mut out, "te", "trailers");
    }
    if !out.iter().any(|(name, _)| name == "x-forwarded-proto") {
        set(&mut out, "x-forwarded-proto", "http");
    }
    if let Some(timeout) = timeout {
        let value = timeout.to_string();
        set(&mut out, "x-envoy-expected-rq-timeout-ms", &value);
    }
    out
}

fn answer(fields: &Fields, took: Option<u64>) -> Fields {
    let mut out = forwarded(fields, &[]);
    if let Some(took) = took {
        set(&mut out, "x-envoy-upstream-service-time", &took.to_string());
    }
    set(&mut out, "server", "envoy");
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_request_goes_on_with_the_fields_of_the_rules(
        fields in fields(),
        timeout in prop::option::of(0_u64..100_000),
    ) {
        let mut headers = as_map(&fields);
        prepare_request(&mut headers, timeout.map(Duration::from_millis));
        let expected = as_map(&request(&fields, timeout));
        let number = headers.get(&X_REQUEST_ID).cloned();
        prop_assert!(number.is_some());
        if !expected.contains_key(&X_REQUEST_ID) {
            headers.remove(&X_REQUEST_ID);
        }
        prop_assert_eq!(headers, expected);
    }

    #[test]
    fn an_answer_goes_on_with_the_fields_of_the_rules(
        fields in fields(),
        took in prop::option::of(0_u64..100_000),
    ) {
        let mut headers = as_map(&fields);
        prepare_answer(&mut headers, took.map(Duration::from_millis));
        prop_assert_eq!(headers, as_map(&answer(&fields, took)));
    }
}
