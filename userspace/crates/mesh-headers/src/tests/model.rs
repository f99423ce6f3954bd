//! The rules for header fields over plain lists, as RFC 9110 and Envoy's documentation word them.

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

/// Fields in the order in which they came.
type Fields = Vec<(String, String)>;

/// What chance gives here, and the number that Envoy makes of it.
const CHANCE: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;
const MADE: &str = "01234567-89ab-Xdef-8123-456789abcdef";

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
        "x-client-trace-id",
        "x-forwarded-proto",
        "x-envoy-expected-rq-timeout-ms",
        "x-envoy-retry-on",
        "x-envoy-internal",
        "x-envoy-upstream-rq-timeout-ms",
        "x-envoy-decorator-operation",
        "x-envoy-original-path",
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
        "x-envoy-internal",
        "no name",
        "trailers",
        "TRAILERS",
        "gzip",
        "chunked",
        "100-Continue",
        "a=b",
        "",
    ]);
    let value = prop_oneof![
        6 => vec(member, 0..4).prop_map(|members| members.join(", ")),
        1 => select(vec![
            "6f1a0e00-6c05-4b4f-9d30-8f2c3c0a6f11",
            "6f1a0e00-6c05-bb4f-9d30-8f2c3c0a6f11",
            "zf1a0e00-6c05-4b4f-9d30-8f2c3c0a6f11",
        ])
        .prop_map(str::to_owned),
    ];
    vec((name.prop_map(str::to_owned), value), 0..12)
}

/// The fields of a message, its direction, and a time in milliseconds where there is one.
fn messages() -> impl Strategy<Value = (Fields, Direction, Option<u64>)> {
    let direction = select(vec![Direction::Egress, Direction::Ingress]);
    (fields(), direction, prop::option::of(0_u64..100_000))
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

fn number(fields: &mut Fields) {
    let is_forced = fields.iter().any(|(name, _)| name == "x-client-trace-id");
    let version = if is_forced { "b" } else { "9" };
    let number = fields.iter_mut().find(|(name, _)| name == X_REQUEST_ID);
    match number {
        Some((_, number)) if !number.is_empty() => {
            let is_uuid = number.len() == 36 && u32::from_str_radix(&number[..8], 16).is_ok();
            if is_uuid && !["9", "a", "b"].contains(&&number[14..15]) {
                number.replace_range(14..15, version);
                let number = number.clone();
                set(fields, X_REQUEST_ID, &number);
            }
        }
        _ => set(fields, X_REQUEST_ID, &MADE.replace('X', version)),
    }
}

fn request(fields: &Fields, direction: Direction, timeout: Option<u64>) -> Fields {
    let mut out = forwarded(fields, &members(fields, "connection"));
    out.retain(|(name, _)| {
        ![
            "x-envoy-expected-rq-timeout-ms",
            "x-envoy-internal",
            "x-envoy-retry-on",
            "x-envoy-upstream-rq-timeout-ms",
        ]
        .contains(&name.as_str())
    });
    if direction == Direction::Ingress {
        out.retain(|(name, _)| name != "x-envoy-decorator-operation");
    }
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
    number(&mut out);
    if let Some(timeout) = timeout {
        let value = timeout.to_string();
        set(&mut out, "x-envoy-expected-rq-timeout-ms", &value);
    }
    out
}

fn answer(fields: &Fields, direction: Direction, took: Option<u64>) -> Fields {
    let mut out = forwarded(fields, &[]);
    if direction == Direction::Egress {
        out.retain(|(name, _)| name != "x-envoy-decorator-operation");
    }
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
        (fields, direction, timeout) in messages(),
    ) {
        let mut headers = as_map(&fields);
        prepare_request(&mut headers, direction, timeout.map(Duration::from_millis), || CHANCE);
        prop_assert_eq!(&headers, &as_map(&request(&fields, direction, timeout)));
        let once = headers.clone();
        prepare_request(&mut headers, direction, timeout.map(Duration::from_millis), || CHANCE);
        prop_assert_eq!(headers, once, "a second proxy finds nothing to do");
    }

    #[test]
    fn an_answer_goes_on_with_the_fields_of_the_rules(
        (fields, direction, took) in messages(),
    ) {
        let mut headers = as_map(&fields);
        prepare_answer(&mut headers, direction, took.map(Duration::from_millis));
        prop_assert_eq!(headers, as_map(&answer(&fields, direction, took)));
    }
}
