//! What the environment says about what a workload runs.

use mesh_model::snapshot::CircuitBreakers;

use crate::{
    Environment,
    problem::{Place, Problem, Rule},
    redirect,
};

/// Whether routes without a retry policy get App Mesh's own: `on` (the default), or `off` as in AWS
/// accounts that had a mesh before 29 July 2020 (guide, "Default route retry policy").
const RETRY_POLICY: &str = "FERROMESH_DEFAULT_RETRY_POLICY";

/// The limits of clusters without a connection pool: `off` (the default), or `envoy` for Envoy's own,
/// as in those accounts (guide, "Default circuit breaker").
const CIRCUIT_BREAKER: &str = "FERROMESH_DEFAULT_CIRCUIT_BREAKER";

/// Whether DNS is asked again when an answer's time to live is over: `on`, or `off` (the default) for every
/// 5 s whatever it says, as App Mesh had it.
const DNS_TTL: &str = "FERROMESH_RESPECT_DNS_TTL";

/// A file that names instances of nodes and services, before their own discovery; unset: none.
const INSTANCES: &str = "FERROMESH_INSTANCES";

/// The availability zone that the workload is in; unset: it is not known.
pub(super) const ZONE: &str = "FERROMESH_ZONE";

/// Whether Envoy's default line of the access log has the reason of a failure behind it: `off` (the
/// default) or `on`.
const LOG_REASON: &str = "FERROMESH_ACCESS_LOG_REASON";

/// What accounts differed in, and where the proxy listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) egress_port: u16,
    pub(super) ingress_port: u16,
    pub(super) retries_unasked: bool,
    pub(super) circuit_breakers: CircuitBreakers,
    pub(super) respects_dns_ttl: bool,
    pub(super) logs_reasons: bool,
    /// The path of the file of instances.
    pub(super) instances: Option<String>,
    /// The workload's own zone.
    pub(super) zone: Option<String>,
}

impl Settings {
    pub(super) fn read(environment: &Environment) -> Result<Self, Vec<Problem>> {
        let (egress_port, ingress_port) = redirect::proxy_ports(environment);
        let mut problems = Vec::new();
        let mut choice = |name, words| {
            choice(environment, name, words)
                .map_err(|problem| problems.push(*problem))
                .ok()
        };
        let retries = choice(RETRY_POLICY, ["on", "off"]);
        let limits = choice(CIRCUIT_BREAKER, ["off", "envoy"]);
        let ttl = choice(DNS_TTL, ["off", "on"]);
        let reasons = choice(LOG_REASON, ["off", "on"]);
        let instances = path(environment, INSTANCES)
            .map_err(|problem| problems.push(*problem))
            .ok()
            .flatten();
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            egress_port,
            ingress_port,
            retries_unasked: retries == Some("on"),
            circuit_breakers: match limits {
                Some("envoy") => CircuitBreakers::ENVOY,
                _ => CircuitBreakers::default(),
            },
            respects_dns_ttl: ttl == Some("on"),
            logs_reasons: reasons == Some("on"),
            instances,
            zone: text(environment, ZONE).map(str::to_owned),
        })
    }
}

/// What a variable has; unset and empty it is nothing.
fn text<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    let value = environment.get(name)?.trim();
    (!value.is_empty()).then_some(value)
}

/// The absolute path that a variable has; unset and empty it is none.
fn path(environment: &Environment, name: &str) -> Result<Option<String>, Box<Problem>> {
    let Some(value) = text(environment, name) else {
        return Ok(None);
    };
    if value.starts_with('/') {
        return Ok(Some(value.to_owned()));
    }
    Err(refusal(
        name,
        value,
        "it is an absolute path",
        "write it from the root: /…",
    ))
}

/// The word that a variable has; unset and empty it is the first.
fn choice(
    environment: &Environment,
    name: &str,
    words: [&'static str; 2],
) -> Result<&'static str, Box<Problem>> {
    let Some(value) = text(environment, name) else {
        return Ok(words[0]);
    };
    let known = words.into_iter().find(|word| *word == value);
    known.ok_or_else(|| {
        let [one, other] = words;
        refusal(
            name,
            value,
            &format!("it is `{one}` or `{other}`"),
            &format!("write `{one}` or `{other}`"),
        )
    })
}

fn refusal(name: &str, value: &str, rule: &str, mend: &str) -> Box<Problem> {
    Box::new(Problem {
        place: Place {
            field: Some(name.to_owned()),
            ..Place::default()
        },
        rule: Rule::Variable,
        value: Some(value.to_owned()),
        message: format!("`{value}` is not allowed: {rule}"),
        mend: mend.to_owned(),
    })
}
