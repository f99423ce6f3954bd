//! `ferromesh validate`: every problem and warning of some documents, with place and mend.

use std::process::ExitCode;

use anyhow::Context;
use mesh_config::{document::Documents, source::directory::read_paths};
use serde_json::json;

use crate::cli::ValidateArgs;

pub(crate) fn run(args: &ValidateArgs) -> anyhow::Result<ExitCode> {
    let set = read_paths(&args.paths).context("the documents cannot be read")?;
    let parsed = Documents::parse(&set);
    let summary = parsed.documents.summary();
    if args.json {
        let report = json!({
            "problems": parsed.problems,
            "warnings": parsed.warnings,
            "documents": summary,
        });
        println!("{report:#}");
    } else {
        for problem in &parsed.problems {
            println!("error: {problem}");
        }
        for warning in &parsed.warnings {
            println!("warning: {warning}");
        }
        let kinds: Vec<String> = summary
            .iter()
            .map(|(kind, count)| counted(*count, kind))
            .collect();
        println!(
            "{}: {}; {}, {}",
            counted(set.files.len(), "file"),
            if kinds.is_empty() {
                "no documents".to_owned()
            } else {
                kinds.join(", ")
            },
            counted(parsed.problems.len(), "error"),
            counted(parsed.warnings.len(), "warning")
        );
    }
    Ok(if parsed.problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn counted(count: usize, what: &str) -> String {
    match (count, what.strip_suffix("mesh")) {
        (1, _) => format!("1 {what}"),
        (_, Some(_)) => format!("{count} {what}es"),
        (_, None) => format!("{count} {what}s"),
    }
}
