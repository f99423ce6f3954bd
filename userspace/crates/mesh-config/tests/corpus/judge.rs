//! A set that was read against its verdict.

use std::collections::BTreeMap;

use mesh_config::{
    document::Parsed,
    problem::{Place, Rule},
};

use super::{
    resources::{self, Resources},
    verdict::{Counts, Names, Remark, Set, Verdict},
};

/// What was said, whether it is a problem, a warning or something open.
struct Said {
    place: Place,
    rule: Option<Rule>,
    text: String,
}

/// Everything in which the set came out otherwise than judged.
pub(crate) fn differences(set: &Set, counts: Option<&Counts>, parsed: &Parsed) -> Vec<String> {
    let refused = refusals(parsed);
    let warned = warnings(parsed);
    let mut found = Vec::new();
    match set.verdict {
        Verdict::Accepted | Verdict::Warned => {
            found.extend(refused.iter().map(|said| unexpected("problem", said)));
            found.extend(compare_warnings(set, &warned));
            found.extend(compare_resources(set, counts, parsed));
        }
        Verdict::Incomplete => {
            found.extend(compare_missing(set, &refused, &warned));
            found.extend(compare_warnings(set, &warned));
            found.extend(compare_resources(set, counts, parsed));
        }
        Verdict::Refused => {
            let (outside, refused): (Vec<_>, Vec<_>) =
                refused.into_iter().partition(|said| is_missing(set, said));
            found.extend(unnamed(set, &outside, &warned));
            found.extend(compare("refusal", &set.refusals, &[], &refused));
            found.extend(compare("warning", &set.warnings, &set.may_warn, &warned));
        }
        Verdict::ConvertedOrRefused if refused.is_empty() => {
            found.extend(compare_resources(set, counts, parsed));
        }
        Verdict::ConvertedOrRefused => {
            found.extend(compare("refusal", &set.refusals, &[], &refused));
        }
    }
    found
}

fn refusals(parsed: &Parsed) -> Vec<Said> {
    let problems = parsed.problems.iter().map(|problem| Said {
        place: problem.place.clone(),
        rule: Some(problem.rule),
        text: problem.to_string(),
    });
    let open = parsed.open.iter().map(|open| Said {
        place: open.place.clone(),
        rule: Some(Rule::Variable),
        text: format!("{}: {} {}", open.place, open.expression, open.mend),
    });
    problems.chain(open).collect()
}

fn warnings(parsed: &Parsed) -> Vec<Said> {
    // What is not run yet is read and checked all the same.
    let warnings = parsed.warnings.iter();
    let said = warnings
        .filter(|warning| warning.rule != Rule::NotYet)
        .map(|warning| Said {
            place: warning.place.clone(),
            rule: None,
            text: warning.to_string(),
        });
    said.collect()
}

/// Each remark that is asked for was made, and no other.
fn compare(what: &str, wanted: &[Remark], allowed: &[Remark], said: &[Said]) -> Vec<String> {
    let missing = wanted
        .iter()
        .filter(|remark| !said.iter().any(|said| fits(remark, said)))
        .map(|remark| format!("no {what} of {remark}"));
    let more = said
        .iter()
        .filter(|said| !wanted.iter().chain(allowed).any(|one| fits(one, said)))
        .map(|said| unexpected(what, said));
    missing.chain(more).collect()
}

fn compare_warnings(set: &Set, warned: &[Said]) -> Vec<String> {
    compare("warning", &set.warnings, &set.may_warn, warned)
}

/// Only what points outside is wrong, and each thing that is not there is named.
fn compare_missing(set: &Set, refused: &[Said], warned: &[Said]) -> Vec<String> {
    let mut found: Vec<String> = refused
        .iter()
        .filter(|said| said.rule != Some(Rule::Reference))
        .map(|said| unexpected("problem", said))
        .collect();
    found.extend(unnamed(set, refused, warned));
    found
}

/// What is missing and said nowhere.
fn unnamed(set: &Set, refused: &[Said], warned: &[Said]) -> Vec<String> {
    let named = |missing: &str| {
        let mut said = refused.iter().chain(warned);
        said.any(|said| said.text.contains(own_name(missing)))
    };
    let unnamed = set.missing.iter().filter(|missing| !named(missing));
    unnamed
        .map(|missing| format!("nothing says that {missing} is missing"))
        .collect()
}

fn is_missing(set: &Set, said: &Said) -> bool {
    let mut missing = set.missing.iter();
    said.rule == Some(Rule::Reference)
        && missing.any(|missing| said.text.contains(own_name(missing)))
}

fn own_name(missing: &str) -> &str {
    missing.rsplit(' ').next().unwrap_or_default()
}

