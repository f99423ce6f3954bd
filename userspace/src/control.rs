//! The control socket: served by the daemon, asked by the other commands.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use ferromesh_proto::control::{
    ConnectionsRequest, ConnectionsResponse, RetireRequest, RetireResponse, StatusRequest,
    StatusResponse,
    control_client::ControlClient,
    control_server::{Control, ControlServer},
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{UnixListener, UnixStream},
    sync::mpsc,
};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint, Server},
};

/// A daemon that does not answer within this is taken for hung.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// What the daemon can say of itself.
pub(crate) trait Subject: Send + Sync + 'static {
    fn status(&self) -> StatusResponse;
    fn connections(&self) -> anyhow::Result<ConnectionsResponse>;
}

/// Binds the control socket for root alone. A socket file that a dead daemon left is replaced; the
/// instance's lock guards against a live one.
pub(crate) fn bind(path: &Path) -> anyhow::Result<UnixListener> {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error).with_context(|| format!("cannot replace {}", path.display()));
        }
    }
    let listener =
        UnixListener::bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .with_context(|| format!("cannot restrict {}", path.display()))?;
    Ok(listener)
}

/// Serves the control socket until the task is dropped; a `Retire` call is sent to `retire`.
pub(crate) async fn serve(
    listener: UnixListener,
    subject: Arc<dyn Subject>,
    retire: mpsc::Sender<()>,
) -> anyhow::Result<()> {
    Server::builder()
        .add_service(ControlServer::new(Desk { subject, retire }))
        .serve_with_incoming(UnixListenerStream::new(listener))
        .await
        .context("the control socket failed")
}

struct Desk {
    subject: Arc<dyn Subject>,
    retire: mpsc::Sender<()>,
}

#[tonic::async_trait]
impl Control for Desk {
    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        Ok(Response::new(self.subject.status()))
    }

    async fn connections(
        &self,
        _: Request<ConnectionsRequest>,
    ) -> Result<Response<ConnectionsResponse>, Status> {
        self.subject
            .connections()
            .map(Response::new)
            .map_err(|error| Status::internal(format!("{error:#}")))
    }

    async fn retire(&self, _: Request<RetireRequest>) -> Result<Response<RetireResponse>, Status> {
        // A full channel means that the daemon is retiring already.
        let _ = self.retire.try_send(());
        Ok(Response::new(RetireResponse {
            pid: std::process::id(),
        }))
    }
}

/// A connection to the daemon, or nothing when there is none to connect to.
pub(crate) async fn connect(path: PathBuf) -> anyhow::Result<Option<ControlClient<Channel>>> {
    match UnixStream::connect(&path).await {
        Ok(_) => {}
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot open {}", path.display()));
        }
    }
    let connector = tower::service_fn(move |_| {
        let path = path.clone();
        async move { Ok::<_, io::Error>(TokioIo::new(UnixStream::connect(path).await?)) }
    });
    // The authority is required by HTTP/2 and means nothing on a Unix socket.
    let channel = Endpoint::from_static("http://ferromesh")
        .timeout(ANSWER_TIMEOUT)
        .connect_with_connector(connector)
        .await
        .context("the daemon does not answer on its control socket")?;
    Ok(Some(ControlClient::new(channel)))
}
