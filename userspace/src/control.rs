//! The control socket: served by the daemon, asked by the other commands.

mod tap;

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use ferromesh_proto::control::{
    ChangeResponse, ClosedRecord, ClosedRequest, ConnectionsRequest, ConnectionsResponse,
    EnrolRequest, EnrolResponse, ExplainRequest, ExplainResponse, GenerationsRequest,
    GenerationsResponse, ListRequest, ListResponse, ReleaseRequest, ReleaseWorkloadRequest,
    ReleaseWorkloadResponse, RetireRequest, RetireResponse, RollBackRequest, StatusRequest,
    StatusResponse, TapRecord, TapRequest,
    control_client::ControlClient,
    control_server::{Control, ControlServer},
};
use hyper_util::rt::TokioIo;
use mesh_proxy::tap::{Tap, Wanted};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::{broadcast, broadcast::error::RecvError, mpsc, oneshot},
    task,
    time::sleep,
};
use tokio_stream::{
    StreamExt,
    wrappers::{ReceiverStream, UnixListenerStream},
};
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint, Server},
};

use crate::settings::WorkloadSettings;

/// A daemon that does not answer within this is taken for hung.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// A change waits for the discovery of its clusters, and for the disk.
pub(crate) const CHANGE_TIMEOUT: Duration = Duration::from_mins(1);

/// A workload may take long to start, and the drain of one is twice the guide's longest.
pub(crate) const WORKLOAD_TIMEOUT: Duration = Duration::from_mins(5);

/// How long the socket is left alone when there is no room to accept.
const NO_ROOM_WAIT: Duration = Duration::from_millis(100);

/// What the daemon can say of itself, and do for who asks.
#[tonic::async_trait]
pub(crate) trait Subject: Send + Sync + 'static {
    fn status(&self) -> StatusResponse;
    fn connections(&self) -> anyhow::Result<ConnectionsResponse>;
    /// Every connection that closes from now on, as a line of JSON.
    fn closed(&self) -> broadcast::Receiver<Arc<str>>;
    fn generations(&self, workload: Option<&str>) -> anyhow::Result<GenerationsResponse>;
    fn list(&self) -> ListResponse;
    fn explain(&self, request: ExplainRequest) -> anyhow::Result<ExplainResponse>;
    /// Requests that pass from now on.
    fn tap(&self, wanted: Wanted) -> Tap;
    /// Nothing when the workload is ending.
    async fn change(
        &self,
        workload: Option<&str>,
        change: Change,
    ) -> anyhow::Result<Option<ChangeResponse>>;
    async fn enrol(&self, request: EnrolRequest) -> anyhow::Result<u32>;
    async fn release(&self, name: &str, now: bool) -> anyhow::Result<()>;
}

/// What can be asked of the configuration of a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Back to a kept generation; without its number, to the one before.
    RollBack(Option<u64>),
    /// Forward to what the source holds.
    Release,
    /// The programs onto the cgroup that is at the workload's path now.
    Reattach,
    /// Another enrolment of the same workload.
    Adopt(Box<WorkloadSettings>),
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

/// Serves the control socket until the task is dropped; a `Retire` call is sent to `retire`.
pub(crate) async fn serve(
    listener: UnixListener,
    subject: Arc<dyn Subject>,
    retire: mpsc::Sender<()>,
) -> anyhow::Result<()> {
    let callers = UnixListenerStream::new(listener)
        .then(after_room)
        .filter(|caller| caller.as_ref().map_or(true, is_from_root));
    Server::builder()
        .add_service(ControlServer::new(Desk { subject, retire }))
        .serve_with_incoming(callers)
        .await
        .context("the control socket failed")
}

/// Holds a lack of descriptors up: it is met again and again, and who accepts would do nothing else.
async fn after_room(caller: io::Result<UnixStream>) -> io::Result<UnixStream> {
    if caller.is_err() {
        sleep(NO_ROOM_WAIT).await;
    }
    caller
}

/// Whether a caller is root of the daemon's user namespace. The mode of the file says so already;
/// whoever was handed a descriptor of the socket's directory did not ask it. Root of another user
/// namespace has another number here.
fn is_from_root(caller: &UnixStream) -> bool {
    let owner = caller.peer_cred().map(|caller| caller.uid());
    let is_root = matches!(owner, Ok(0));
    if !is_root {
        tracing::warn!(
            ?owner,
            "a caller of the control socket is not root, and is not answered"
        );
    }
    is_root
}

struct Desk {
    subject: Arc<dyn Subject>,
    retire: mpsc::Sender<()>,
}

