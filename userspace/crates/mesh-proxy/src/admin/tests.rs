use http_body_util::BodyExt as _;

use super::*;

async fn get(registry: &Registry, target: &str) -> (StatusCode, String) {
    ask(registry, Method::GET, target).await
}

async fn ask(registry: &Registry, method: Method, target: &str) -> (StatusCode, String) {
    let request = Request::builder()
        .method(method)
        .uri(target)
        .body(())
        .unwrap();
    let (parts, body) = answer(&request, registry, "0.1").into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (parts.status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn readiness_follows_the_state() {
    let registry = Registry::new("w", 1);
    for (state, status, text) in [
        (ServerState::Initializing, 503, "INITIALIZING\n"),
        (ServerState::Live, 200, "LIVE\n"),
        (ServerState::Draining, 503, "DRAINING\n"),
    ] {
        registry.set_state(state);
        let (got, body) = get(&registry, "/ready").await;
        assert_eq!((got.as_u16(), body.as_str()), (status, text));
    }
}

#[tokio::test]
async fn stats_come_in_three_formats() {
    let registry = Registry::new("w", 1);
    let (_, text) = get(&registry, "/stats?filter=server.concurrency").await;
    assert_eq!(text, "server.concurrency: 1\n");
    let (_, text) = get(&registry, "/stats?filter=server%2Ec&format=json").await;
    assert_eq!(
        text,
        r#"{"stats":[{"name":"server.concurrency","value":1}]}"#
    );
    let (_, text) = get(&registry, "/stats/prometheus?filter=server.c").await;
    assert!(text.ends_with("envoy_server_concurrency{} 1\n"), "{text}");
    let (_, same) = get(&registry, "/stats?format=prometheus&filter=server.c").await;
    assert_eq!(same, text);
    let (status, _) = get(&registry, "/stats?format=xml").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_level_of_the_log_is_told_and_set() {
    let registry = Registry::new("w", 1);
    let all = |level: &str| (StatusCode::OK, format!("active loggers:\n  all: {level}\n"));
    for (target, expected) in [
        ("/logging", all("info")),
        ("/logging?level=debug", all("debug")),
        ("/logging", all("debug")),
        ("/logging?level=warn", all("warning")),
        ("/logging?level=off", all("off")),
    ] {
        assert_eq!(ask(&registry, Method::POST, target).await, expected);
    }
    for target in ["/logging?level=loud", "/logging?router=debug"] {
        let (status, body) = ask(&registry, Method::POST, target).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(body.starts_with("error: unknown logger"), "{body}");
    }
    assert_eq!(ask(&registry, Method::POST, "/logging").await, all("off"));
}

#[tokio::test]
async fn what_changes_something_is_not_got() {
    let registry = Registry::new("w", 1);
    for target in ["/logging?level=off", "/reopen_logs"] {
        let (status, body) = get(&registry, target).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(body, "Method GET not allowed, POST required.");
    }
    let answer = ask(&registry, Method::POST, "/reopen_logs").await;
    assert_eq!(answer, (StatusCode::OK, "OK\n".to_owned()));
}

#[tokio::test]
async fn an_unknown_path_is_404_with_the_list() {
    let (status, body) = get(&Registry::new("w", 1), "/nope").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(
        body.starts_with("invalid path. admin commands are:"),
        "{body}"
    );
}

#[test]
fn percent_decoding_leaves_alone_what_is_not_encoded() {
    assert_eq!(percent_decode("a%2eb%2"), "a.b%2");
    assert_eq!(percent_decode("%zz%+1"), "%zz%+1");
    assert_eq!(percent_decode("100%"), "100%");
}
