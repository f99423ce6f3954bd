//! What snapshots hold, in words.

use std::time::Duration;

use mesh_model::snapshot::{
    Balancing, Certificate, CircuitBreakers, Cluster, DEFAULT_CONNECT_TIMEOUT, Discovery,
    DnsResponse, DownstreamTls, HeaderMatch, IpPreference, RetryOn, RetryPolicy, RouteMatch,
    TlsMode, Trust, UpstreamTls, Validation, ValueMatch, ZoneAware, ZonePolicy,
};

/// What a route asks besides the path.
pub(super) fn conditions(matches: &RouteMatch) -> Vec<String> {
    let method = matches
        .method
        .map(|method| format!("method {}", method.as_str()));
    let scheme = matches
        .scheme
        .map(|scheme| format!("scheme {}", scheme.as_str()));
    let headers = matches.headers.iter().map(header);
    let query = matches
        .query_parameters
        .iter()
        .map(|parameter| match &parameter.exact {
            Some(exact) => format!("query parameter {} is `{exact}`", parameter.name),
            None => format!("query parameter {} is there", parameter.name),
        });
    let named = method.into_iter().chain(scheme);
    named.chain(headers).chain(query).collect()
}

fn header(asks: &HeaderMatch) -> String {
    let not = if asks.invert { "not " } else { "" };
    let name = &asks.name;
    match &asks.value {
        None => format!("header {name} is {not}there"),
        Some(ValueMatch::Exact(value)) => format!("header {name} is {not}`{value}`"),
        Some(ValueMatch::Prefix(prefix)) => format!("header {name} is {not}from `{prefix}` on"),
        Some(ValueMatch::Range { start, end }) => {
            format!("header {name} is {not}a whole number from {start} to below {end}")
        }
        Some(ValueMatch::Regex(expression)) => {
            format!("header {name} is {not}what `{expression}` matches as a whole")
        }
        Some(ValueMatch::Suffix(suffix)) => format!("header {name} is {not}up to `{suffix}`"),
    }
}

/// When a request is tried again.
pub(super) fn retries(policy: Option<&RetryPolicy>) -> String {
    let Some(policy) = policy else {
        return "none".to_owned();
    };
    let codes: Vec<String> = policy.status_codes.iter().map(u16::to_string).collect();
    let events: Vec<String> = policy
        .retry_on
        .iter()
        .map(|event| match event {
            RetryOn::RetriableStatusCodes => format!("status {}", codes.join(" or ")),
            event => event.as_str().to_owned(),
        })
        .collect();
    let times = policy.num_retries;
    let text = format!("up to {times}, after {}", events.join(", "));
    match policy.per_try_timeout {
        None => text,
        each => format!("{text}; {} for each try", limit(each)),
    }
}

/// How a sentence calls the way to a cluster's addresses.
pub(super) fn discovery(cluster: &Cluster) -> String {
    match &cluster.discovery {
        Discovery::Dns {
            hostname,
            port,
            response,
            ip_preference,
            respects_ttl,
        } => {
            let response = match response {
                DnsResponse::LoadBalancer => "first address",
                DnsResponse::Endpoints => "every address",
            };
            let families = families(*ip_preference);
            // A file that does not name the node now may do so at its next look.
            let again = if *respects_ttl && cluster.instances.is_none() {
                ", asked again by its time to live"
            } else {
                ""
            };
            format!("{hostname}:{port} by DNS, {response}{families}{again}")
        }
        Discovery::CloudMap {
            namespace,
            service,
            ip_preference,
            ..
        } => {
            let families = families(*ip_preference);
            format!("{service} of {namespace} by AWS Cloud Map{families}")
        }
        Discovery::Static(addresses) => {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            addresses.join(", ")
        }
        Discovery::OriginalDestination => "where the application dialled".to_owned(),
    }
}

/// What the documents say about address families.
fn families(preference: IpPreference) -> &'static str {
    match preference {
        IpPreference::Unset => "",
        IpPreference::V4Only => ", IPv4 only",
        IpPreference::V4Preferred => ", IPv4 before IPv6",
        IpPreference::V6Only => ", IPv6 only",
        IpPreference::V6Preferred => ", IPv6 before IPv4",
    }
}

