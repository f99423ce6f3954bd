//! Endpoints that join their services in their time: the name server names them once both sides have called.

use std::{net::IpAddr, sync::PoisonError, thread::ScopedJoinHandle};

use anyhow::Result;

use super::Rig;
use crate::{
    parity::{case::Case, meshes},
    wait,
};

impl Rig {
    /// Has the name server name the endpoints that join in their time, or only the first ones.
    pub(super) fn name_late(&self, has_joined: bool) -> Result<()> {
        let mut dns = self.dns.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, addresses) in meshes::names_of_late(has_joined) {
            dns.set(&name, &addresses)?;
        }
        Ok(())
    }

    /// Has them join, if there are any, once their services are called by both sides.
    pub(super) fn have_join(&self, cases: &[&Case]) -> Result<()> {
        let callers = [&self.ferromesh, &self.envoy].map(|host| IpAddr::V4(host.v4()));
        wait::until_true("the services to be called", || {
            Ok(self.recorder.were_called(cases, &callers))
        })?;
        self.name_late(true)
    }
}

/// What a thread came to.
pub(super) fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    let ended = thread.join();
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
