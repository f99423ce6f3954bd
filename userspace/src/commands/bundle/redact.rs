//! Takes out of a text what looks secret.
//!
//! Better one word too many than one secret: what it takes for a secret by its name or its form is
//! replaced, and the rest is as it was.

use regex::{Captures, Regex};

/// What stands where a secret was.
const MARK: &str = "[taken out]";

/// What is secret, each with the part before it that stays.
const PATTERNS: [&str; 8] = [
    // A private key, or one that is cut off.
    r"(?s)(?<before>-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----).*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)",
    // User and password in an address.
    r"(?<before>[A-Za-z][A-Za-z0-9+.-]*://)[^/\s@\x22']+@",
    // A plain value of YAML may have spaces, and goes on to the end of its line.
    r#"(?im)^(?<before>\s*(?:- )?[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|credential|api[_-]?key|private[_-]?key|access[_-]?key|auth[_-]?key|session[_-]?key|tls\.key)[\w.-]*: +)[^\s"'\[{|>&*!][^\r\n]*"#,
    // A value whose name says what it is: JSON, YAML, NAME=VALUE, a flag with its value.
    r#"(?i)(?<before>[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|credential|api[_-]?key|private[_-]?key|access[_-]?key|auth[_-]?key|session[_-]?key|tls\.key)[\w.-]*["']?\s*[:=]\s*)(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;}\]"'][^\s,;}\]"']*)"#,
    r"(?i)(?<before>--[\w-]*(?:password|secret|token|credential|api-key)[\w-]* )\S+",
    // What a request shows to be let in.
    r"(?i)(?<before>(?:authorization|proxy-authorization|cookie|set-cookie)[\x22']?\s*[:=]\s*)[^\r\n]+",
    // Keys and tokens by their form: AWS, JSON web tokens, GitHub, Slack.
    r"(?<before>)\b(?:AKIA|ASIA|AROA)[A-Z0-9]{16}\b",
    r"(?<before>)\b(?:eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|gh[pousr]_\w{20,}|xox[abprs]-[\w-]{10,})",
];

/// A key whose value is a block, and whose name says that it is secret.
const NAMED_BLOCK: &str = r#"(?i)^\s*(?:- )?["']?[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|credential|key)[\w.-]*["']?:\s*[|>][0-9+-]*\s*$"#;
/// A document that is a `Secret` of Kubernetes.
const KIND_SECRET: &str = r"(?m)^kind:\s*Secret\s*$";
/// What a `Secret` has its values in.
const HELD: &str = r"^(?:data|stringData):\s*$";

pub(super) struct Redactor {
    patterns: Vec<Regex>,
}

impl Redactor {
    pub(super) fn new() -> Self {
        let patterns = PATTERNS.iter();
        Self {
            patterns: patterns
                .map(|pattern| Regex::new(pattern).expect("the patterns are sound"))
                .collect(),
        }
    }

    /// The text without its secrets, and how many there were.
    pub(super) fn redact(&self, text: &str) -> (String, usize) {
        let (mut text, mut taken_out) = without_blocks(text);
        for pattern in &self.patterns {
            let replaced = pattern.replace_all(&text, |found: &Captures<'_>| {
                taken_out += 1;
                let at = if found[0].ends_with('@') { "@" } else { "" };
                format!("{}{MARK}{at}", &found["before"])
            });
            text = replaced.into_owned();
        }
        (text, taken_out)
    }
}

/// The text without the blocks of YAML that are secret, which go on for as long as lines are
/// indented further than their key: a text whose name says what it is, and all that a `Secret` of
/// Kubernetes holds.
fn without_blocks(text: &str) -> (String, usize) {
    let named = Regex::new(NAMED_BLOCK).expect("the pattern is sound");
    let is_of_secret = Regex::new(KIND_SECRET).expect("the pattern is sound");
    let held = Regex::new(HELD).expect("the pattern is sound");
    let mut kept = String::with_capacity(text.len());
    let mut taken_out = 0;
    for document in text.split_inclusive("\n---") {
        let is_secret = is_of_secret.is_match(document);
        let mut block: Option<usize> = None;
        for line in document.split_inclusive('\n') {
            let indent = line.len() - line.trim_start().len();
            if block.is_some_and(|key| line.trim().is_empty() || indent > key) {
                continue;
            }
            block = None;
            kept.push_str(line);
            if named.is_match(line) || (is_secret && held.is_match(line)) {
                block = Some(indent);
                taken_out += 1;
                kept.extend([" ".repeat(indent).as_str(), "  ", MARK, "\n"]);
            }
        }
    }
    (kept, taken_out)
}

/// Whether the value of an environment variable may be shown: those of the mesh, which are in the
/// guide. Of all others only the name is.
pub(super) fn is_shown(variable: &str) -> bool {
    const SHOWN: [&str; 5] = ["FERROMESH_", "APPMESH_", "ENVOY_", "LISTENER_", "RUST_LOG"];
    SHOWN.iter().any(|prefix| variable.starts_with(prefix))
}

#[cfg(test)]
mod tests;