impl Desk {
    async fn order(
        &self,
        workload: Option<&str>,
        change: Change,
    ) -> Result<Response<ChangeResponse>, Status> {
        match self.subject.change(workload, change).await {
            Ok(Some(changed)) => Ok(Response::new(changed)),
            Ok(None) => Err(Status::unavailable("the workload is ending")),
            Err(error) => Ok(Response::new(ChangeResponse {
                refusal: format!("{error:#}"),
                ..ChangeResponse::default()
            })),
        }
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

    type ClosedStream = ReceiverStream<Result<ClosedRecord, Status>>;

    async fn closed(
        &self,
        _: Request<ClosedRequest>,
    ) -> Result<Response<Self::ClosedStream>, Status> {
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(forward(self.subject.closed(), sender));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn generations(
        &self,
        request: Request<GenerationsRequest>,
    ) -> Result<Response<GenerationsResponse>, Status> {
        let subject = Arc::clone(&self.subject);
        let workload = request.into_inner().workload;
        let read = task::spawn_blocking(move || subject.generations(workload.as_deref()));
        read.await
            .map_err(|error| Status::internal(error.to_string()))?
            .map(Response::new)
            .map_err(|error| Status::internal(format!("{error:#}")))
    }

    async fn roll_back(
        &self,
        request: Request<RollBackRequest>,
    ) -> Result<Response<ChangeResponse>, Status> {
        let RollBackRequest {
            generation,
            workload,
        } = request.into_inner();
        let change = Change::RollBack(generation);
        self.order(workload.as_deref(), change).await
    }

    async fn release(
        &self,
        request: Request<ReleaseRequest>,
    ) -> Result<Response<ChangeResponse>, Status> {
        let workload = request.into_inner().workload;
        self.order(workload.as_deref(), Change::Release).await
    }

    async fn enrol_workload(
        &self,
        request: Request<EnrolRequest>,
    ) -> Result<Response<EnrolResponse>, Status> {
        let enrolled = self.subject.enrol(request.into_inner()).await;
        Ok(Response::new(match enrolled {
            Ok(id) => EnrolResponse {
                id,
                refusal: String::new(),
            },
            Err(error) => EnrolResponse {
                id: 0,
                refusal: format!("{error:#}"),
            },
        }))
    }

    async fn release_workload(
        &self,
        request: Request<ReleaseWorkloadRequest>,
    ) -> Result<Response<ReleaseWorkloadResponse>, Status> {
        let ReleaseWorkloadRequest { name, now } = request.into_inner();
        let released = self.subject.release(&name, now).await;
        let refusal = released.err();
        let refusal = refusal.map_or_else(String::new, |error| format!("{error:#}"));
        Ok(Response::new(ReleaseWorkloadResponse { refusal }))
    }

    async fn list_workloads(
        &self,
        _: Request<ListRequest>,
    ) -> Result<Response<ListResponse>, Status> {
        Ok(Response::new(self.subject.list()))
    }

    async fn explain(
        &self,
        request: Request<ExplainRequest>,
    ) -> Result<Response<ExplainResponse>, Status> {
        let explained = self.subject.explain(request.into_inner());
        Ok(Response::new(explained.unwrap_or_else(|error| {
            ExplainResponse {
                refusal: format!("{error:#}"),
                ..ExplainResponse::default()
            }
        })))
    }

    type TapStream = ReceiverStream<Result<TapRecord, Status>>;

    async fn tap(&self, request: Request<TapRequest>) -> Result<Response<Self::TapStream>, Status> {
        let wanted = tap::wanted(request.into_inner()).map_err(Status::invalid_argument)?;
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(tap::forward(self.subject.tap(wanted), sender));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn retire(&self, _: Request<RetireRequest>) -> Result<Response<RetireResponse>, Status> {
        // A full channel means that the daemon is retiring already.
        let _ = self.retire.try_send(());
        Ok(Response::new(RetireResponse {
            pid: std::process::id(),
        }))
    }
}

/// Hands closed connections to a caller until it leaves or the daemon ends.
async fn forward(
    mut closed: broadcast::Receiver<Arc<str>>,
    caller: mpsc::Sender<Result<ClosedRecord, Status>>,
) {
    loop {
        let told = tokio::select! {
            told = closed.recv() => told,
            () = caller.closed() => return,
        };
        let record = match told {
            Ok(line) => ClosedRecord {
                json: line.to_string(),
                missed: 0,
            },
            Err(RecvError::Lagged(missed)) => ClosedRecord {
                json: String::new(),
                missed,
            },
            Err(RecvError::Closed) => return,
        };
        if caller.send(Ok(record)).await.is_err() {
            return;
        }
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
