use http::Response;

use super::*;

fn answer(status: u16, grpc: Option<&str>) -> response::Parts {
    let mut response = Response::builder().status(status);
    if let Some(grpc) = grpc {
        response = response.header("grpc-status", grpc);
    }
    response.body(()).unwrap().into_parts().0
}

#[test]
fn an_answer_counts_by_its_status() {
    assert_eq!(of_answer(&answer(404, None), false), 404);
    assert_eq!(of_answer(&answer(200, Some("14")), false), 200);
}

#[test]
fn an_answer_to_grpc_counts_by_grpcs_status_where_it_begins_with_that() {
    for (grpc, expected) in [
        ("0", 200),
        ("14", 503),
        ("5", 404),
        ("13", 500),
        ("99", 500),
    ] {
        assert_eq!(of_answer(&answer(200, Some(grpc)), true), expected);
    }
    assert_eq!(of_answer(&answer(502, None), true), 502);
    assert_eq!(of_answer(&answer(200, Some("-1")), true), 200);
}
