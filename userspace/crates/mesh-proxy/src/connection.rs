//! The page that joins the stages: from an accepted socket to what serves it.

use std::{io, net::SocketAddr, os::fd::AsFd, rc::Rc, sync::Arc};

use mesh_model::snapshot::EgressPort;
use mesh_route::aws;
use tokio::net::TcpStream;

use crate::{
    access_log::Record,
    detect,
    downstream::{
        http,
        tcp::{self, Client, TcpTarget},
    },
    fault::{self, Whose},
    io::reset,
    listener::{Direction, accept::ListenerContext},
    names::Services,
    opening::{FirstWord, Heard, Opening},
    route::{self, Others, Picked, Place, Split},
    upstream::LocalCluster,
    worker::{LocalGeneration, Worker},
};

/// Serves an accepted connection in a task of its own: if it panics, it alone ends.
pub(crate) fn start(
    worker: &Rc<Worker>,
    listener: &Rc<ListenerContext>,
    stream: TcpStream,
    peer: SocketAddr,
) {
    listener.stats.downstream_cx_total.increment();
    let open = Open {
        listener: Rc::clone(listener),
        _counted: worker.open(),
    };
    open.listener.stats.downstream_cx_active.increment();
    let worker = Rc::clone(worker);
    let whose = Whose::Client {
        peer,
        // Of egress the origin is not known yet, and asking for it may be what fails.
        dialled: (listener.direction == Direction::Ingress)
            .then(|| stream.local_addr().ok())
            .flatten(),
    };
    fault::spawn(whose, async move {
        if let Err(error) = serve(&worker, &open.listener, stream, peer).await {
            tracing::debug!(%error, "a connection ended before it was served");
        }
        drop(open);
    });
}

/// Counts a connection of a listener until it is dropped.
struct Open {
    listener: Rc<ListenerContext>,
    _counted: crate::worker::OpenConnection,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.listener.stats.downstream_cx_active.decrement();
        self.listener.stats.downstream_cx_destroy.increment();
    }
}

async fn serve(
    worker: &Rc<Worker>,
    listener: &ListenerContext,
    stream: TcpStream,
    peer: SocketAddr,
) -> io::Result<()> {
    let place = match listener.direction {
        Direction::Egress => egress_place(worker, &stream, peer),
        Direction::Ingress => ingress_place(listener, &stream, peer)?,
    };
    let Some(place) = place else {
        listener.stats.downstream_cx_rejected.increment();
        reset(stream);
        return Ok(());
    };
    if let Some(services) = services_to_ask(&worker.generation(), place) {
        services.ask_anew().await;
    }
    let mut client = Client {
        stream,
        opening: Opening::default(),
    };
    let Some(heard) = hear(worker, listener, place, &mut client).await? else {
        reset(client.stream);
        return Ok(());
    };
    // Not in the `match` itself: it would keep this generation for as long as the connection lasts.
    let answer = answer_to(&worker.generation(), place, heard);
    match answer {
        Some(Answer::Http) => serve_http(worker, place, client).await,
        Some(Answer::Tcp(target)) => {
            let record = Record::of_connection(&worker.generation().shared, place);
            tcp::serve(worker, place, client, target, record).await;
            Ok(())
        }
        None => {
            listener.stats.no_filter_chain_match.increment();
            tracing::debug!(
                target: "conn_handler",
                "closing connection from {} to {}: no matching filter chain found",
                place.peer,
                place.dialled
            );
            reset(client.stream);
            Ok(())
        }
    }
}

/// Where a redirected connection was going; none for one that was not redirected here: serving it
/// would be guessing, and one that the proxy itself made would come round for ever.
fn egress_place(worker: &Worker, stream: &TcpStream, peer: SocketAddr) -> Option<Place> {
    let origin = worker
        .origins
        .origin(stream.as_fd())
        .unwrap_or_else(|error| {
            if let Some(untold) = worker.warnings.speak() {
                tracing::warn!(%peer, %error, untold, "cannot tell where a connection was going");
            }
            None
        });
    origin.map(|origin| Place {
        direction: Direction::Egress,
        port: origin.destination.port(),
        original: Some(origin.destination),
        dialled: origin.destination,
        peer: origin.source,
    })
}

/// Where a steered connection was going: a steered socket keeps the address that was dialled.
/// None for one that dialled the proxy's own port.
fn ingress_place(
    listener: &ListenerContext,
    stream: &TcpStream,
    peer: SocketAddr,
) -> io::Result<Option<Place>> {
    let dialled = stream.local_addr()?;
    let port = dialled.port();
    Ok((port != listener.port).then_some(Place {
        direction: Direction::Ingress,
        port,
        original: None,
        dialled,
        peer,
    }))
}

/// What a client says, where that has a part in who answers it; none where it is not to be served.
async fn hear(
    worker: &Worker,
    listener: &ListenerContext,
    place: Place,
    client: &mut Client,
) -> io::Result<Option<Heard>> {
    // Not in the `match` itself, as below.
    let first = first_word(&worker.generation(), place);
    let Some(first) = first else {
        return Ok(Some(Heard::Other));
    };
    let heard = tokio::select! {
        heard = client.opening.hear(&mut client.stream, first) => heard,
        // A client that has said nothing loses nothing.
        () = worker.patience_ends(place.direction) => return Ok(None),
    };
    Ok(match heard? {
        Heard::Late => {
            listener.stats.downstream_pre_cx_timeout.increment();
            None
        }
        Heard::Unfit => None,
        heard => Some(heard),
    })
}