fn compare_resources(set: &Set, counts: Option<&Counts>, parsed: &Parsed) -> Vec<String> {
    let read = resources::read(parsed);
    if let Some(counts) = counts {
        let counted = resources::counted(set, counts);
        return differing(&counted, &read);
    }
    let numbers: BTreeMap<String, usize> = read
        .iter()
        .map(|(kind, names)| (kind.clone(), names.len()))
        .collect();
    let mut found = Vec::new();
    if let Some(counts) = set.counts.as_ref().filter(|counts| **counts != numbers) {
        found.push(format!("resources: expected {counts:?}, got {numbers:?}"));
    }
    for (kind, names) in &set.names {
        let Names::OfKind(names) = names else {
            continue;
        };
        let mut names = names.clone();
        names.sort();
        if read.get(kind) != Some(&names) {
            found.push(format!(
                "{kind}: expected {names:?}, got {:?}",
                read.get(kind)
            ));
        }
    }
    found
}

fn differing(counted: &Resources, read: &Resources) -> Vec<String> {
    let none = Vec::new();
    let kinds = counted
        .keys()
        .chain(read.keys().filter(|kind| !counted.contains_key(*kind)));
    kinds
        .filter_map(|kind| {
            let expected = counted.get(kind).unwrap_or(&none);
            let got = read.get(kind).unwrap_or(&none);
            // A name that only AWS can tell is whatever the reader makes of it.
            let plain = |name: &&String| !name.contains("${");
            let same = expected.len() == got.len()
                && expected.iter().filter(plain).all(|name| got.contains(name));
            (!same).then(|| format!("{kind}: expected {expected:?}, got {got:?}"))
        })
        .collect()
}

fn unexpected(what: &str, said: &Said) -> String {
    format!("{what} not asked for: {}", said.text)
}

fn fits(remark: &Remark, said: &Said) -> bool {
    let file = said.place.file.as_deref().unwrap_or_default();
    let line = said.place.line.unwrap_or_default();
    let lines: Vec<usize> = remark.line.iter().chain(&remark.lines).copied().collect();
    let field = said.place.field.as_deref().unwrap_or_default();
    let text = &said.text;
    is_of_rule(&remark.rule, said)
        && remark.file.as_ref().is_none_or(|name| file.ends_with(name))
        && remark
            .files
            .iter()
            .all(|name| file.ends_with(name) || text.contains(name))
        && (lines.is_empty() || lines.contains(&line))
        && remark
            .document
            .as_ref()
            .is_none_or(|document| said.place.document.as_ref() == Some(document))
        && remark
            .field
            .as_ref()
            .is_none_or(|name| contains(field, name))
        && remark.says.as_ref().is_none_or(|said| text.contains(said))
}

/// Without regard to case: a template spells fields its own way.
fn contains(field: &str, part: &str) -> bool {
    field
        .to_ascii_lowercase()
        .contains(&part.to_ascii_lowercase())
}

/// Whether it is a remark of this sort: a problem by its rule, a warning by its words.
fn is_of_rule(rule: &str, said: &Said) -> bool {
    let is = |rules: &[Rule]| said.rule.is_some_and(|rule| rules.contains(&rule));
    match rule {
        "duplicate" => is(&[Rule::Duplicate]),
        "reference" => is(&[Rule::Reference]),
        "syntax" | "limit" | "form" => is(&[Rule::Syntax]),
        "unknown-kind" => is(&[Rule::UnknownKind]),
        "value" | "old-version" => is(&[Rule::Value, Rule::UnknownKind]),
        "variable" => is(&[Rule::Variable]),
        warning => {
            let words = WORDS.iter().find(|(name, _)| *name == warning);
            let (_, words) = words.expect("a rule that the README explains");
            said.rule.is_none() && words.iter().any(|word| said.text.contains(word))
        }
    }
}

/// What a warning of a sort says, in one of these ways.
const WORDS: [(&str, &[&str]); 21] = [
    ("backend-without-service", &["no virtual service"]),
    ("data-source", &["data source"]),
    ("generated-name", &["CloudFormation makes"]),
    ("hidden-by-a-host", &["see only the routes that name it"]),
    ("list-not-whole", &["nextToken"]),
    ("listed-without-document", &["no document"]),
    (
        "mesh-without-document",
        &["gets App Mesh's defaults", "is missing: taken to be of"],
    ),
    ("namespace-without-document", &["namespace"]),
    ("nested-stack", &["a template of its own"]),
    ("no-effect", &["no effect", "nothing is tried again"]),
    ("no-provider", &["nothing answers it", "404"]),
    ("old-version", &["v1beta1"]),
    (
        "outlier-on-load-balancer",
        &["load balancer", "one address"],
    ),
    ("spelling", &["is written", "understood all the same"]),
    ("targets-on-different-ports", &["different ports"]),
    ("tcp-on-one-port", &["TCP"]),
    ("timeout-cut", &["ends after", "the shortest ends it"]),
    ("twice", &["written twice"]),
    ("unknown-field", &["knows no such field"]),
    (
        "unused",
        &[
            "nothing in the mesh calls it",
            "no virtual service and no route",
        ],
    ),
    ("weights-over-100", &["the weights add up to"]),
];
