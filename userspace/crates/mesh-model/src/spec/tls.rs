//! TLS of listeners and towards backends.

use serde::Serialize;

use super::{Items, Port, Text};

/// `ClientPolicy`: how a backend is connected to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClientPolicy {
    /// With TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ClientTls>,
}

/// `ClientPolicyTls`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClientTls {
    /// What the client shows of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<ClientCertificate>,
    /// Without TLS there is no connection; absent: so it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforce: Option<bool>,
    /// On these ports; absent: on all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ports: Option<Vec<Port>>,
    /// What the server must show.
    pub validation: ClientValidation,
}

impl ClientTls {
    /// Whether a connection to this port must be encrypted.
    pub fn enforces(&self, port: Port) -> bool {
        self.enforce.unwrap_or(true) && self.covers(port)
    }

    /// Whether the policy speaks of this port.
    pub fn covers(&self, port: Port) -> bool {
        self.ports
            .as_ref()
            .is_none_or(|ports| ports.is_empty() || ports.contains(&port))
    }
}

/// `ClientTlsCertificate`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ClientCertificate {
    /// In files.
    File(FileCertificate),
    /// From a secret service.
    Sds(SdsSecret),
}

/// `ListenerTlsFileCertificate`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileCertificate {
    /// Path of the PEM chain.
    pub certificate_chain: Text<1, 255>,
    /// Path of the PEM key.
    pub private_key: Text<1, 255>,
}

/// `ListenerTlsSdsCertificate` and `TlsValidationContextSdsTrust`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SdsSecret {
    /// The secret to ask for.
    pub secret_name: String,
}

/// `TlsValidationContext`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientValidation {
    /// Names of which the certificate must have one; absent: the node's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_alternative_names: Option<SubjectAlternativeNames>,
    /// Who may have signed it.
    pub trust: ClientTrust,
}

/// `SubjectAlternativeNames`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubjectAlternativeNames {
    /// The names.
    #[serde(rename = "match")]
    pub matches: SubjectAlternativeNameMatchers,
}

/// `SubjectAlternativeNameMatchers`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubjectAlternativeNameMatchers {
    /// Whole names.
    pub exact: Vec<Text<1, 254>>,
}

/// `TlsValidationContextTrust`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ClientTrust {
    /// Authorities of AWS Private CA.
    Acm(AcmTrust),
    /// Authorities in a file.
    File(FileTrust),
    /// Authorities from a secret service.
    Sds(SdsSecret),
}

/// `TlsValidationContextAcmTrust`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AcmTrust {
    /// ARNs of the authorities.
    pub certificate_authority_arns: Items<String, 1, 3>,
}

/// `TlsValidationContextFileTrust`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileTrust {
    /// Path of the PEM file.
    pub certificate_chain: Text<1, 255>,
}

/// `ListenerTls`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListenerTls {
    /// What the server shows of itself.
    pub certificate: ListenerCertificate,
    /// Whether clients must encrypt.
    pub mode: TlsMode,
    /// What a client must show; absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<ListenerValidation>,
}

/// `ListenerTlsMode`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TlsMode {
    /// Never encrypted.
    Disabled,
    /// Encrypted or not.
    Permissive,
    /// Always encrypted.
    Strict,
}

/// `ListenerTlsCertificate`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ListenerCertificate {
    /// Of AWS Certificate Manager.
    Acm(AcmCertificate),
    /// In files.
    File(FileCertificate),
    /// From a secret service.
    Sds(SdsSecret),
}

/// `ListenerTlsAcmCertificate`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AcmCertificate {
    /// Its ARN.
    pub certificate_arn: String,
}

/// `ListenerTlsValidationContext`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenerValidation {
    /// Names of which the certificate must have one; absent: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_alternative_names: Option<SubjectAlternativeNames>,
    /// Who may have signed it.
    pub trust: ListenerTrust,
}

/// `ListenerTlsValidationContextTrust`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ListenerTrust {
    /// Authorities in a file.
    File(FileTrust),
    /// Authorities from a secret service.
    Sds(SdsSecret),
}
