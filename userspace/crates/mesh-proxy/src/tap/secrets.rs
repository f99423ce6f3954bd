//! What of a request is not for whoever watches it.

use std::borrow::Cow;

use http::HeaderName;

/// What stands where a secret was.
pub(super) const MARK: &str = "[redacted]";
/// What stands where the value of a query was.
const ELLIPSIS: &str = "…";

/// Header fields that carry secrets by their names: those that let somebody in.
const FIELDS: [&str; 6] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "set-cookie",
    "x-amz-security-token",
    "x-amzn-oidc-data",
];

/// What the name of a header field has in it that carries a secret.
const PARTS: [&str; 12] = [
    "access-key",
    "api-key",
    "api_key",
    "apikey",
    "auth",
    "credential",
    "password",
    "private-key",
    "secret",
    "session",
    "signature",
    "token",
];

/// Header fields that hold a URL, which may have a query.
const URLS: [&str; 5] = [
    "origin",
    "referer",
    "x-envoy-original-path",
    "x-forwarded-uri",
    "x-original-url",
];

/// Whether the value of a header field is not shown.
pub(super) fn is_secret(name: &HeaderName, also: &[String]) -> bool {
    let text = name.as_str();
    FIELDS.contains(&text)
        || PARTS.iter().any(|part| text.contains(part))
        || also.iter().any(|also| also == text)
}

/// Whether a header field holds a URL.
pub(super) fn is_url(name: &HeaderName) -> bool {
    URLS.contains(&name.as_str())
}

/// A URL without the user that it names, who may have a password.
pub(super) fn without_user(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("//") else {
        return url.into();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rfind('@') {
        Some(at) => format!("{scheme}//{ELLIPSIS}{}", &rest[at..]).into(),
        None => url.into(),
    }
}

/// A path or URL with the names of its query's parameters, and neither their values nor a fragment.
pub(super) fn without_query_values(path: &str) -> Cow<'_, str> {
    if let Some((path, _)) = path.split_once('#') {
        return format!("{}#{ELLIPSIS}", without_query_values(path)).into();
    }
    let Some((path, query)) = path.split_once('?') else {
        return path.into();
    };
    let parameters: Vec<_> = query
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            Some((name, _)) => format!("{name}={ELLIPSIS}"),
            // It may be a value without a name.
            None if parameter.is_empty() => String::new(),
            None => ELLIPSIS.to_owned(),
        })
        .collect();
    format!("{path}?{}", parameters.join("&")).into()
}

#[cfg(test)]
mod tests;