/// The limits and probes that a cluster has.
pub(super) fn policies(cluster: &Cluster) -> Vec<String> {
    let breakers = &cluster.circuit_breakers;
    // A budget takes the place of the number.
    let retries = breakers
        .retry_budget
        .map_or(breakers.max_retries, |_| CircuitBreakers::OFF);
    let limits = [
        ("connections", breakers.max_connections),
        ("pending requests", breakers.max_pending_requests),
        ("requests", breakers.max_requests),
        ("retries", retries),
    ];
    let limits: Vec<String> = limits
        .iter()
        .filter(|(_, most)| *most != CircuitBreakers::OFF)
        .map(|(what, most)| format!("{most} {what}"))
        .collect();
    let limits = (!limits.is_empty()).then(|| format!("at most {}", limits.join(", ")));
    let budget = breakers.retry_budget.map(|budget| {
        format!(
            "retry budget: {} % of the requests under way, and {} at least",
            budget.budget_percent, budget.min_retry_concurrency
        )
    });
    let probe = cluster.health_check.as_ref().map(|check| {
        format!(
            "health check: {} on port {}{} every {} within {}, healthy after {}, unhealthy after {}",
            check.protocol.as_str(),
            check.port,
            check.path.as_ref().map_or(String::new(), |path| format!(" for {path}")),
            limit(Some(check.interval)),
            limit(Some(check.timeout)),
            check.healthy_threshold,
            check.unhealthy_threshold,
        )
    });
    let ejection = cluster.outlier_detection.as_ref().map(|outlier| {
        format!(
            "outlier detection: out for {} after {} errors of the server in a row, judged every {}, \
             at most {} %",
            limit(Some(outlier.base_ejection_time)),
            outlier.consecutive_5xx,
            limit(Some(outlier.interval)),
            outlier.max_ejection_percent,
        )
    });
    // The local application's is another, and always the same.
    let is_usual = cluster.connect_timeout == DEFAULT_CONNECT_TIMEOUT
        || matches!(cluster.discovery, Discovery::Static(_));
    let connect =
        (!is_usual).then(|| format!("a connect within {}", limit(Some(cluster.connect_timeout))));
    let balancing = (cluster.balancing == Balancing::LeastRequest)
        .then(|| "least request: the less busy of two endpoints, drawn by chance".to_owned());
    let zones = cluster.zone_aware.as_ref().map(zone_aware);
    let all = [balancing, zones, connect, limits, budget, probe, ejection];
    all.into_iter().flatten().collect()
}

/// What is done for endpoints of the own zone.
fn zone_aware(given: &ZoneAware) -> String {
    let Some(own) = &given.own_zone else {
        return "zone-aware, but the own zone is not known: FERROMESH_ZONE is not set".to_owned();
    };
    match given.policy {
        ZonePolicy::EvenLoad => {
            format!("zone-aware: to {own} as much as leaves all endpoints the same load")
        }
        ZonePolicy::SameZone => {
            format!("zone-aware: all to {own} while enough of its endpoints are fit")
        }
    }
}

/// TLS of a listener.
pub(super) fn downstream_tls(tls: &DownstreamTls) -> String {
    let mode = match tls.mode {
        TlsMode::Permissive => "PERMISSIVE",
        TlsMode::Strict => "STRICT",
    };
    let own = certificate(&tls.certificate);
    match &tls.validation {
        Some(asked) => format!("{mode}, {own}, clients {}", validation(asked)),
        None => format!("{mode}, {own}, clients need none"),
    }
}

/// TLS towards a cluster.
pub(super) fn upstream_tls(tls: &UpstreamTls) -> String {
    let enforced = if tls.enforce {
        "enforced"
    } else {
        "if offered"
    };
    let own = match &tls.certificate {
        Some(own) => certificate(own),
        None => "no client certificate".to_owned(),
    };
    match &tls.validation {
        Some(asked) => format!("{enforced}, {own}, the server {}", validation(asked)),
        None => format!("{enforced}, {own}, the server is not validated"),
    }
}

fn certificate(certificate: &Certificate) -> String {
    match certificate {
        Certificate::Acm { arn } => format!("certificate {arn}"),
        Certificate::File { chain, .. } => format!("certificate {chain}"),
        Certificate::Sds { secret } => format!("certificate of SDS secret {secret}"),
    }
}

fn validation(asked: &Validation) -> String {
    let trust = match &asked.trust {
        Trust::Acm { authorities } => authorities.join(", "),
        Trust::AcmIssuer { certificate } => format!("the issuer of {certificate}"),
        Trust::File { chain } => chain.clone(),
        Trust::Sds { secret } => format!("SDS secret {secret}"),
    };
    if asked.subject_alternative_names.is_empty() {
        format!("by {trust}")
    } else {
        let names = asked.subject_alternative_names.join(" or ");
        format!("by {trust} as {names}")
    }
}

/// A share of a route: `75 % (75 of 100)`.
pub(super) fn percent(weight: u32, of: u32) -> String {
    let tenths = (u64::from(weight) * 1000)
        .checked_div(of.into())
        .unwrap_or(0);
    let (whole, tenth) = (tenths / 10, tenths % 10);
    let fraction = if tenth == 0 {
        String::new()
    } else {
        format!(".{tenth}")
    };
    format!("{whole}{fraction} % ({weight} of {of})")
}

/// A time limit.
pub(super) fn limit(timeout: Option<Duration>) -> String {
    match timeout {
        None => "unlimited".to_owned(),
        Some(timeout) if timeout.subsec_millis() == 0 => format!("{} s", timeout.as_secs()),
        Some(timeout) => format!("{} ms", timeout.as_millis()),
    }
}
