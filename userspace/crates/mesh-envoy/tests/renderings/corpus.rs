//! Every set of published and made documents that resolves is rendered.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use mesh_config::form::Inputs;
use serde::Deserialize;
use serde_json::Value;
use tests::capability;

#[derive(Deserialize)]
struct Verdicts {
    sets: Vec<Set>,
}

/// Files that an operator would hand over together, with what they need.
#[derive(Deserialize)]
struct Set {
    name: String,
    directory: String,
    files: Vec<String>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    parameters: BTreeMap<String, String>,
}

/// The renderings of every resource of each set, by the set's name.
fn renderings() -> Result<BTreeMap<String, Vec<Value>>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/corpus");
    let mut renderings: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (verdicts, base) in [("verdicts.json", "field"), ("made/verdicts.json", "made")] {
        let text = fs::read_to_string(corpus.join(verdicts)).context(verdicts)?;
        let Verdicts { sets } = serde_json::from_str(&text)?;
        for set in sets {
            let directory = corpus.join(base).join(&set.directory);
            let paths: Vec<PathBuf> = set.files.iter().map(|file| directory.join(file)).collect();
            let inputs = Inputs {
                variables: set.variables,
                parameters: set.parameters,
                names: BTreeMap::new(),
            };
            // What is judged bad, or needs names of the command line, has no rendering.
            let Ok(documents) = crate::documents(&paths, inputs) else {
                continue;
            };
            for resource in documents.proxies() {
                let rendered = crate::rendered(&documents, &resource, &BTreeMap::new())
                    .with_context(|| format!("{resource} of {}", set.name))?;
                renderings
                    .entry(set.name.clone())
                    .or_default()
                    .push(rendered);
            }
        }
    }
    Ok(renderings)
}

#[test]
fn every_resource_of_the_corpus_is_rendered_and_envoy_loads_the_largest_of_each_set() -> Result<()>
{
    let renderings = renderings()?;
    let count: usize = renderings.values().map(Vec::len).sum();
    assert!(count >= 100, "only {count} renderings");
    let Some(envoy) = capability::envoy() else {
        return Ok(());
    };
    let mut refused = Vec::new();
    for (set, renderings) in renderings {
        let largest = renderings.into_iter().max_by_key(|of| of.to_string().len());
        if let Err(error) = crate::accepted::accept(&envoy, largest.unwrap_or_default()) {
            refused.push(format!("{set}: {error:#}"));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    Ok(())
}
