//! Published AWS CLI documents, each read alone: no fault but that its neighbours are not there,
//! and nothing lost on the way into the typed model.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mesh_config::{document::Documents, problem::Rule, source::directory::read_paths};
use serde_json::Value;

/// Command line input that carries its own names and no variable.
fn is_complete_route(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.contains("\"routeName\"") && !text.contains('$'))
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("the corpus") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            found.push(path);
        }
    }
    found
}

#[test]
fn published_documents_read_without_a_fault_and_without_a_loss() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/corpus/field");
    let mut files = files(&corpus);
    files.retain(|file| is_complete_route(file));
    // Counted with jq: every file of the source that parses and has a `routeName`.
    assert_eq!(files.len(), 14);
    for file in files {
        let name = file.display();
        let parsed = Documents::parse(&read_paths(std::slice::from_ref(&file)).expect("readable"));
        for problem in &parsed.problems {
            assert_eq!(problem.rule, Rule::Reference, "{problem}");
        }
        for warning in &parsed.warnings {
            assert_eq!(warning.rule, Rule::Weak, "{warning}");
        }
        let (_, mesh) = parsed.documents.meshes().next().expect("one mesh");
        let route = mesh.routes.values().next().expect("one route");
        let text = fs::read_to_string(&file).expect("readable");
        let original: Value = serde_json::from_str(&text).expect("JSON");
        let again = serde_json::to_value(&route.spec).expect("JSON");
        assert_eq!(again, original["spec"], "{name}");
    }
}
