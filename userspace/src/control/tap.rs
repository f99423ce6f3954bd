//! Requests as they pass, for one caller of the control socket.

use std::{
    net::SocketAddr,
    num::{NonZeroU32, NonZeroU64},
    time::{Duration, UNIX_EPOCH},
};

use ferromesh_proto::control::{
    Header, StatusRange, TapCost, TapRecord, TapRequest, TappedRequest,
};
use mesh_proxy::tap::{BUDGET, Cost, Shown, Statuses, Tap, Wanted};
use mesh_telemetry::reason::Reason;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tonic::Status;

/// How long a caller hears nothing where nothing passes: it learns so what watching costs, and that the
/// daemon is there.
const SIGN_OF_LIFE: Duration = Duration::from_millis(200);

/// What a caller asks for; else what is wrong with it.
pub(super) fn wanted(request: TapRequest) -> Result<Wanted, String> {
    let status = |StatusRange { from, to }| match (u16::try_from(from), u16::try_from(to)) {
        (Ok(from), Ok(to)) => Ok(Statuses { from, to }),
        _ => Err(format!("there is no status from {from} to {to}")),
    };
    let reason = |word: String| {
        let known = Reason::ALL.into_iter().find(|reason| reason.word() == word);
        known.ok_or_else(|| format!("there is no reason `{word}`"))
    };
    let header = |Header { name, value }| (name.to_ascii_lowercase(), value);
    let redacted = request.redact.into_iter();
    Ok(Wanted {
        workload: request.workload,
        direction: request.direction,
        service: request.service,
        statuses: request
            .statuses
            .into_iter()
            .map(status)
            .collect::<Result<_, _>>()?,
        reasons: request
            .reasons
            .into_iter()
            .map(reason)
            .collect::<Result<_, _>>()?,
        headers: request.headers.into_iter().map(header).collect(),
        one_in: NonZeroU32::new(request.one_in).unwrap_or(NonZeroU32::MIN),
        per_second: NonZeroU64::new(request.per_second).unwrap_or(NonZeroU64::MIN),
        redacted: redacted.map(|name| name.to_ascii_lowercase()).collect(),
        shows_query: request.show_query,
    })
}

/// Hands requests to a caller until it leaves or the daemon ends.
pub(super) async fn forward(mut tap: Tap, caller: mpsc::Sender<Result<TapRecord, Status>>) {
    let mut sign = interval(SIGN_OF_LIFE);
    sign.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let request = tokio::select! {
            shown = tap.next() => Some(message(shown)),
            _ = sign.tick() => None,
            () = caller.closed() => return,
        };
        let record = TapRecord {
            request,
            cost: Some(cost(tap.cost())),
        };
        if caller.send(Ok(record)).await.is_err() {
            return;
        }
    }
}

fn message(shown: Shown) -> TappedRequest {
    let started = shown.started.duration_since(UNIX_EPOCH);
    let address = |address: SocketAddr| address.to_string();
    TappedRequest {
        workload: shown.workload,
        direction: shown.direction.to_owned(),
        started_ms: i64::try_from(started.unwrap_or_default().as_millis()).unwrap_or(i64::MAX),
        duration_us: micros(shown.duration),
        until_answer_us: shown.until_answer.map(micros),
        protocol: shown.protocol.to_owned(),
        method: shown.method,
        authority: shown.authority,
        path: shown.path,
        status: shown.status.into(),
        reason: shown
            .reason
            .map_or_else(String::new, |reason| reason.word().to_owned()),
        flags: shown.flags,
        details: shown.details,
        virtual_service: shown.virtual_service.unwrap_or_default(),
        route: shown.route.unwrap_or_default(),
        cluster: shown.cluster.unwrap_or_default(),
        endpoint: shown.endpoint.map_or_else(String::new, address),
        client: address(shown.client),
        dialled: address(shown.dialled),
        bytes_received: shown.bytes_received,
        bytes_sent: shown.bytes_sent,
        headers: shown
            .headers
            .into_iter()
            .map(|(name, value)| Header { name, value })
            .collect(),
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn cost(cost: Cost) -> TapCost {
    let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    TapCost {
        seen: cost.seen,
        unsampled: cost.unsampled,
        unlooked: cost.unlooked,
        unwanted: cost.unwanted,
        limited: cost.limited,
        dropped: cost.dropped,
        shown: cost.shown,
        nanoseconds: nanos(cost.time),
        budget_nanoseconds: nanos(BUDGET),
    }
}
