use std::sync::Arc;

use aws_config::Region;
use aws_sdk_servicediscovery::config::{Credentials, SharedCredentialsProvider};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket},
    sync::watch,
};

use super::*;

/// An endpoint that gives one answer, and what it was asked.
struct Endpoint {
    aws: Aws,
    asked: tokio::task::JoinHandle<String>,
}

impl Endpoint {
    async fn start(status: &str, body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}", listener.local_addr().unwrap());
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: \
             {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = String::new();
            while !asked.ends_with('}') {
                let mut some = [0; 4096];
                let read = stream.read(&mut some).await.unwrap();
                assert_ne!(read, 0, "{asked}");
                asked.push_str(std::str::from_utf8(&some[..read]).unwrap());
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            asked
        });
        Self {
            aws: asking(at),
            asked,
        }
    }

    async fn revision(status: &str, body: &str) -> Result<i64, ApiError> {
        Self::start(status, body)
            .await
            .aws
            .revision(&service())
            .await
    }

    async fn instances(status: &str, body: &str) -> Result<Vec<Registered>, ApiError> {
        let endpoint = Self::start(status, body).await;
        endpoint
            .aws
            .instances(&service(), &Attributes::default())
            .await
    }
}

/// Asks an endpoint.
fn asking(at: String) -> Aws {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        .endpoint_url(at)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    let aws = Aws::default();
    aws.client.set(client(&config).unwrap()).unwrap();
    aws
}

fn service() -> Service {
    Service {
        namespace: "shop.local".to_owned(),
        name: "payments".to_owned(),
    }
}

#[tokio::test]
async fn instances_are_asked_for_as_the_api_has_it() {
    let body = r#"{"Instances": [
        {"InstanceId": "1", "HealthStatus": "HEALTHY", "Attributes": {"AWS_INSTANCE_IPV4": "192.0.2.1"}},
        {"InstanceId": "2", "HealthStatus": "UNHEALTHY"},
        {"InstanceId": "3", "HealthStatus": "UNKNOWN"}, {"InstanceId": "4"}],
        "InstancesRevision": 7, "What came later": true}"#;
    let endpoint = Endpoint::start("200 OK", body).await;
    let attributes = Attributes::new(vec![("stage".to_owned(), "prod".to_owned())]);
    let answer = endpoint.aws.instances(&service(), &attributes).await;
    let health: Vec<Health> = answer.unwrap().iter().map(|one| one.health).collect();
    let [one, other] = [Health::Healthy, Health::Unhealthy];
    assert_eq!(health, [one, other, Health::Unchecked, Health::Unchecked]);
    let asked = endpoint.asked.await.unwrap();
    for part in [
        // Not of the host that AWS itself has for it.
        "\r\nhost: 127.0.0.1:",
        "\r\nx-amz-target: Route53AutoNaming_v20170314.DiscoverInstances\r\n",
        "/eu-west-1/servicediscovery/aws4_request",
        r#""NamespaceName":"shop.local""#,
        r#""ServiceName":"payments""#,
        r#""MaxResults":1000"#,
        r#""HealthStatus":"HEALTHY""#,
        r#""QueryParameters":{"stage":"prod"}"#,
    ] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
}

