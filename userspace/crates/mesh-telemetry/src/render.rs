//! Samples as Envoy's admin interface prints them: `/stats` text and JSON, `/stats/prometheus`.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use serde_json::json;

use crate::scope::Reading;

/// The kinds of scope: what stands before the scope's name, and how Prometheus labels it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// `access_log.`
    AccessLog,
    /// `cluster.<name>.`
    Cluster,
    /// `cluster_manager.`
    ClusterManager,
    /// `connection.<direction>.<verdict>.<reason>.`
    Connection,
    /// `request_failure.<direction>.<cluster>.`; of requests that came to no cluster,
    /// `request_failure.<direction>.`
    Failure,
    /// `http.<prefix>.`
    Http,
    /// `listener.<address>.`
    Listener,
    /// `redirection.`
    Redirection,
    /// `server.`
    Server,
    /// `tcp.<prefix>.`
    Tcp,
    /// `vhost.<name>.vcluster.other.`
    VirtualHost,
}

/// The name of a scope of [`Family::Connection`].
pub fn connection_kind(direction: &str, verdict: &str, reason: &str) -> String {
    format!("{direction}.{verdict}.{reason}")
}

/// The last part of a statistic's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// `upstream_rq_2xx`
    Class {
        /// `upstream_rq`
        stem: &'static str,
        /// 1 to 5.
        class: u8,
    },
    /// `upstream_rq_200`
    Code {
        /// `upstream_rq`
        stem: &'static str,
        /// 100 to 599.
        code: u16,
    },
    /// The name as it is.
    Plain(&'static str),
}

/// One statistic at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The kind of scope.
    pub family: Family,
    /// The scope's name; empty where there is only one.
    pub scope: Arc<str>,
    /// Which statistic of the scope.
    pub metric: Metric,
    /// Its sum over all shards.
    pub value: Reading,
}

impl Sample {
    /// The whole dotted name: `cluster.a.upstream_rq_total`.
    pub fn name(&self) -> String {
        let scope = &self.scope;
        let mut name = match self.family {
            Family::AccessLog => "access_log.".to_owned(),
            Family::Cluster => format!("cluster.{scope}."),
            Family::ClusterManager => "cluster_manager.".to_owned(),
            Family::Connection => format!("connection.{scope}."),
            Family::Failure => format!("request_failure.{scope}."),
            Family::Http => format!("http.{scope}."),
            Family::Listener => format!("listener.{scope}."),
            Family::Redirection => "redirection.".to_owned(),
            Family::Server => "server.".to_owned(),
            Family::Tcp => format!("tcp.{scope}."),
            Family::VirtualHost => format!("vhost.{scope}.vcluster.other."),
        };
        // Writing into a String cannot fail.
        let _ = match self.metric {
            Metric::Class { stem, class } => write!(name, "{stem}_{class}xx"),
            Metric::Code { stem, code } => write!(name, "{stem}_{code}"),
            Metric::Plain(plain) => write!(name, "{plain}"),
        };
        name
    }

    /// The number.
    pub fn number(&self) -> u64 {
        match self.value {
            Reading::Counter(value) | Reading::Gauge(value) => value,
        }
    }

    fn prometheus_name(&self) -> String {
        let family = match self.family {
            Family::AccessLog => "access_log",
            Family::Cluster => "cluster",
            Family::ClusterManager => "cluster_manager",
            Family::Connection => "connection",
            Family::Failure => "request_failure",
            Family::Http => "http",
            Family::Listener => "listener",
            Family::Redirection => "redirection",
            Family::Server => "server",
            Family::Tcp => "tcp",
            Family::VirtualHost => "vhost_vcluster",
        };
        // Dashboards know Envoy's names; what Envoy does not have must not look like them.
        let owner = if matches!(
            self.family,
            Family::AccessLog | Family::Connection | Family::Failure | Family::Redirection
        ) {
            "ferromesh"
        } else {
            "envoy"
        };
        match self.metric {
            Metric::Class { stem, .. } => format!("{owner}_{family}_{stem}_xx"),
            Metric::Code { stem, .. } => format!("{owner}_{family}_{stem}"),
            Metric::Plain(_) if self.family == Family::Failure => format!("{owner}_{family}"),
            Metric::Plain(plain) => format!("{owner}_{family}_{}", plain.replace('.', "_")),
        }
    }

