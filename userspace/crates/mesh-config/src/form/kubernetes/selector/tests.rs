use proptest::prelude::*;

use super::*;
use crate::{
    document::finding::Findings,
    text::{Text, yaml},
};

/// Reads a selector, with the messages of what is wrong with it.
fn read(text: &str) -> (Selector, Vec<String>) {
    let Text { mut documents, .. } = yaml::read(text).expect("YAML");
    let mut findings = Findings::default();
    let root = FieldPath::default();
    let mut scribe = Scribe {
        file: "mesh.yaml",
        root: &root,
        label: "mesh apps".to_owned(),
        findings: &mut findings,
    };
    let at = FieldPath::spec().member("namespaceSelector");
    let selector = Selector::read(&documents.remove(0), &at, &mut scribe);
    let problems = findings.problems.iter().map(ToString::to_string);
    let warnings = findings.warnings.iter().map(ToString::to_string);
    (selector, problems.chain(warnings).collect())
}

fn good(text: &str) -> Selector {
    let (selector, found) = read(text);
    assert_eq!(found, Vec::<String>::new());
    selector
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    let pairs = pairs
        .iter()
        .map(|(key, value)| ((*key).into(), (*value).into()));
    Labels {
        known: pairs.collect(),
        is_partial: false,
    }
}

fn selects(text: &str, pairs: &[(&str, &str)]) -> bool {
    good(text)
        .selects(&labels(pairs))
        .expect("all labels are known")
}

fn expression(key: &str, operator: &str, values: &str) -> String {
    format!("matchExpressions: [{{ key: {key}, operator: {operator}, values: [{values}] }}]")
}

#[test]
fn a_selector_without_requirements_selects_everything() {
    assert!(selects("{}", &[]));
    assert!(selects(
        "{ matchLabels: {}, matchExpressions: [] }",
        &[("a", "1")]
    ));
}

#[test]
fn every_label_must_match() {
    let text = "matchLabels: { a: '1', b: '2' }";
    assert!(selects(text, &[("a", "1"), ("b", "2"), ("c", "3")]));
    assert!(!selects(text, &[("a", "1")]));
    assert!(!selects(text, &[("a", "1"), ("b", "3")]));
}

#[test]
fn in_wants_one_of_its_values() {
    let text = expression("a", "In", "x, y");
    assert!(selects(&text, &[("a", "y")]));
    assert!(!selects(&text, &[("a", "z")]));
    assert!(!selects(&text, &[]));
}

#[test]
fn not_in_wants_another_value_or_no_label() {
    let text = expression("a", "NotIn", "x, y");
    assert!(!selects(&text, &[("a", "y")]));
    assert!(selects(&text, &[("a", "z")]));
    assert!(selects(&text, &[]));
}

#[test]
fn exists_wants_the_label_whatever_its_value() {
    let text = expression("a", "Exists", "");
    assert!(selects(&text, &[("a", "")]));
    assert!(!selects(&text, &[("b", "")]));
}

#[test]
fn does_not_exist_wants_no_such_label() {
    let text = expression("a", "DoesNotExist", "");
    assert!(!selects(&text, &[("a", "")]));
    assert!(selects(&text, &[("b", "")]));
}

#[test]
fn labels_and_expressions_must_both_match() {
    let text = format!(
        "matchLabels: {{ b: '1' }}\n{}",
        expression("a", "Exists", "")
    );
    assert!(selects(&text, &[("a", ""), ("b", "1")]));
    assert!(!selects(&text, &[("a", "")]));
    assert!(!selects(&text, &[("b", "1")]));
}

#[test]
fn a_selector_is_shown_as_kubectl_has_it() {
    let text = "
matchLabels: { app: web }
matchExpressions:
  - { key: stage, operator: In, values: [test, prod] }
  - { key: team, operator: NotIn, values: [a] }
  - { key: zone, operator: NotIn, values: [a, b] }
  - { key: new, operator: Exists }
  - { key: old, operator: DoesNotExist }
";
    let shown = "app=web,stage in (test,prod),team!=a,zone notin (a,b),new,!old";
    assert_eq!(good(text).to_string(), shown);
}

#[test]
fn an_operator_that_does_not_exist_is_refused_and_requires_nothing() {
    let (selector, found) = read(&expression("a", "Equals", "x"));
    assert_eq!(
        found,
        [
            "mesh.yaml:1: mesh apps: spec.namespaceSelector.matchExpressions[0].operator: \
             `Equals` is no operator of a label selector; write `Exists`, `DoesNotExist`, `In` or \
             `NotIn`"
        ]
    );
    assert_eq!(selector, Selector::default());
}

#[test]
fn in_without_values_is_refused_and_requires_nothing() {
    for operator in ["In", "NotIn"] {
        let (selector, found) = read(&expression("a", operator, ""));
        assert_eq!(
            found,
            [
                "mesh.yaml:1: mesh apps: spec.namespaceSelector.matchExpressions[0]: `In` and \
                 `NotIn` need `values`, there are none; add some"
            ]
        );
        assert_eq!(selector, Selector::default());
    }
}

