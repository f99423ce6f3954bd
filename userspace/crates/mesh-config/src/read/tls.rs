//! `ClientPolicy` and `ListenerTls`

use mesh_model::spec::tls::{
    AcmCertificate, AcmTrust, ClientCertificate, ClientPolicy, ClientTls, ClientTrust,
    ClientValidation, FileCertificate, FileTrust, ListenerCertificate, ListenerTls, ListenerTrust,
    ListenerValidation, SdsSecret, SubjectAlternativeNameMatchers, SubjectAlternativeNames,
    TlsMode,
};

use super::{object, union, words};

object!(ClientPolicy { tls: optional "tls" });
object!(ClientTls {
    certificate: optional "certificate",
    enforce: optional "enforce",
    ports: optional "ports",
    validation: required "validation",
});
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
object!(SubjectAlternativeNameMatchers { exact: required "exact" });
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
