//! TLS of listeners and of clusters.

use serde::Serialize;

/// Whether a listener takes TLS, plain text or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TlsMode {
    /// Both.
    Permissive,
    /// TLS only.
    Strict,
}

/// TLS of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DownstreamTls {
    /// What else it takes.
    pub mode: TlsMode,
    /// Its own certificate.
    pub certificate: Certificate,
    /// What clients must show; none: nothing.
    pub validation: Option<Validation>,
}

/// TLS towards a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpstreamTls {
    /// Plain text is never spoken; without it, only to endpoints that offer no TLS.
    pub enforce: bool,
    /// The client's certificate, if it has one.
    pub certificate: Option<Certificate>,
    /// What the server must show; none: anything.
    pub validation: Option<Validation>,
}

/// Where a certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Certificate {
    /// AWS Certificate Manager.
    Acm {
        /// Its ARN.
        arn: String,
    },
    /// Files of the workload.
    File {
        /// The chain, PEM.
        chain: String,
        /// The private key, PEM.
        private_key: String,
    },
    /// A secret of the Secret Discovery Service.
    Sds {
        /// The secret's name.
        secret: String,
    },
}

/// What the other side must show.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Validation {
    /// Who must have signed its certificate.
    pub trust: Trust,
    /// One of these must be among its names; empty: any name will do.
    pub subject_alternative_names: Vec<String>,
}

/// Whose certificates are trusted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Trust {
    /// Authorities of AWS Private CA.
    Acm {
        /// Their ARNs.
        authorities: Vec<String>,
    },
    /// The authority that issued the server's certificate of AWS Certificate Manager.
    AcmIssuer {
        /// The certificate's ARN.
        certificate: String,
    },
    /// A file of the workload.
    File {
        /// The authorities' certificates, PEM.
        chain: String,
    },
    /// A secret of the Secret Discovery Service.
    Sds {
        /// The secret's name.
        secret: String,
    },
}
