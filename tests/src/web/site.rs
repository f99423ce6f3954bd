//! A web server as people run it: files in whole and in part, compressed text, uploads.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};

use super::{Speaks, configuration, nginx};
use crate::{
    host::{Host, Place},
    process::Process,
    wait,
};

/// A path whose answer is [`SMALL`] and a newline.
pub const SMALL_PATH: &str = "/small";
/// The body at [`SMALL_PATH`].
pub const SMALL: &str = "small";

/// A running server: nginx with one worker, on one port of IPv4, which keeps connections for as long as
/// clients like and takes files by PUT.
#[derive(Debug)]
pub struct Site {
    _process: Process,
    files: PathBuf,
}

impl Site {
    /// Starts it in a place of a host, and waits until it listens.
    pub fn start(host: &Host, place: Place, port: u16, speaks: Speaks) -> Result<Self> {
        let directory = host.directory().join("site");
        let files = directory.join("files");
        fs::create_dir_all(&files).with_context(|| format!("cannot make {}", files.display()))?;
        let settings = format!(
            r#"  access_log off;
  keepalive_requests 100000000;
  client_max_body_size 0;
  sendfile on;
  types {{ text/plain txt; }}
  default_type application/octet-stream;
  gzip on; gzip_types text/plain;
  server {{
    listen 0.0.0.0:{port}{};
    root files; dav_methods PUT;
    location = {SMALL_PATH} {{ return 200 "{SMALL}\n"; }}
  }}
"#,
            speaks.word()
        );
        fs::write(directory.join("nginx.conf"), configuration(&settings))
            .context("cannot write nginx.conf")?;
        let mut process = nginx(host, place, &directory)?;
        wait::until_true("the site", || {
            process.ensure_running()?;
            host.listens(port)
        })?;
        Ok(Self {
            _process: process,
            files,
        })
    }

    /// Puts a file there; its path is its name.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        fs::write(self.files.join(name), bytes).with_context(|| format!("cannot write {name}"))
    }

    /// A file that is there, put or uploaded.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        fs::read(self.files.join(name)).with_context(|| format!("cannot read {name}"))
    }
}
