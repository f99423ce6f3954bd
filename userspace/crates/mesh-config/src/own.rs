//! Files that Ferromesh alone reads: one document each, and what has no effect in it is a mistake.

use std::path::Path;

use crate::{
    document::finding::{Findings, Origin},
    problem::{Place, Problem, Rule, path::FieldPath},
    read::cursor::{At, Log},
    source::SourceFile,
    text::{Text, json, yaml},
};

/// What to do about a file that does not hold one document.
pub(crate) struct Mends {
    pub(crate) several: &'static str,
    pub(crate) empty: &'static str,
}

/// Reads a text: YAML, or JSON where the file's name ends so. `read` reads the document, `check` sees
/// the whole of it.
///
/// # Errors
/// Every fault of it, with place and mend.
pub(crate) fn read<T>(
    name: &str,
    text: &str,
    mends: &Mends,
    read: impl FnOnce(&At<'_>) -> Option<T>,
    check: impl FnOnce(&T, &Origin, &mut Findings),
) -> Result<T, Vec<Problem>> {
    let (origin, mut findings) = tree(name, text, mends)?;
    let log = Log::default();
    let read = read(&At::top(&origin.tree, &log));
    findings.take(log, &origin, None);
    refuse_what_has_no_effect(&mut findings);
    if let Some(read) = &read {
        check(read, &origin, &mut findings);
    }
    match read {
        Some(read) if findings.problems.is_empty() => Ok(read),
        _ => Err(findings.problems),
    }
}

/// Makes problems of warnings: what has no effect in a document of Ferromesh's own is a mistake.
pub(crate) fn refuse_what_has_no_effect(findings: &mut Findings) {
    for warning in std::mem::take(&mut findings.warnings) {
        let known = "App Mesh knows no such field, it has no effect";
        let message = warning.message.replacen(known, "there is no such field", 1);
        findings.refuse(
            warning.place,
            warning.rule,
            message,
            "remove it, or write it right",
        );
    }
}

fn tree(name: &str, text: &str, mends: &Mends) -> Result<(Origin, Findings), Vec<Problem>> {
    let source = SourceFile::new(name, text);
    let is_json = Path::new(name).extension().is_some_and(|end| end == "json");
    let read = if is_json { json::read } else { yaml::read };
    let Text {
        mut documents,
        twice,
        ..
    } = read(text).map_err(|fault| vec![fault.in_file(name)])?;
    let fault = |message: &str, mend: &str| Problem {
        place: Place::file(name),
        rule: Rule::Syntax,
        value: None,
        message: message.to_owned(),
        mend: mend.to_owned(),
    };
    if documents.len() > 1 {
        return Err(vec![fault("the file has several documents", mends.several)]);
    }
    let Some(tree) = documents.pop() else {
        return Err(vec![fault("the file is empty", mends.empty)]);
    };
    let origin = Origin {
        source,
        tree,
        root: FieldPath::default(),
    };
    let mut findings = Findings::default();
    for (_, path) in twice {
        let place = origin.place(None, &path);
        findings.refuse(place, Rule::Duplicate, "it is written twice", "keep one");
    }
    Ok((origin, findings))
}
