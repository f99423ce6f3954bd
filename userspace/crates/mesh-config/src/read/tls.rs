//! `ClientPolicy` and `ListenerTls`

use http::Uri;
use mesh_model::spec::tls::{
    AcmCertificate, AcmTrust, ClientCertificate, ClientPolicy, ClientTls, ClientTrust,
    ClientValidation, FileCertificate, FileTrust, ListenerCertificate, ListenerTls, ListenerTrust,
    ListenerValidation, SdsSecret, SubjectAlternativeNameMatchers, SubjectAlternativeNames,
    TlsMode,
};

use super::{cursor::At, discovery::is_dns_name, object, union, words};
use crate::{document::identity::is_open, problem::Rule};

object!(ClientPolicy { tls: optional "tls" });
object!(ClientTls {
    certificate: optional "certificate",
    enforce: optional "enforce",
    ports: optional "ports",
    validation: required "validation",
} then no_wildcard_is_enforced);
union!(ClientCertificate { File "file", Sds "sds" });
object!(FileCertificate {
    certificate_chain: required "certificateChain",
    private_key: required "privateKey",
});
object!(SdsSecret { secret_name: required "secretName" });
object!(ClientValidation {
    subject_alternative_names: optional "subjectAlternativeNames",
    trust: required "trust",
});
object!(SubjectAlternativeNames { matches: required "match" });
object!(SubjectAlternativeNameMatchers { exact: required "exact" } then names_or_uris);
union!(ClientTrust { Acm "acm", File "file", Sds "sds" });
object!(AcmTrust { certificate_authority_arns: required "certificateAuthorityArns" });
object!(FileTrust { certificate_chain: required "certificateChain" });

object!(ListenerTls {
    certificate: required "certificate",
    mode: required "mode",
    validation: optional "validation",
});
words!(TlsMode { Strict "STRICT", Permissive "PERMISSIVE", Disabled "DISABLED" });
union!(ListenerCertificate { Acm "acm", File "file", Sds "sds" });
object!(AcmCertificate { certificate_arn: required "certificateArn" });
object!(ListenerValidation {
    subject_alternative_names: optional "subjectAlternativeNames",
    trust: required "trust",
});
union!(ListenerTrust { File "file", Sds "sds" });

/// A client that must encrypt does not accept a wildcard (guide, "Transport Layer Security").
fn no_wildcard_is_enforced(tls: &ClientTls, at: &At<'_>) -> bool {
    let names = tls.validation.subject_alternative_names.as_ref();
    let wildcard = names
        .into_iter()
        .flat_map(|names| &names.matches.exact)
        .find(|name| name.as_str().starts_with("*."));
    let Some(wildcard) = wildcard.filter(|_| tls.enforce.unwrap_or(true)) else {
        return true;
    };
    at.with_member("validation", |at| {
        at.with_member("subjectAlternativeNames", |at| {
            at.problem(
                Rule::Value,
                format!("the wildcard `{wildcard}` is not allowed where TLS is enforced"),
                "write whole names, or set `enforce` to false",
            );
        });
    });
    false
}

/// Other names are taken, and no certificate has them (guide, "Transport Layer Security"). Nothing is
/// said of a name that has no value yet.
fn names_or_uris(names: &SubjectAlternativeNameMatchers, at: &At<'_>) -> bool {
    for name in &names.exact {
        let name = name.as_str();
        if is_open(name) {
            continue;
        }
        let is_uri = name.parse::<Uri>().is_ok_and(|uri| uri.scheme().is_some());
        if !is_uri && !is_dns_name(name.strip_prefix("*.").unwrap_or(name)) {
            at.warn(
                Rule::Weak,
                format!(
                    "`{name}` is neither a DNS name nor a URI: no certificate has it; write one of \
                     the certificate's alternative names"
                ),
            );
        }
    }
    true
}
