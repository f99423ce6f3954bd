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

/// What accounts differed in, and where the proxy listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) egress_port: u16,
    pub(super) ingress_port: u16,
    pub(super) retries_unasked: bool,
    pub(super) circuit_breakers: CircuitBreakers,
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
        })
    }
}

/// The word that a variable has; unset and empty it is the first.
fn choice(
    environment: &Environment,
    name: &str,
    words: [&'static str; 2],
) -> Result<&'static str, Box<Problem>> {
    let value = environment.get(name).map_or("", |value| value.trim());
    if value.is_empty() {
        return Ok(words[0]);
    }
    let known = words.into_iter().find(|word| *word == value);
    known.ok_or_else(|| {
        Box::new(Problem {
            place: Place {
                field: Some(name.to_owned()),
                ..Place::default()
            },
            rule: Rule::Variable,
            value: Some(value.to_owned()),
            message: format!(
                "`{value}` is not allowed: it is `{}` or `{}`",
                words[0], words[1]
            ),
            mend: format!("write `{}` or `{}`", words[0], words[1]),
        })
    })
}