#[tokio::test]
async fn the_revision_is_a_number() {
    let answer = Endpoint::revision("200 OK", r#"{"InstancesRevision": 7}"#).await;
    assert_eq!(answer, Ok(7));
    let answer = Endpoint::revision("200 OK", "{}").await;
    assert!(
        matches!(answer, Err(ApiError::NoRevisions(_))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn whoever_is_asked_too_much_is_asked_less() {
    for (status, body, said) in [
        (
            "400 Bad Request",
            r#"{"__type": "com.amazonaws.servicediscovery#RequestLimitExceeded", "Message": "slow"}"#,
            "RequestLimitExceeded: slow",
        ),
        (
            "400 Bad Request",
            r#"{"__type": "ThrottlingException", "message": "Rate exceeded"}"#,
            "ThrottlingException: Rate exceeded",
        ),
        ("429 Too Many Requests", "", "HTTP status 429"),
        ("503 Service Unavailable", "<html>", "HTTP status 503"),
        (
            "500 Internal Server Error",
            r#"{"__type": "InternalFailure"}"#,
            "InternalFailure",
        ),
    ] {
        let answers = [
            Endpoint::revision(status, body).await.map(|_| ()),
            Endpoint::instances(status, body).await.map(|_| ()),
        ];
        for answer in answers {
            let Err(ApiError::Later(text)) = answer else {
                panic!("{status} {body}: {answer:?}")
            };
            assert!(text.contains(said), "{text}");
        }
    }
}

#[tokio::test]
async fn revisions_that_are_unknown_or_not_allowed_can_be_done_without() {
    for (status, body) in [
        (
            "400 Bad Request",
            r#"{"__type": "UnknownOperationException"}"#,
        ),
        (
            "400 Bad Request",
            r#"{"__type": "AccessDeniedException", "Message": "not authorized to perform"}"#,
        ),
        ("404 Not Found", ""),
        ("405 Method Not Allowed", ""),
        ("501 Not Implemented", ""),
    ] {
        let answer = Endpoint::revision(status, body).await;
        assert!(
            matches!(answer, Err(ApiError::NoRevisions(_))),
            "{answer:?}"
        );
        let answer = Endpoint::instances(status, body).await;
        assert!(
            !matches!(answer, Err(ApiError::NoRevisions(_)) | Ok(_)),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_on_one_line() {
    let body = r#"{"__type": "ServiceNotFound", "Message": "no payments"}"#;
    let failed = |text: &str| Err(ApiError::Failed(text.to_owned()));
    let answer = Endpoint::revision("400 Bad Request", body).await;
    assert_eq!(answer, failed("ServiceNotFound: no payments"));
    let nowhere = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .build();
    let error = client(&nowhere).unwrap_err().to_string();
    assert!(error.contains("set AWS_REGION"), "{error}");
}

#[tokio::test]
async fn who_is_not_there_is_asked_again_at_the_usual_pace() {
    // Nobody else gets the port while it is held, and nobody listens there.
    let holder = TcpSocket::new_v4().unwrap();
    holder.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let aws = asking(format!("http://{}", holder.local_addr().unwrap()));
    let answer = aws.revision(&service()).await;
    let Err(ApiError::Failed(text)) = answer else {
        panic!("{answer:?}")
    };
    assert!(
        text.contains("Connection refused") && !text.contains('\n'),
        "{text}"
    );
}

/// An error that says its cause itself, behind one that does not.
#[derive(Debug, thiserror::Error)]
enum Layered {
    #[error("nothing was sent")]
    Silent(#[source] Box<Self>),
    #[error("no connection: {0}")]
    Telling(#[source] std::io::Error),
}

#[test]
fn a_cause_is_said_once() {
    let error = Layered::Telling(std::io::Error::other("no route"));
    let error = Layered::Silent(Box::new(error));
    assert_eq!(chain(&error), "nothing was sent: no connection: no route");
}

/// An endpoint that never answers, and how many were asked.
async fn silent() -> (Aws, watch::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let aws = asking(format!("http://{}", listener.local_addr().unwrap()));
    let (tell, asked) = watch::channel(0);
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.push(stream);
            tell.send_replace(open.len());
        }
    });
    (aws, asked)
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_waited_for_so_long_and_asked_again_at_the_usual_pace() {
    let (aws, _asked) = silent().await;
    let began = tokio::time::Instant::now();
    let answer = aws.revision(&service()).await;
    assert!(matches!(answer, Err(ApiError::Failed(_))), "{answer:?}");
    assert!(began.elapsed() <= WHOLE + Duration::from_millis(1));
}

#[tokio::test]
async fn so_many_questions_are_under_way_at_once() {
    let (aws, mut asked) = silent().await;
    let aws = Arc::new(aws);
    let mut questions = tokio::task::JoinSet::new();
    for number in 0..AT_ONCE {
        let aws = Arc::clone(&aws);
        questions.spawn(async move {
            let (service, attributes) = (service(), Attributes::default());
            if number % 2 == 0 {
                aws.revision(&service).await.map(|_| ())
            } else {
                aws.instances(&service, &attributes).await.map(|_| ())
            }
        });
    }
    asked.wait_for(|asked| *asked == AT_ONCE).await.unwrap();
    assert_eq!(aws.places.available_permits(), 0);
}
