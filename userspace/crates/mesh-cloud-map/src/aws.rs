//! AWS Cloud Map itself, asked with the AWS SDK: region, endpoint and credentials come from the
//! environment of this process, in the order of all AWS SDKs.

use std::{collections::HashMap, error::Error, time::Duration};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_runtime::retries::classifiers::THROTTLING_ERRORS;
use aws_sdk_servicediscovery::{
    Client,
    config::{
        self, ConfigBag, Intercept, RuntimeComponents, http::HttpResponse,
        interceptors::BeforeTransmitInterceptorContextMut, retry::RetryConfig,
        timeout::TimeoutConfig,
    },
    error::{BoxError, ProvideErrorMetadata, SdkError},
    types::{HealthStatus, HealthStatusFilter, HttpInstanceSummary},
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_types::endpoint_config::EndpointUrl;
use tokio::sync::{OnceCell, Semaphore};

use crate::{
    api::{Api, ApiError, Asking, Attributes, Health, Registered, Service},
    watched::MOST,
};

/// How long a connection to the endpoint may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a question may take, with everything that it needs.
const WHOLE: Duration = Duration::from_secs(10);
/// Questions under way at once: a daemon with hundreds of services must not begin with a burst.
const AT_ONCE: usize = 16;

/// Error codes of somebody who does not know the operation.
const UNKNOWN_OPERATION: [&str; 4] = [
    "UnknownOperationException",
    "UnknownOperation",
    "InvalidAction",
    "NotImplemented",
];
/// Error codes of a policy that does not allow it.
const NOT_ALLOWED: [&str; 3] = [
    "AccessDeniedException",
    "AccessDenied",
    "UnauthorizedOperation",
];

/// The client, made when it is first needed: who has nothing in AWS Cloud Map need not be on AWS.
#[derive(Debug)]
pub struct Aws {
    client: OnceCell<Client>,
    places: Semaphore,
}

impl Default for Aws {
    fn default() -> Self {
        Self {
            client: OnceCell::new(),
            places: Semaphore::new(AT_ONCE),
        }
    }
}

impl Aws {
    async fn client(&self) -> Result<&Client, ApiError> {
        self.client
            .get_or_try_init(|| async { client(&load().await) })
            .await
    }

    async fn ask_revision(&self, service: &Service) -> Result<i64, ApiError> {
        let client = self.client().await?;
        let _place = self.places.acquire().await;
        let asked = client
            .discover_instances_revision()
            .namespace_name(&service.namespace)
            .service_name(&service.name)
            .send()
            .await;
        let answer = asked.map_err(|error| of_revision(&error))?;
        answer.instances_revision().ok_or_else(|| {
            ApiError::NoRevisions("the answer of DiscoverInstancesRevision has none".to_owned())
        })
    }

    async fn ask_instances(
        &self,
        service: &Service,
        attributes: &Attributes,
    ) -> Result<Vec<Registered>, ApiError> {
        let client = self.client().await?;
        let _place = self.places.acquire().await;
        let pairs = attributes.pairs().iter().cloned();
        let pairs: HashMap<String, String> = pairs.collect();
        let asked = client
            .discover_instances()
            .namespace_name(&service.namespace)
            .service_name(&service.name)
            .max_results(MOST.into())
            .health_status(HealthStatusFilter::Healthy)
            .set_query_parameters(Some(pairs).filter(|pairs| !pairs.is_empty()))
            .send()
            .await;
        let answer = asked.map_err(|error| of_instances(&error))?;
        Ok(answer.instances().iter().map(registered).collect())
    }
}

impl Api for Aws {
    fn revision<'a>(&'a self, service: &'a Service) -> Asking<'a, i64> {
        Box::pin(self.ask_revision(service))
    }

    fn instances<'a>(
        &'a self,
        service: &'a Service,
        attributes: &'a Attributes,
    ) -> Asking<'a, Vec<Registered>> {
        Box::pin(self.ask_instances(service, attributes))
    }
}

/// What the environment, the profile and the machine say.
async fn load() -> SdkConfig {
    let https = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(https)
        .load()
        .await
}

/// A client of that, which asks once: whoever asks again waits first, and longer each time.
fn client(config: &SdkConfig) -> Result<Client, ApiError> {
    if config.region().is_none() {
        return Err(ApiError::Later(
            "no AWS region is known; set AWS_REGION for the daemon".to_owned(),
        ));
    }
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_timeout(WHOLE)
        .build();
    let config = config::Builder::from(config)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .interceptor(EndpointAsWritten)
        .build();
    Ok(Client::from_conf(config))
}

fn registered(summary: &HttpInstanceSummary) -> Registered {
    Registered {
        health: match summary.health_status() {
            Some(HealthStatus::Healthy) => Health::Healthy,
            Some(HealthStatus::Unhealthy) => Health::Unhealthy,
            _ => Health::Unchecked,
        },
        attributes: summary.attributes().cloned().unwrap_or_default(),
    }
}

fn of_revision<E>(error: &SdkError<E, HttpResponse>) -> ApiError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let Refusal { code, status, text } = Refusal::of(error);
    // What the HTTP status alone says: no such path, method or operation.
    let is_unknown = code.is_none() && matches!(status, Some(404 | 405 | 501));
    let is_listed = |code: &str| UNKNOWN_OPERATION.contains(&code) || NOT_ALLOWED.contains(&code);
    if is_unknown || code.is_some_and(is_listed) {
        return ApiError::NoRevisions(text);
    }
    of_instances(error)
}

fn of_instances<E>(error: &SdkError<E, HttpResponse>) -> ApiError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let Refusal { code, status, text } = Refusal::of(error);
    let is_throttled = code.is_some_and(|code| THROTTLING_ERRORS.contains(&code));
    let is_later = match (error, status) {
        (_, Some(status)) => is_throttled || status == 429 || status >= 500,
        (SdkError::TimeoutError(_), None) => false,
        (SdkError::DispatchFailure(failure), None) => !failure.is_io() && !failure.is_timeout(),
        // Nothing was sent, as without credentials, which are looked for on the network.
        _ => true,
    };
    if is_later {
        ApiError::Later(text)
    } else {
        ApiError::Failed(text)
    }
}

/// What an error says.
struct Refusal<'a> {
    /// The code of AWS, where there was an answer with one.
    code: Option<&'a str>,
    /// The status of HTTP, where there was an answer.
    status: Option<u16>,
    text: String,
}

impl<'a> Refusal<'a> {
    fn of<E>(error: &'a SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let status = error.raw_response().map(|raw| raw.status().as_u16());
        let said = error.as_service_error();
        let code = said.and_then(ProvideErrorMetadata::code);
        let message = said.and_then(ProvideErrorMetadata::message);
        let text = match (code, message, status) {
            (Some(code), Some(message), _) => format!("{code}: {message}"),
            (Some(code), None, _) => code.to_owned(),
            (None, _, Some(status)) if status >= 400 => {
                format!("the endpoint answers with HTTP status {status}")
            }
            _ => chain(error),
        };
        Self { code, status, text }
    }
}

/// An error and its causes on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some of these repeat their cause.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// Leaves an endpoint that an operator wrote as it is. The SDK puts `data-` before its host, which is
/// AWS's own name for where these questions go, and makes nothing of an address.
#[derive(Debug)]
struct EndpointAsWritten;

impl Intercept for EndpointAsWritten {
    fn name(&self) -> &'static str {
        "EndpointAsWritten"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if config.load::<EndpointUrl>().is_some() {
            let request = context.request_mut();
            let written = request.uri().replacen("://data-", "://", 1);
            request.set_uri(written)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
