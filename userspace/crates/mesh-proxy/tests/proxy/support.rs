//! What the tests are made of: meshes, servers, clients.

pub(crate) mod client;
pub(crate) mod log;
pub(crate) mod mesh;
pub(crate) mod plan;
pub(crate) mod server;

use std::{io, time::Duration};

use http::Version;
use mesh_model::snapshot::Protocol;
use tokio::{io::AsyncReadExt, net::TcpStream};

/// Long enough for anything that must happen, on a machine that is busy with other things.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// The versions of HTTP, each with the protocol of a service that speaks it.
pub(crate) const VERSIONS: [(Version, Protocol); 2] = [
    (Version::HTTP_11, Protocol::Http),
    (Version::HTTP_2, Protocol::Http2),
];

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    until_answered(what, async || holds()).await;
}

/// The same of something that an answer tells.
pub(crate) async fn until_answered(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(what, waiting).await;
}

/// Runs something that must end.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_| panic!("not within {} s: {what}", DEADLINE.as_secs()))
}

/// Asserts that a connection was reset before a byte came; it may have been before `connect`
/// returned.
pub(crate) async fn assert_reset(dialled: io::Result<TcpStream>) {
    let outcome = match dialled {
        Ok(mut stream) => within("the reset", stream.read(&mut [0; 1])).await,
        Err(error) => Err(error),
    };
    let error = outcome.expect_err("no byte and no orderly end");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}
