use ferromesh_proto::control::Header;

use super::*;

fn request() -> TappedRequest {
    TappedRequest {
        workload: "serviceA".to_owned(),
        direction: "egress".to_owned(),
        client: "192.0.2.1:4567".to_owned(),
        method: "GET".to_owned(),
        authority: "b.local".to_owned(),
        path: "/colour?key=…".to_owned(),
        cluster: "cds_b".to_owned(),
        endpoint: "192.0.2.2:80".to_owned(),
        status: 200,
        duration_us: 12_340,
        headers: vec![Header {
            name: "cookie".to_owned(),
            value: "[redacted]".to_owned(),
        }],
        ..TappedRequest::default()
    }
}

fn line(request: &TappedRequest) -> String {
    let at = Timestamp::UNIX_EPOCH;
    Line { request, at }.to_string()
}

#[test]
fn a_line_says_who_asked_whom_and_what_came_of_it() {
    let begin = "1970-01-01T00:00:00.000Z serviceA     egress  192.0.2.1:4567 ";
    assert_eq!(
        line(&request()),
        format!("{begin}GET b.local/colour?key=… → 192.0.2.2:80 (cds_b): 200, 12.3ms")
    );
    let failed = TappedRequest {
        status: 503,
        reason: "no-healthy-host".to_owned(),
        flags: "UH".to_owned(),
        endpoint: String::new(),
        ..request()
    };
    assert_eq!(
        line(&failed),
        format!("{begin}GET b.local/colour?key=… → cds_b: 503 no-healthy-host UH, 12.3ms")
    );
    let malformed = TappedRequest {
        status: 400,
        reason: "bad-request".to_owned(),
        method: String::new(),
        cluster: String::new(),
        ..request()
    };
    assert_eq!(
        line(&malformed),
        format!("{begin}(no request): 400 bad-request, 12.3ms")
    );
    let left = TappedRequest {
        status: 0,
        flags: "DC".to_owned(),
        ..request()
    };
    assert!(line(&left).ends_with("(cds_b): no answer DC, 12.3ms"));
}

#[test]
fn an_object_has_the_time_and_the_header_fields() {
    let value = object(&request(), Timestamp::UNIX_EPOCH).expect("an object");
    assert_eq!(value["at"], "1970-01-01T00:00:00Z");
    assert_eq!(value["status"], 200);
    assert_eq!(value["headers"][0]["value"], "[redacted]");
}

#[test]
fn the_summary_leaves_nothing_out_that_was_not_shown() {
    let summary = Summary(&TapCost {
        seen: 100,
        shown: 1,
        unwanted: 2,
        unsampled: 50,
        limited: 3,
        dropped: 4,
        unlooked: 5,
        nanoseconds: 100_000,
        budget_nanoseconds: 20_000_000,
    });
    assert_eq!(
        summary.to_string(),
        "100 requests passed, 1 shown, 2 not asked for, 50 left out by --sample, 3 beyond --rate, 4 dropped, \
         as they came faster than they were read, 5 not looked at, as 20ms of a second were used up\n\
         it cost the workers 100.0µs, 2.0µs for each request that was looked at; they give it 20ms a second \
         at most"
    );
    let nothing = Summary(&TapCost::default()).to_string();
    assert!(
        nothing.starts_with("0 requests passed, 0 shown\n"),
        "{nothing}"
    );
}
