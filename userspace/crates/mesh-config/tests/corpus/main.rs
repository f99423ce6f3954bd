//! The readers against published documents and made ones: kinds, counts and names as an
//! independent script found them, and verdicts that were written down before there was a reader.

mod judge;
mod resources;
mod verdict;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use mesh_config::{document::Parser, form::Inputs, source::directory::read_paths};
use serde_json::Value;
use verdict::{Counts, Set, Verdicts};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/corpus")
}

/// The forms that are read so far, by how the independent script calls them.
const FORMS: [&str; 5] = [
    "broken",
    "cli-json",
    "cloudformation",
    "kubernetes-v1beta1",
    "kubernetes-v1beta2",
];

/// Every difference of every set, so that one run shows all of them.
fn judge_all(sets: &[Set], base: &Path, counts: Option<&Counts>) {
    let mut differences = Vec::new();
    for set in sets {
        let parsed = Parser::new(set.inputs()).parse(&set.read(base));
        let found = judge::differences(set, counts, &parsed);
        differences.extend(
            found
                .into_iter()
                .map(|difference| format!("{} ({}): {difference}", set.name, set.directory)),
        );
    }
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn every_published_file_comes_out_as_judged() {
    let corpus = corpus();
    let Verdicts { sets } = verdict::load(&corpus.join("verdicts.json"));
    let counts: Counts = verdict::load(&corpus.join("counts.json"));
    let judged: BTreeSet<String> = sets.iter().flat_map(Set::paths).collect();
    assert_eq!(judged, counts.keys().cloned().collect(), "files in a set");
    let is_read = |set: &Set| {
        set.paths()
            .all(|path| FORMS.contains(&&*counts[&path].form))
    };
    let sets: Vec<Set> = sets.into_iter().filter(is_read).collect();
    judge_all(&sets, &corpus.join("field"), Some(&counts));
}

#[test]
fn every_made_file_comes_out_as_judged() {
    let made = corpus().join("made");
    let Verdicts { sets } = verdict::load(&made.join("verdicts.json"));
    judge_all(&sets, &made, None);
}

#[test]
fn complete_routes_of_the_command_line_are_read_without_a_loss() {
    let field = corpus().join("field");
    let counts: Counts = verdict::load(&corpus().join("counts.json"));
    let mut read = 0;
    for (path, file) in &counts {
        let Some(route) = file.resources.first().filter(|_| file.form == "cli-json") else {
            continue;
        };
        if route.of.is_none() || !file.variables.is_empty() {
            continue;
        }
        let path = field.join(path);
        let set = read_paths(std::slice::from_ref(&path)).expect("readable");
        let parsed = Parser::new(Inputs::default()).parse(&set);
        let (_, mesh) = parsed.documents.meshes().next().expect("one mesh");
        let route = mesh.routes.values().next().expect("one route");
        let text = fs::read_to_string(&path).expect("readable");
        let original: Value = serde_json::from_str(&text).expect("JSON");
        let again = serde_json::to_value(&*route.spec).expect("JSON");
        assert_eq!(again, original["spec"], "{}", path.display());
        read += 1;
    }
    assert_eq!(read, 14, "files with a routeName and no variable");
}