#[test]
fn exists_with_values_is_refused_and_requires_nothing() {
    for operator in ["Exists", "DoesNotExist"] {
        let (selector, found) = read(&expression("a", operator, "x"));
        assert_eq!(
            found,
            [
                "mesh.yaml:1: mesh apps: spec.namespaceSelector.matchExpressions[0]: `Exists` and \
                 `DoesNotExist` look at the key alone, and take no `values`; remove `values`, or \
                 write `In`"
            ]
        );
        assert_eq!(selector, Selector::default());
    }
}

#[test]
fn an_expression_without_a_key_is_refused() {
    let (_, found) = read("matchExpressions: [{ operator: Exists }]");
    assert_eq!(
        found,
        [
            "mesh.yaml:1: mesh apps: spec.namespaceSelector.matchExpressions[0].key: `key` is \
             missing: it is required here; add `key`"
        ]
    );
}

#[test]
fn a_value_that_is_no_string_is_refused() {
    let (_, found) = read("matchLabels: { a: true }");
    assert_eq!(
        found,
        [
            "mesh.yaml:1: mesh apps: spec.namespaceSelector.matchLabels.a: true is not allowed: \
             `a` is a string; write it in quotation marks"
        ]
    );
}

#[test]
fn a_selector_that_is_no_object_is_refused() {
    let (_, found) = read("[mesh]");
    assert_eq!(
        found,
        [
            "mesh.yaml:1: mesh apps: spec.namespaceSelector: [\"mesh\"] is not allowed: \
             `namespaceSelector` is an object; write its members"
        ]
    );
}

#[test]
fn a_misspelt_member_is_warned_of() {
    let (_, found) = read("matchLabel: { a: b }");
    assert_eq!(
        found,
        [
            "mesh.yaml:1: mesh apps: spec.namespaceSelector.matchLabel: App Mesh knows no such \
             field, it has no effect; did you mean `matchLabels`?"
        ]
    );
}

/// A requirement as a plain value.
#[derive(Clone, Debug)]
struct Plain {
    key: String,
    operator: &'static str,
    values: Vec<String>,
}

impl Plain {
    /// By the words of the Kubernetes API, over every pair of labels.
    fn holds(&self, pairs: &[(String, String)]) -> bool {
        let has_key = pairs.iter().any(|(key, _)| *key == self.key);
        let has_value = pairs
            .iter()
            .any(|(key, value)| *key == self.key && self.values.contains(value));
        match self.operator {
            "In" => has_value,
            "NotIn" => !has_value,
            "Exists" => has_key,
            _ => !has_key,
        }
    }

    fn to_yaml(&self) -> String {
        let values = self.values.join(", ");
        let Self { key, operator, .. } = self;
        format!("{{ key: {key}, operator: {operator}, values: [{values}] }}")
    }
}

fn plain() -> impl Strategy<Value = Plain> {
    let values = prop::collection::vec("[xyz]", 1..3);
    (("[abc]"), prop::sample::select(&OPERATORS[..]), values).prop_map(|(key, operator, values)| {
        Plain {
            key,
            operator,
            values: if operator.ends_with("In") {
                values
            } else {
                Vec::new()
            },
        }
    })
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::btree_map("[abc]", "[xyz]", 0..4)
        .prop_map(|pairs| pairs.into_iter().collect())
}

/// Every way in which labels can be completed with the keys and values that selectors here know.
fn completions(known: &[(String, String)]) -> Vec<Vec<(String, String)>> {
    let mut all = vec![known.to_vec()];
    for key in ["a", "b", "c"] {
        if known.iter().any(|(known, _)| known == key) {
            continue;
        }
        // "w" stands for a value that no selector names.
        let longer = all.iter().flat_map(|pairs| {
            ["w", "x", "y", "z"].map(|value| {
                let mut pairs = pairs.clone();
                pairs.push((key.to_owned(), value.to_owned()));
                pairs
            })
        });
        let longer: Vec<_> = longer.collect();
        all.extend(longer);
    }
    all
}

proptest! {
    #[test]
    fn a_selector_selects_what_all_its_requirements_hold_of(
        requirements in prop::collection::vec(plain(), 0..4),
        pairs in pairs(),
    ) {
        let items: Vec<String> = requirements.iter().map(Plain::to_yaml).collect();
        let selector = good(&format!("matchExpressions: [{}]", items.join(", ")));
        let expected = requirements.iter().all(|requirement| requirement.holds(&pairs));
        let borrowed: Vec<(&str, &str)> = pairs.iter().map(|(k, v)| (&k[..], &v[..])).collect();
        prop_assert_eq!(selector.selects(&labels(&borrowed)), Some(expected));
    }

    #[test]
    fn with_labels_unknown_nothing_is_said_that_any_completion_belies(
        requirements in prop::collection::vec(plain(), 0..4),
        pairs in pairs(),
    ) {
        let items: Vec<String> = requirements.iter().map(Plain::to_yaml).collect();
        let selector = good(&format!("matchExpressions: [{}]", items.join(", ")));
        let borrowed: Vec<(&str, &str)> = pairs.iter().map(|(k, v)| (&k[..], &v[..])).collect();
        let partial = Labels { is_partial: true, ..labels(&borrowed) };
        if let Some(said) = selector.selects(&partial) {
            for completed in completions(&pairs) {
                let holds = requirements.iter().all(|requirement| requirement.holds(&completed));
                prop_assert_eq!(said, holds, "{:?}", completed);
            }
        }
    }
}
