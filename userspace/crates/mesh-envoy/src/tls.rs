//! Certificates and what the other side must show.
//!
//! App Mesh sent certificates of AWS Certificate Manager in its own stream. Here they are secrets of
//! the Secret Discovery Service, named by their ARN.

use mesh_model::snapshot::{
    Certificate, DownstreamTls, Protocol, Snapshot, Trust, UpstreamTls, Validation,
};
use serde_json::{Value, json};

use crate::value::{extension, set};

/// The cluster of the Secret Discovery Service, as the agent named it.
pub(crate) const SDS_CLUSTER: &str = "static_cluster_sds_unix_socket";

/// TLS of a listener. Clients are told the protocol that it speaks.
pub(crate) fn downstream(tls: &DownstreamTls, protocol: Protocol) -> Value {
    let mut context = json!({});
    if tls.validation.is_some() {
        set(
            &mut context,
            "require_client_certificate",
            Value::Bool(true),
        );
    }
    let alpn = match protocol {
        Protocol::Grpc | Protocol::Http2 => Some("h2"),
        Protocol::Http => Some("http/1.1"),
        Protocol::Tcp => None,
    };
    let mut common = json!({});
    set(
        &mut common,
        "alpn_protocols",
        alpn.map(|name| json!([name])),
    );
    certificate(&mut common, Some(&tls.certificate));
    validation(&mut common, tls.validation.as_ref());
    set(&mut context, "common_tls_context", common);
    socket("DownstreamTlsContext", context)
}

/// TLS towards a cluster. No server name is sent, as App Mesh sent none.
pub(crate) fn upstream(tls: &UpstreamTls) -> Value {
    let mut common = json!({});
    certificate(&mut common, tls.certificate.as_ref());
    validation(&mut common, tls.validation.as_ref());
    socket(
        "UpstreamTlsContext",
        json!({ "common_tls_context": common }),
    )
}

/// Whether a secret of the Secret Discovery Service is asked for.
pub(crate) fn uses_sds(snapshot: &Snapshot) -> bool {
    let listeners = snapshot.ingress.values().filter_map(|of| of.tls.as_ref());
    let listeners = listeners.map(|tls| (Some(&tls.certificate), tls.validation.as_ref()));
    let clusters = snapshot.clusters.iter().filter_map(|of| of.tls.as_ref());
    let clusters = clusters.map(|tls| (tls.certificate.as_ref(), tls.validation.as_ref()));
    listeners.chain(clusters).any(|(certificate, validation)| {
        certificate.is_some_and(|of| !matches!(of, Certificate::File { .. }))
            || validation.is_some_and(|of| !matches!(of.trust, Trust::File { .. }))
    })
}

fn socket(kind: &str, context: Value) -> Value {
    extension(
        "envoy.transport_sockets.tls",
        &format!("envoy.extensions.transport_sockets.tls.v3.{kind}"),
        context,
    )
}

fn certificate(common: &mut Value, given: Option<&Certificate>) {
    match given {
        None => {}
        Some(Certificate::File { chain, private_key }) => {
            let files = json!({
                "certificate_chain": { "filename": chain },
                "private_key": { "filename": private_key },
            });
            set(common, "tls_certificates", json!([files]));
        }
        Some(Certificate::Acm { arn: name } | Certificate::Sds { secret: name }) => {
            let secrets = json!([secret(name)]);
            set(common, "tls_certificate_sds_secret_configs", secrets);
        }
    }
}

fn validation(common: &mut Value, given: Option<&Validation>) {
    let Some(given) = given else { return };
    let mut context = json!({});
    let names = &given.subject_alternative_names;
    if !names.is_empty() {
        let matchers: Vec<Value> = names.iter().map(|name| matcher(name)).collect();
        set(
            &mut context,
            "match_typed_subject_alt_names",
            json!(matchers),
        );
    }
    let name = match &given.trust {
        Trust::File { chain } => {
            let mut files = json!({ "trusted_ca": { "filename": chain } });
            for (member, value) in context.as_object().into_iter().flatten() {
                set(&mut files, member, value.clone());
            }
            return set(common, "validation_context", files);
        }
        Trust::Acm { authorities } => authorities.join(","),
        Trust::AcmIssuer { certificate } => certificate.clone(),
        Trust::Sds { secret } => secret.clone(),
    };
    if names.is_empty() {
        set(
            common,
            "validation_context_sds_secret_config",
            secret(&name),
        );
    } else {
        let both = json!({
            "default_validation_context": context,
            "validation_context_sds_secret_config": secret(&name),
        });
        set(common, "combined_validation_context", both);
    }
}

/// A name that the certificate must bear: a URI, or a DNS name, which a wildcard of the certificate
/// may cover.
fn matcher(name: &str) -> Value {
    let kind = if name.contains("://") { "URI" } else { "DNS" };
    json!({ "san_type": kind, "matcher": { "exact": name } })
}

fn secret(name: &str) -> Value {
    json!({
        "name": name,
        "sds_config": {
            "resource_api_version": "V3",
            "api_config_source": {
                "api_type": "GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{ "envoy_grpc": { "cluster_name": SDS_CLUSTER } }],
            },
        },
    })
}