    fn prometheus_labels(&self) -> String {
        let mut labels = Vec::new();
        match self.metric {
            Metric::Class { class, .. } => {
                labels.push(format!("envoy_response_code_class=\"{class}\""));
            }
            Metric::Code { code, .. } => labels.push(format!("envoy_response_code=\"{code}\"")),
            Metric::Plain(reason) if self.family == Family::Failure => {
                labels.push(format!("reason=\"{reason}\""));
            }
            Metric::Plain(_) => {}
        }
        let scope = escape_label(&self.scope);
        match self.family {
            Family::Cluster => labels.push(format!("envoy_cluster_name=\"{scope}\"")),
            Family::AccessLog | Family::ClusterManager | Family::Redirection | Family::Server => {}
            Family::Connection => {
                let names = ["direction", "verdict", "reason"];
                let values = scope.splitn(names.len(), '.');
                let pairs = names.into_iter().zip(values);
                labels.extend(pairs.map(|(name, value)| format!("{name}=\"{value}\"")));
            }
            Family::Failure => {
                let names = ["direction", "envoy_cluster_name"];
                let pairs = names.into_iter().zip(scope.splitn(names.len(), '.'));
                labels.extend(pairs.map(|(name, value)| format!("{name}=\"{value}\"")));
            }
            Family::Http => labels.push(format!("envoy_http_conn_manager_prefix=\"{scope}\"")),
            Family::Listener => labels.push(format!("envoy_listener_address=\"{scope}\"")),
            Family::Tcp => labels.push(format!("envoy_tcp_prefix=\"{scope}\"")),
            Family::VirtualHost => {
                labels.push(format!("envoy_virtual_host=\"{scope}\""));
                labels.push("envoy_virtual_cluster=\"other\"".to_owned());
            }
        }
        labels.join(",")
    }
}

/// Which samples a reader asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selection<'a> {
    /// Only names that hold this text (`?filter=`).
    pub filter: Option<&'a str>,
    /// Only statistics that ever counted something (`?usedonly`).
    pub used_only: bool,
}

impl Selection<'_> {
    fn takes(&self, name: &str, sample: &Sample) -> bool {
        self.filter.is_none_or(|filter| name.contains(filter))
            && (!self.used_only || sample.number() != 0)
    }

    fn of(&self, samples: &[Sample]) -> Vec<(String, u64)> {
        let mut taken: Vec<(String, u64)> = samples
            .iter()
            .map(|sample| (sample.name(), sample))
            .filter(|(name, sample)| self.takes(name, sample))
            .map(|(name, sample)| (name, sample.number()))
            .collect();
        taken.sort_unstable();
        taken
    }
}

/// `/stats`: `name: value`, a line each, sorted.
pub fn text(samples: &[Sample], selection: Selection<'_>) -> String {
    let mut out = String::new();
    for (name, value) in selection.of(samples) {
        let _ = writeln!(out, "{name}: {value}");
    }
    out
}

/// `/stats?format=json`.
pub fn json(samples: &[Sample], selection: Selection<'_>) -> String {
    let stats: Vec<_> = selection
        .of(samples)
        .into_iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    json!({ "stats": stats }).to_string()
}

/// `/stats/prometheus`: Envoy's names and labels, a TYPE line for each name.
pub fn prometheus(samples: &[Sample], selection: Selection<'_>) -> String {
    let mut by_name: BTreeMap<String, Vec<&Sample>> = BTreeMap::new();
    for sample in samples {
        if selection.takes(&sample.name(), sample) {
            by_name
                .entry(sample.prometheus_name())
                .or_default()
                .push(sample);
        }
    }
    let mut out = String::new();
    for (name, samples) in by_name {
        let kind = match samples[0].value {
            Reading::Counter(_) => "counter",
            Reading::Gauge(_) => "gauge",
        };
        let _ = writeln!(out, "# TYPE {name} {kind}");
        for sample in samples {
            let labels = sample.prometheus_labels();
            let _ = writeln!(out, "{name}{{{labels}}} {}", sample.number());
        }
    }
    out
}

/// The text format's escapes inside a label's value.
fn escape_label(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests;
