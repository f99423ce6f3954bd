//! The admin interface of one workload: `/ready`, `/server_info`, `/stats`, `/stats/prometheus`,
//! `/logging` and `/reopen_logs`.

use std::{convert::Infallible, future::Future, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use mesh_telemetry::{
    Registry,
    process_log::Level,
    render::{self, Selection},
    server::{self, ServerState},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// A client of the admin interface that sends no request is let go after this long.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait when there is no room for another connection.
const NO_ROOM_WAIT: Duration = Duration::from_millis(50);

const TEXT: &str = "text/plain; charset=UTF-8";
const JSON: &str = "application/json";
const HELP: &str = "admin commands are:
  /: this list
  /logging (POST): print the level of the process log
      level: set it for this workload: trace, debug, info, warning, error, critical or off
  /ready: print the state, with status 200 if it is LIVE and 503 otherwise
  /reopen_logs (POST): open the file of the access log anew
  /server_info: print the state, version and uptime
  /stats: print statistics
      filter: only those whose names hold this text
      format: text, json or prometheus
      usedonly: only those that counted something
  /stats/prometheus: print statistics in the format of Prometheus
";

/// Serves until `stop` resolves. The listener is the caller's, made in the workload's own network
/// namespace; `version` is what `/server_info` reports.
pub async fn serve(
    listener: TcpListener,
    registry: Arc<Registry>,
    version: String,
    stop: impl Future<Output = ()>,
) {
    let mut stop = pin!(stop);
    let version: Arc<str> = version.into();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = &mut stop => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_one(stream, Arc::clone(&registry), Arc::clone(&version)));
                }
                Err(error) => {
                    tracing::warn!(%error, "the admin interface cannot accept");
                    tokio::time::sleep(NO_ROOM_WAIT).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn serve_one(stream: TcpStream, registry: Arc<Registry>, version: Arc<str>) {
    let service = service_fn(|request: Request<Incoming>| {
        let response = answer(&request, &registry, &version);
        async move { Ok::<_, Infallible>(response) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = serving.await {
        tracing::debug!(%error, "an admin connection ended early");
    }
}

fn answer<B>(request: &Request<B>, registry: &Registry, version: &str) -> Response<Full<Bytes>> {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let path = request.uri().path();
    if matches!(path, "/logging" | "/reopen_logs") && request.method() != Method::POST {
        let text = format!("Method {} not allowed, POST required.", request.method());
        return reply(StatusCode::METHOD_NOT_ALLOWED, TEXT, text);
    }
    match path {
        "/" | "/help" => reply(StatusCode::OK, TEXT, HELP.to_owned()),
        "/logging" => logging(registry, request.uri().query().unwrap_or_default()),
        "/reopen_logs" => {
            registry.reopen_log();
            reply(StatusCode::OK, TEXT, "OK\n".to_owned())
        }
        "/ready" => {
            let state = registry.state();
            let status = match state {
                ServerState::Live => StatusCode::OK,
                ServerState::Draining | ServerState::Initializing => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
            };
            reply(status, TEXT, format!("{}\n", state.as_str()))
        }
        "/server_info" => reply(StatusCode::OK, JSON, server::info(registry, version)),
        "/stats" => stats(registry, &query, query.format.as_deref()),
        "/stats/prometheus" => stats(registry, &query, Some("prometheus")),
        _ => {
            let text = format!("invalid path. {HELP}");
            reply(StatusCode::NOT_FOUND, TEXT, text)
        }
    }
}

/// Envoy has a level for each of its loggers; here they have one.
fn logging(registry: &Registry, query: &str) -> Response<Full<Bytes>> {
    let level = match query.split_once('=') {
        None if query.is_empty() => None,
        Some(("level", level)) => Some(level),
        _ => {
            let text = "error: unknown logger name\n\nusage: /logging?level=<level> (change all levels)\n\
                        levels: trace debug info warning error critical off \n";
            return reply(StatusCode::BAD_REQUEST, TEXT, text.to_owned());
        }
    };
    match level.map(str::parse::<Level>) {
        None => {}
        Some(Ok(level)) => registry.voice().set_level(Some(level)),
        Some(Err(error)) => {
            let text = format!("error: unknown logger level: {error}\n");
            return reply(StatusCode::BAD_REQUEST, TEXT, text);
        }
    }
    let text = format!("active loggers:\n  all: {}\n", registry.voice().level());
    reply(StatusCode::OK, TEXT, text)
}

fn stats(registry: &Registry, query: &Query, format: Option<&str>) -> Response<Full<Bytes>> {
    let selection = Selection {
        filter: query.filter.as_deref(),
        used_only: query.used_only,
    };
    let samples = registry.samples();
    match format {
        None | Some("text") => reply(StatusCode::OK, TEXT, render::text(&samples, selection)),
        Some("json") => reply(StatusCode::OK, JSON, render::json(&samples, selection)),
        Some("prometheus") => {
            let text = render::prometheus(&samples, selection);
            reply(StatusCode::OK, TEXT, text)
        }
        Some(_) => {
            let text = "usage: /stats?format=json  or /stats?format=prometheus \n\n";
            reply(StatusCode::BAD_REQUEST, TEXT, text.to_owned())
        }
    }
}

fn reply(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    fields.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, max-age=0"),
    );
    fields.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    mesh_headers::sign(fields);
    response
}

/// What a query string may ask for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Query {
    filter: Option<String>,
    format: Option<String>,
    used_only: bool,
}

impl Query {
    /// Reads a query string; what it does not know it passes over, as Envoy does.
    fn parse(query: &str) -> Self {
        let mut parsed = Self::default();
        for parameter in query.split('&') {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name {
                "filter" => parsed.filter = Some(percent_decode(value)),
                "format" => parsed.format = Some(percent_decode(value)),
                "usedonly" => parsed.used_only = true,
                _ => {}
            }
        }
        parsed
    }
}

/// Undoes percent-encoding (RFC 3986, section 2.1); what is not encoded right stays as it is.
fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let decoded = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match decoded {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
