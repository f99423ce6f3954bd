//! TLS of the workload's own listeners and towards its backends.

use mesh_model::{
    snapshot::{self, Certificate, DownstreamTls, Trust, UpstreamTls, Validation},
    spec::{
        Port,
        discovery::ServiceDiscovery,
        tls::{
            ClientCertificate, ClientTls, ClientTrust, FileCertificate, ListenerCertificate,
            ListenerTls, ListenerTrust, SubjectAlternativeNames, TlsMode,
        },
        virtual_node::VirtualNodeSpec,
    },
};

/// TLS as a listener takes it; none where it is switched off.
pub(super) fn downstream(tls: &ListenerTls) -> Option<DownstreamTls> {
    Some(DownstreamTls {
        mode: match tls.mode {
            TlsMode::Disabled => return None,
            TlsMode::Permissive => snapshot::TlsMode::Permissive,
            TlsMode::Strict => snapshot::TlsMode::Strict,
        },
        certificate: match &tls.certificate {
            ListenerCertificate::Acm(acm) => Certificate::Acm {
                arn: acm.certificate_arn.clone(),
            },
            ListenerCertificate::File(file) => in_files(file),
            ListenerCertificate::Sds(sds) => Certificate::Sds {
                secret: sds.secret_name.clone(),
            },
        },
        validation: tls.validation.as_ref().map(|validation| Validation {
            trust: match &validation.trust {
                ListenerTrust::File(file) => Trust::File {
                    chain: file.certificate_chain.as_str().to_owned(),
                },
                ListenerTrust::Sds(sds) => Trust::Sds {
                    secret: sds.secret_name.clone(),
                },
            },
            subject_alternative_names: names(validation.subject_alternative_names.as_ref())
                .unwrap_or_default(),
        }),
    })
}

/// TLS towards a listener of a node. `ports` are that on which the service is called, and its own.
///
/// A policy that covers the port decides. Without one App Mesh's clients used TLS wherever the
/// server's document offered it, and checked the certificate only if it was of AWS Certificate
/// Manager (guide, "Transport Layer Security").
pub(super) fn upstream(
    policy: Option<&ClientTls>,
    node: &VirtualNodeSpec,
    offered: Option<&ListenerTls>,
    ports: [Port; 2],
) -> Option<UpstreamTls> {
    let offered = offered.filter(|tls| tls.mode != TlsMode::Disabled);
    let Some(policy) = policy.filter(|policy| covers(policy, ports)) else {
        let validation = match &offered?.certificate {
            ListenerCertificate::Acm(acm) => Some(Validation {
                trust: Trust::AcmIssuer {
                    certificate: acm.certificate_arn.clone(),
                },
                subject_alternative_names: own_name(node),
            }),
            ListenerCertificate::File(_) | ListenerCertificate::Sds(_) => None,
        };
        return Some(UpstreamTls {
            enforce: false,
            certificate: None,
            validation,
        });
    };
    let enforce = policy.enforce.unwrap_or(true);
    if !enforce && offered.is_none() {
        return None;
    }
    let validation = &policy.validation;
    Some(UpstreamTls {
        enforce,
        certificate: policy
            .certificate
            .as_ref()
            .map(|certificate| match certificate {
                ClientCertificate::File(file) => in_files(file),
                ClientCertificate::Sds(sds) => Certificate::Sds {
                    secret: sds.secret_name.clone(),
                },
            }),
        validation: Some(Validation {
            trust: match &validation.trust {
                ClientTrust::Acm(acm) => Trust::Acm {
                    authorities: acm.certificate_authority_arns.to_vec(),
                },
                ClientTrust::File(file) => Trust::File {
                    chain: file.certificate_chain.as_str().to_owned(),
                },
                ClientTrust::Sds(sds) => Trust::Sds {
                    secret: sds.secret_name.clone(),
                },
            },
            subject_alternative_names: names(validation.subject_alternative_names.as_ref())
                .unwrap_or_else(|| own_name(node)),
        }),
    })
}

/// Whether a policy speaks of a listener, which may be meant by its own port or by that on which
/// the service is called.
pub(super) fn covers(policy: &ClientTls, ports: [Port; 2]) -> bool {
    ports.into_iter().any(|port| policy.covers(port))
}

fn in_files(file: &FileCertificate) -> Certificate {
    Certificate::File {
        chain: file.certificate_chain.as_str().to_owned(),
        private_key: file.private_key.as_str().to_owned(),
    }
}

fn names(given: Option<&SubjectAlternativeNames>) -> Option<Vec<String>> {
    let exact = &given?.matches.exact;
    Some(exact.iter().map(|name| name.as_str().to_owned()).collect())
}

/// The name that a node's certificate has to bear where no policy names one (guide, "Certificate
/// requirements").
fn own_name(node: &VirtualNodeSpec) -> Vec<String> {
    match &node.service_discovery {
        Some(ServiceDiscovery::AwsCloudMap(cloud_map)) => {
            let service = cloud_map.service_name.as_str();
            vec![format!("{service}.{}", cloud_map.namespace_name.as_str())]
        }
        Some(ServiceDiscovery::Dns(dns)) => vec![dns.hostname.as_str().to_owned()],
        None => Vec::new(),
    }
}
