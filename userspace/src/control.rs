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
    ChangeResponse, ConnectionsRequest, ConnectionsResponse, GenerationsRequest,
    GenerationsResponse, ReleaseRequest, RetireRequest, RetireResponse, RollBackRequest,
    StatusRequest, StatusResponse,
    control_client::ControlClient,
    control_server::{Control, ControlServer},
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot},
    task,
};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint, Server},
};

/// A daemon that does not answer within this is taken for hung.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// A change waits for the discovery of its clusters, and for the disk.
pub(crate) const CHANGE_TIMEOUT: Duration = Duration::from_mins(1);

/// What the daemon can say of itself.
pub(crate) trait Subject: Send + Sync + 'static {
    fn status(&self) -> StatusResponse;
    fn connections(&self) -> anyhow::Result<ConnectionsResponse>;
    fn generations(&self) -> anyhow::Result<GenerationsResponse>;
}

/// What a daemon can be asked to do with its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Back to a kept generation; without its number, to the one before.
    RollBack(Option<u64>),
    /// Forward to what the source holds.
    Release,
}

/// A change and who asked for it.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) change: Change,
    pub(crate) answer: oneshot::Sender<ChangeResponse>,
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

/// Serves the control socket until the task is dropped; a `Retire` call is sent to `retire`, changes
/// of the configuration to `orders`.
pub(crate) async fn serve(
    listener: UnixListener,
    subject: Arc<dyn Subject>,
    retire: mpsc::Sender<()>,
    orders: mpsc::Sender<Order>,
) -> anyhow::Result<()> {
    Server::builder()
        .add_service(ControlServer::new(Desk {
            subject,
            retire,
            orders,
        }))
        .serve_with_incoming(UnixListenerStream::new(listener))
        .await
        .context("the control socket failed")
}

struct Desk {
    subject: Arc<dyn Subject>,
    retire: mpsc::Sender<()>,
    orders: mpsc::Sender<Order>,
}

impl Desk {
    async fn order(&self, change: Change) -> Result<Response<ChangeResponse>, Status> {
        let (answer, answered) = oneshot::channel();
        let ending = || Status::unavailable("the daemon is ending");
        let order = Order { change, answer };
        self.orders.send(order).await.map_err(|_| ending())?;
        answered.await.map(Response::new).map_err(|_| ending())
    }
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

    async fn generations(
        &self,
        _: Request<GenerationsRequest>,
    ) -> Result<Response<GenerationsResponse>, Status> {
        let subject = Arc::clone(&self.subject);
        let read = task::spawn_blocking(move || subject.generations());
        read.await
            .map_err(|error| Status::internal(error.to_string()))?
            .map(Response::new)
            .map_err(|error| Status::internal(format!("{error:#}")))
    }

    async fn roll_back(
        &self,
        request: Request<RollBackRequest>,
    ) -> Result<Response<ChangeResponse>, Status> {
        let generation = request.into_inner().generation;
        self.order(Change::RollBack(generation)).await
    }

    async fn release(
        &self,
        _: Request<ReleaseRequest>,
    ) -> Result<Response<ChangeResponse>, Status> {
        self.order(Change::Release).await
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
    connect_for(path, ANSWER_TIMEOUT).await
}

/// The same, for calls that may take longer.
pub(crate) async fn connect_for(
    path: PathBuf,
    limit: Duration,
) -> anyhow::Result<Option<ControlClient<Channel>>> {
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
        .timeout(limit)
        .connect_with_connector(connector)
        .await
        .context("the daemon does not answer on its control socket")?;
    Ok(Some(ControlClient::new(channel)))
}
