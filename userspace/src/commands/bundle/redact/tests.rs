use super::*;

/// The text with each `hidden…` in it gone.
fn assert_clean(text: &str) {
    let (redacted, taken_out) = Redactor::new().redact(text);
    assert!(taken_out > 0, "{text}");
    assert!(!redacted.contains("hidden"), "{text}\n→ {redacted}");
}

#[test]
fn secrets_go_by_their_names_in_every_notation() {
    for text in [
        r#"{"password": "hidden1", "x": 1}"#,
        r#"{"db_password":"a \"hidden1\" b"}"#,
        "DB_PASSWORD=hidden1 other",
        "apiToken: hidden1\nnext: 2",
        "export AWS_SECRET_ACCESS_KEY='hidden1 hidden2'",
        "client-secret = hidden1",
        "run --auth-token hidden1 --json",
        "Authorization: Bearer hidden1",
        "cookie: a=hidden1; b=hidden2",
        "password: hidden1 hidden2\nnext: 3",
        "- api-key: hidden1, hidden2",
        "  secret: |\n    hidden1\n\n    hidden2\n  next: 3",
        "tls.key: >-\n  hidden1",
        "kind: Secret\ndata:\n  tls.crt: hidden1\n  other: hidden2\ntype: x",
    ] {
        assert_clean(text);
    }
}

#[test]
fn secrets_go_by_their_form() {
    let key = "-----BEGIN RSA PRIVATE KEY-----\nhidden1\nhidden2\n-----END RSA PRIVATE KEY-----";
    assert_clean(key);
    assert_clean("-----BEGIN PRIVATE KEY-----\nhidden1 that is cut");
    assert_clean("http://user:hidden1@192.0.2.7:80/path");
    let (aws, count) = Redactor::new().redact("id AKIAIOSFODNN7EXAMPLE.");
    assert_eq!((aws.as_str(), count), ("id [taken out].", 1));
    let (token, count) = Redactor::new().redact("t eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl");
    assert_eq!((token.as_str(), count), ("t [taken out]", 1));
}

#[test]
fn what_is_no_secret_stays_as_it_was() {
    for text in [
        "http://192.0.2.7:80/path?a=b",
        "certificateArn: arn:aws:acm:eu-west-1:123456789012:certificate/1",
        "mesh/apps/virtualNode/serviceA",
        "{\"address\": \"[2001:db8::7]:80\"}",
        "a@b.example",
    ] {
        assert_eq!(Redactor::new().redact(text), (text.to_owned(), 0));
    }
}

#[test]
fn what_stands_around_a_block_stays() {
    let text =
        "kind: ConfigMap\ndata:\n  a: b\n---\nkind: Secret\ndata:\n  a: c\ntype: x\n---\nd: e\n";
    let (redacted, taken_out) = Redactor::new().redact(text);
    assert_eq!(taken_out, 1);
    assert_eq!(redacted, text.replace("  a: c\n", "  [taken out]\n"));
}

#[test]
fn the_host_behind_a_password_stays() {
    let (text, _) = Redactor::new().redact("redis://u:hidden1@cache.internal:6379/0");
    assert_eq!(text, "redis://[taken out]@cache.internal:6379/0");
}

#[test]
fn only_variables_of_the_mesh_are_shown() {
    assert!(is_shown("APPMESH_APP_PORTS") && is_shown("FERROMESH_INSTANCE"));
    assert!(!is_shown("AWS_SESSION_TOKEN") && !is_shown("PGPASSWORD") && !is_shown("HOME"));
}
