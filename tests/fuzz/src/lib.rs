//! What the fuzz targets share. A file of some name goes the whole path that a directory's files
//! go, from its text to the snapshot of every workload in it ([`file`]); what decides about traffic
//! has tables and requests made of arbitrary bytes ([`routing`]).

pub mod routing;

use mesh_config::{
    Environment,
    document::{Documents, Parser},
    form::Inputs,
    resolve::resolve,
    source::{DocumentSet, SourceFile},
};

/// Reads, checks and resolves a file. That nothing panics, hangs or takes memory without a limit is
/// what the fuzzer looks for.
pub fn file(name: &str, text: &str) {
    let set = DocumentSet {
        files: vec![SourceFile::new(name, text)],
        ..DocumentSet::default()
    };
    let mut parser = Parser::new(Inputs::default());
    let parsed = parser.parse(&set);
    for problem in &parsed.problems {
        assert!(
            !problem.message.is_empty() && !problem.mend.is_empty(),
            "{problem:?}"
        );
    }
    resolve_all(&parsed.documents);
    let again = parser.parse(&set);
    assert_eq!(
        parsed.problems, again.problems,
        "a second reading finds the same"
    );
}

fn resolve_all(documents: &Documents) {
    for resource in documents.proxies() {
        // Documents with problems are resolved too: it must not matter how they came to be.
        let _ = resolve(documents, &resource, &Environment::new());
    }
}
