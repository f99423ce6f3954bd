//! A request as people write it, taken apart as the proxy would see it.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header, uri::Scheme};
use mesh_model::snapshot::VIRTUAL_SERVICE_HEADER;
use mesh_route::{InvalidPath, RequestParts, aws, denies_scheme, normalise, scheme};

use super::{ExplainError, Outcome};

/// A request as it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`
    pub method: String,
    /// `http://serviceb.apps.local/colour`; the scheme is `http` and the port the scheme's unless
    /// given.
    pub url: String,
    /// A `host` here stands in for the URL's.
    pub headers: Vec<(String, String)>,
    /// It is made by HTTP/2, which states the scheme; HTTP/1.1 leaves it to `x-forwarded-proto`.
    pub http2: bool,
    /// It comes from elsewhere to a port of the resource; otherwise the application makes it.
    pub ingress: bool,
}

impl Request {
    /// A call of a gRPC method: `POST` by HTTP/2 with gRPC's content type (gRPC over HTTP/2,
    /// "Requests").
    pub fn grpc(url: String, mut headers: Vec<(String, String)>, ingress: bool) -> Self {
        for (name, value) in [("content-type", "application/grpc"), ("te", "trailers")] {
            if !headers.iter().any(|(given, _)| given == name) {
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
        Self {
            method: "POST".to_owned(),
            url,
            headers,
            http2: true,
            ingress,
        }
    }
}

/// What the proxy would see of a request.
#[derive(Clone)]
pub(super) struct Seen {
    /// The URL as it was understood.
    pub(super) url: String,
    pub(super) port: u16,
    /// The name or address that is dialled, without its port.
    pub(super) dialled: String,
    is_tls: bool,
    host: String,
    method: Method,
    scheme: String,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
}

impl Seen {
    pub(super) fn of(request: &Request) -> Result<Self, ExplainError> {
        let invalid = || ExplainError::Url {
            url: request.url.clone(),
        };
        let url = if request.url.contains("://") {
            request.url.clone()
        } else {
            format!("http://{}", request.url)
        };
        let uri: Uri = url.parse().map_err(|_| invalid())?;
        let authority = uri.authority().ok_or_else(invalid)?;
        let default = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => 80,
            Some(scheme) if *scheme == Scheme::HTTPS => 443,
            _ => return Err(invalid()),
        };
        if authority.host().is_empty() {
            return Err(invalid());
        }
        // `Authority::port` is silent about a port that is none.
        let place = authority.as_str().rsplit('@').next().unwrap_or_default();
        let port = match place.strip_prefix(authority.host()) {
            Some("") | None => default,
            Some(port) => port
                .trim_start_matches(':')
                .parse()
                .map_err(|_| invalid())?,
        };
        // Clients leave the scheme's own port out of the Host (RFC 9110, 4.2.3).
        let host = if port == default {
            authority.host().to_owned()
        } else {
            format!("{}:{port}", authority.host())
        };
        let (mut headers, given) = headers_of(&request.headers)?;
        if request.http2 {
            mesh_headers::join_cookies(&mut headers);
        }
        let is_stated = request.http2 || uri.scheme() == Some(&Scheme::HTTPS);
        let stated = uri.scheme_str().filter(|_| is_stated);
        Ok(Self {
            port,
            dialled: authority.host().to_owned(),
            is_tls: uri.scheme() == Some(&Scheme::HTTPS),
            host: given.unwrap_or(host),
            method: request.method.parse().map_err(|_| ExplainError::Method {
                method: request.method.clone(),
            })?,
            scheme: scheme(stated, &headers).to_owned(),
            path: uri.path().to_owned(),
            query: uri.query().map(ToOwned::to_owned),
            headers,
            url,
        })
    }

    /// Whether it goes by TLS towards an endpoint of AWS.
    pub(super) fn calls_aws(&self) -> bool {
        self.is_tls && self.port == aws::PORT && aws::is_endpoint(self.dialled.as_bytes())
    }

    /// The path as it is matched, or what becomes of a request for which no route is asked.
    pub(super) fn path(&self) -> Result<Cow<'_, str>, Outcome> {
        if self.method == Method::CONNECT {
            return Err(Outcome::NoConnect);
        }
        let path = normalise(&self.path).map_err(|InvalidPath| Outcome::BadPath)?;
        if denies_scheme(&self.headers) {
            return Err(Outcome::NoScheme);
        }
        Ok(path)
    }

    /// The request to another Host.
    pub(super) fn with_host(self, host: &str) -> Self {
        Self {
            host: host.to_owned(),
            ..self
        }
    }

    /// The request with a virtual service beside its Host, as gateways write it.
    pub(super) fn with_virtual_service(mut self, service: &str) -> Self {
        // A name that no header can hold is that of no virtual service that a request can reach.
        if let Ok(service) = HeaderValue::from_str(service) {
            self.headers.insert(VIRTUAL_SERVICE_HEADER, service);
        }
        self
    }

    /// The request as routes see it.
    pub(super) fn parts<'a>(&'a self, path: &'a str) -> RequestParts<'a> {
        RequestParts {
            method: self.method.as_str(),
            scheme: &self.scheme,
            host: &self.host,
            path,
            query: self.query.as_deref(),
            headers: &self.headers,
        }
    }
}

/// The header fields, and the Host if it is among them.
fn headers_of(given: &[(String, String)]) -> Result<(HeaderMap, Option<String>), ExplainError> {
    let mut headers = HeaderMap::new();
    let mut host = None;
    for (name, value) in given {
        let invalid = || ExplainError::Header {
            name: name.clone(),
            value: value.clone(),
        };
        let field: HeaderName = name.parse().map_err(|_| invalid())?;
        if field == header::HOST {
            host = Some(value.trim_matches([' ', '\t']).to_owned());
            continue;
        }
        // Space around a value is no part of it (RFC 9110, section 5.5).
        let value = value.trim_matches([' ', '\t']);
        let value = HeaderValue::from_str(value).map_err(|_| invalid())?;
        headers.append(field, value);
    }
    Ok((headers, host))
}
