//! `ferromesh bundle`: what support needs of this host, in one archive, without secrets.

mod archive;
mod gather;
mod redact;

use std::path::PathBuf;

use anyhow::Context;
use jiff::Timestamp;

use self::{archive::Archive, gather::Gathered, redact::Redactor};
use super::answer;
use crate::cli::BundleArgs;

pub(crate) fn run(args: &BundleArgs) -> anyhow::Result<()> {
    let instance = &args.instance.instance;
    let now = Timestamp::now();
    let path = match &args.output {
        Some(path) => path.clone(),
        None => PathBuf::from(format!(
            "ferromesh-{instance}-{}.tar.gz",
            now.strftime("%Y%m%dT%H%M%SZ")
        )),
    };
    let archive = Archive::create(&path)?;
    let gathered = gather::gather(args);
    let manifest = write(archive, instance, now, gathered)
        .with_context(|| format!("{} is not whole", path.display()))?;
    answer::print(format!("{manifest}{}\n", path.display()))
}

/// Packs what was gathered, each file redacted, with the manifest as the last. Returns what the
/// manifest says.
fn write(
    mut archive: Archive,
    instance: &str,
    now: Timestamp,
    gathered: Gathered,
) -> anyhow::Result<String> {
    let redactor = Redactor::new();
    let mut lines = vec![
        format!(
            "ferromesh {} on the instance {instance} at {now:.0}",
            env!("CARGO_PKG_VERSION")
        ),
        "\nfiles:".to_owned(),
    ];
    for (name, text) in gathered.files {
        let (text, taken_out) = redactor.redact(&text);
        let was_cut = archive.add(&name, &text)?;
        let secrets = match taken_out {
            0 => String::new(),
            count => format!(", {count} secrets taken out"),
        };
        let cut = if was_cut { ", cut" } else { "" };
        lines.push(format!("  {name}: {} bytes{secrets}{cut}", text.len()));
    }
    lines.push("\nleft out:".to_owned());
    for what in gathered.left_out {
        lines.push(format!("  {}", redactor.redact(&what).0));
    }
    let manifest = lines.join("\n") + "\n";
    archive.add_manifest(&manifest)?;
    archive.finish()?;
    Ok(manifest)
}
