//! Every published template comes to the resources and names that were counted without this code.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::Value;

use super::*;

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/corpus")
}

fn json(name: &str) -> Value {
    let text = fs::read_to_string(corpus().join(name)).expect("the corpus is there");
    serde_json::from_str(&text).expect("JSON")
}

fn texts(value: &Value) -> Vec<(String, String)> {
    let members = value.as_object().into_iter().flatten();
    members
        .map(|(name, value)| (name.clone(), value.as_str().expect("text").to_owned()))
        .collect()
}

/// A set of the verdicts that has templates alone: its name, files and parameters.
struct Case {
    name: String,
    files: Vec<(String, String)>,
    parameters: Vec<(String, String)>,
    verdict: String,
}

impl Case {
    fn parse(&self, parameters: &[(String, String)]) -> Parsed {
        let files: Vec<(&str, &str)> = self.files.iter().map(|(n, t)| (&n[..], &t[..])).collect();
        let given: Vec<(&str, &str)> = parameters.iter().map(|(n, v)| (&n[..], &v[..])).collect();
        parse_files(&files, &given)
    }
}

fn cases(verdicts: &str, root: &str, is_template: impl Fn(&str) -> bool) -> Vec<Case> {
    let verdicts = json(verdicts);
    let sets = verdicts["sets"].as_array().expect("sets");
    let mut cases = Vec::new();
    for set in sets {
        let directory = set["directory"].as_str().expect("a directory");
        let files = set["files"].as_array().expect("files").iter();
        let files: Vec<String> = files
            .map(|file| format!("{directory}/{}", file.as_str().expect("a name")))
            .collect();
        if !files.iter().all(|file| is_template(file)) {
            continue;
        }
        let read = |file: String| {
            let text = fs::read_to_string(corpus().join(root).join(&file)).expect("a file");
            (file, text)
        };
        cases.push(Case {
            name: set["name"].as_str().expect("a name").to_owned(),
            files: files.into_iter().map(read).collect(),
            parameters: texts(&set["parameters"]),
            verdict: set["verdict"].as_str().expect("a verdict").to_owned(),
        });
    }
    cases
}

/// The text with the parameters' values in it.
fn filled(text: &str, parameters: &[(String, String)]) -> String {
    let mut filled = text.to_owned();
    // An import's name has parameters in it, so twice.
    for _ in 0..2 {
        for (name, value) in parameters {
            filled = filled.replace(&format!("${{{name}}}"), value);
        }
    }
    filled
}

#[test]
fn every_published_template_comes_to_its_resources_and_names() {
    let counts = json("counts.json");
    let is_template = |file: &str| counts[file]["form"] == "cloudformation";
    let cases = cases("verdicts.json", "field", is_template);
    let mut seen = BTreeSet::new();
    for case in &cases {
        let parsed = case.parse(&case.parameters);
        assert_eq!(expressions(&parsed), Vec::<&str>::new(), "{}", case.name);
        assert_eq!(problems(&parsed), Vec::<String>::new(), "{}", case.name);
        let mut expected: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (file, _) in &case.files {
            seen.insert(file.clone());
            for resource in counts[file]["resources"].as_array().expect("resources") {
                let kind = resource["kind"].as_str().expect("a kind");
                let name = resource["name"].as_str().expect("a name");
                let name = filled(name, &case.parameters);
                expected.entry(kind).or_default().insert(name);
            }
        }
        let found = names(&parsed.documents);
        let found: BTreeMap<&str, BTreeSet<String>> = found
            .into_iter()
            .map(|(kind, names)| (kind, names.into_iter().collect()))
            .collect();
        assert_eq!(found, expected, "{}", case.name);
    }
    let all = counts.as_object().expect("files").keys();
    let all: BTreeSet<String> = all.filter(|file| is_template(file)).cloned().collect();
    assert_eq!(seen, all);
}

#[test]
fn what_published_templates_leave_open_is_what_was_counted() {
    let counts = json("counts.json");
    let is_template = |file: &str| counts[file]["form"] == "cloudformation";
    for case in cases("verdicts.json", "field", is_template) {
        let [(file, _)] = &case.files[..] else {
            continue;
        };
        let parsed = case.parse(&[]);
        let open: BTreeSet<&str> = expressions(&parsed).into_iter().collect();
        let counted = counts[file]["openExpressions"].as_array().expect("a list");
        let counted: BTreeSet<&str> = counted.iter().filter_map(Value::as_str).collect();
        // The count knows no condition, so it may hold what a condition leaves out.
        let beyond: Vec<&&str> = open.difference(&counted).collect();
        assert!(beyond.is_empty(), "{}: {beyond:?}", case.name);
        let missing: Vec<&&str> = counted.difference(&open).collect();
        let left_out = file.contains("howto-tls-file-provided");
        assert!(missing.is_empty() || left_out, "{}: {missing:?}", case.name);
    }
}

#[test]
fn every_made_template_comes_to_its_verdict() {
    let cases = cases("made/verdicts.json", "made", |file| {
        file.starts_with("cloudformation/")
    });
    assert!(cases.len() >= 5);
    for case in cases {
        let parsed = case.parse(&case.parameters);
        assert_eq!(expressions(&parsed), Vec::<&str>::new(), "{}", case.name);
        let refused = case.verdict == "refused";
        assert_eq!(
            !parsed.problems.is_empty(),
            refused,
            "{}: {:#?}",
            case.name,
            parsed.problems
        );
    }
}

#[test]
fn a_synthesised_template_needs_only_what_its_mesh_needs() {
    let text = fs::read_to_string(corpus().join("made/cloudformation/Shop.template.json"));
    let parsed = parse_files(&[("Shop.template.json", &text.expect("a file"))], &[]);
    let mut open = expressions(&parsed);
    open.sort_unstable();
    assert_eq!(open, ["AWS::StackName", "node1Service.Name"]);
}