/// Who has the first word at a place where AWS endpoints are called; none where none are.
fn first_word(generation: &LocalGeneration, place: Place) -> Option<FirstWord> {
    if place.direction == Direction::Ingress || place.port != aws::PORT {
        return None;
    }
    aws_endpoints(generation)?;
    let services = generation.shared.services.get(&place.port);
    if services.is_some_and(|services| services.find(place.dialled.ip()).is_some()) {
        // The address was given to a service by name.
        return None;
    }
    // It is not asked which target would answer: that is to be picked once.
    let takes_bytes = match generation.shared.snapshot.egress.get(&place.port) {
        Some(EgressPort::Http(_)) => false,
        Some(EgressPort::Tcp(_)) => true,
        Some(EgressPort::TcpByAddress(_)) | None => generation.shared.passthrough.is_some(),
    };
    Some(if takes_bytes {
        FirstWord::Either
    } else {
        FirstWord::Client
    })
}

/// Where TLS towards AWS endpoints goes.
fn aws_endpoints(generation: &LocalGeneration) -> Option<Rc<LocalCluster>> {
    let cluster = generation.shared.snapshot.aws_endpoints?;
    Some(generation.cluster(cluster))
}

/// What answers at a place, once the client was heard.
fn answer_to(generation: &LocalGeneration, place: Place, heard: Heard) -> Option<Answer> {
    if heard == Heard::Aws
        && let Some(cluster) = aws_endpoints(generation)
    {
        return Some(Answer::Tcp(TcpTarget::passed(cluster, place.original)));
    }
    let mut answer = answer_of(generation, place);
    // What only passes through goes to the same address either way.
    let port = generation.shared.snapshot.egress.get(&place.port);
    if heard == Heard::Nothing
        && matches!(port, Some(EgressPort::Tcp(_)))
        && let Some(Answer::Tcp(target)) = &mut answer
    {
        target.aws_endpoints = aws_endpoints(generation);
    }
    answer
}

/// What answers at a place.
enum Answer {
    Http,
    Tcp(TcpTarget),
}

fn answer_of(generation: &LocalGeneration, place: Place) -> Option<Answer> {
    let snapshot = &generation.shared.snapshot;
    let serving = |service| {
        let port = (place.direction, place.port);
        Some(generation.shared.serving(port, service))
    };
    let tcp = |picked: Option<Picked>, idle_timeout, service| {
        let (cluster, others) = picked.map(|picked| (picked.cluster, picked.others)).unzip();
        Some(Answer::Tcp(TcpTarget {
            cluster,
            others: others.flatten(),
            original: place.original,
            idle_timeout,
            serving: serving(service),
            aws_endpoints: None,
        }))
    };
    match place.direction {
        Direction::Egress => {
            let route = match snapshot.egress.get(&place.port) {
                Some(EgressPort::Http(_)) => return Some(Answer::Http),
                Some(EgressPort::Tcp(route)) => Some((0, route)),
                Some(EgressPort::TcpByAddress(routes)) => {
                    let services = generation.shared.services.get(&place.port);
                    let index = services.and_then(|services| services.find(place.dialled.ip()));
                    index.map(|index| (index, &routes[index]))
                }
                None => None,
            };
            if let Some((service, route)) = route {
                let split = Split {
                    direction: place.direction,
                    port: place.port,
                    service,
                    route: 0,
                };
                let is_upgrade = false;
                let others = route.fails_over.then_some(Others { is_upgrade });
                let picked = route::weighted(generation, split, &route.targets, others);
                return tcp(picked, route.idle_timeout, Some(&route.name));
            }
            let cluster = route::passthrough_cluster(generation)?;
            Some(Answer::Tcp(TcpTarget {
                serving: serving(None),
                ..TcpTarget::passed(cluster, place.original)
            }))
        }
        Direction::Ingress => {
            let port = snapshot.ingress.get(&place.port)?;
            if port.routes.is_some() {
                return Some(Answer::Http);
            }
            let application = Picked {
                cluster: generation.cluster(port.cluster),
                others: None,
            };
            tcp(Some(application), port.idle_timeout, None)
        }
    }
}

/// The services of the port that was dialled, if they are told apart by address and none is known to
/// have this one.
fn services_to_ask(generation: &LocalGeneration, place: Place) -> Option<Arc<Services>> {
    if place.direction == Direction::Ingress {
        return None;
    }
    let services = generation.shared.services.get(&place.port)?;
    let is_known = services.find(place.dialled.ip()).is_some();
    (!is_known).then(|| Arc::clone(services))
}

async fn serve_http(worker: &Rc<Worker>, place: Place, client: Client) -> io::Result<()> {
    let Client {
        mut stream,
        opening,
    } = client;
    let detected = tokio::select! {
        detected = detect::http_version(&mut stream, opening.into_bytes()) => detected?,
        // A client that has said nothing loses nothing.
        () = tokio::time::sleep(http::IDLE_LIMIT) => None,
        () = worker.patience_ends(place.direction) => None,
    };
    if let Some((version, ahead)) = detected {
        http::serve(worker, place, stream, version, ahead).await;
    }
    Ok(())
}
