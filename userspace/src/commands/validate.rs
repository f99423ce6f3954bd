//! `ferromesh validate`: every problem and warning of some documents, with place and mend.

mod sarif;
mod text;

use std::{process::ExitCode, sync::Arc};

use mesh_config::{document::Parser, redirect::source, source::directory::read_paths};
use serde_json::json;

use super::answer;
use crate::{
    cli::{ReportFormat, ValidateArgs},
    settings::Environment,
};

pub(crate) fn run(args: &ValidateArgs, environment: &Environment) -> anyhow::Result<ExitCode> {
    let set = read_paths(&args.paths)?;
    let inputs = args.inputs.inputs(environment);
    let mut files = set.files.len();
    let mut parsed = Parser::new(inputs.clone()).parse(&set);
    if let Some(path) = &args.redirect_from {
        files += 1;
        match source::read(path, &inputs) {
            Ok((source, warnings)) => {
                parsed.redirects.push(Arc::new(source));
                parsed.warnings.extend(warnings);
            }
            Err(problems) => parsed.problems.extend(problems),
        }
    }
    let format = if args.json {
        ReportFormat::Json
    } else {
        args.format
    };
    match format {
        ReportFormat::Text => {
            let choice = match args.color {
                clap::ColorChoice::Always => anstream::ColorChoice::Always,
                clap::ColorChoice::Auto => anstream::ColorChoice::Auto,
                clap::ColorChoice::Never => anstream::ColorChoice::Never,
            };
            let mut out = anstream::AutoStream::new(std::io::stdout(), choice);
            answer::ended_early(text::write(&mut out, &parsed, files))?;
        }
        ReportFormat::Json => {
            let report = json!({
                "problems": parsed.problems,
                "warnings": parsed.warnings,
                "open": parsed.open,
                "documents": parsed.documents.summary(),
                "redirects": parsed.redirects,
            });
            answer::print(format!("{report:#}\n"))?;
        }
        ReportFormat::Sarif => answer::print(format!("{:#}\n", sarif::report(&parsed)))?,
    }
    // What has no value cannot come into force either.
    Ok(if parsed.problems.is_empty() && parsed.open.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
