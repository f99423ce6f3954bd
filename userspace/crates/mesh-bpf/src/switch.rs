//! Redirection switched on and off, by the pins alone: the daemon may be dead.

use std::path::Path;

use ebpf_abi::{SWITCH_AS_CONFIGURED, SWITCH_OFF, SWITCH_ON};
use serde::Serialize;

use crate::{
    BpfError,
    inspect::ProxyState,
    maps::{Maps, workloads::Enrolled},
    pins,
};

/// What an operator switched. It holds for new connections, over restarts of the daemon, until it is
/// switched again or the workload is released.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Switch {
    /// Nothing: the rules say whether new connections are redirected.
    #[default]
    AsConfigured,
    /// They are, whatever the rules say.
    On,
    /// They are not, whatever the rules say.
    Off,
}

impl Switch {
    pub(crate) fn from_number(number: u32) -> Self {
        match number {
            SWITCH_ON => Self::On,
            SWITCH_OFF => Self::Off,
            _ => Self::AsConfigured,
        }
    }

    fn number(self) -> u32 {
        match self {
            Self::AsConfigured => SWITCH_AS_CONFIGURED,
            Self::On => SWITCH_ON,
            Self::Off => SWITCH_OFF,
        }
    }

    /// `as-configured`, `on` or `off`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AsConfigured => "as-configured",
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

/// Whether new connections of a workload are redirected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SwitchReport {
    /// The workload's id.
    pub id: u32,
    /// Its name.
    pub workload: String,
    /// Whether they are; what the rules exempt is not, nor what comes while the proxy is down.
    pub redirecting: bool,
    /// What an operator switched.
    pub switch: Switch,
    /// What its rules say; none without rules.
    pub configured: Option<bool>,
    /// How its proxy fares.
    pub proxy: ProxyState,
}

/// Switches redirection of one workload, or of all that are enrolled, for new connections; none that
/// lives is touched. Returns what then holds for each.
///
/// # Errors
/// If there is no such instance or workload, or its maps cannot be written.
pub fn set(
    bpffs: &Path,
    instance: &str,
    workload: Option<&str>,
    on: bool,
) -> Result<Vec<SwitchReport>, BpfError> {
    let switch = if on { Switch::On } else { Switch::Off };
    each(bpffs, instance, workload, |maps, enrolled| {
        maps.set_switch(enrolled.id, switch.number())?;
        report(maps, enrolled)
    })
}

/// What holds for one workload, or for all that are enrolled.
///
/// # Errors
/// As [`set`].
pub fn read(
    bpffs: &Path,
    instance: &str,
    workload: Option<&str>,
) -> Result<Vec<SwitchReport>, BpfError> {
    each(bpffs, instance, workload, report)
}

fn each(
    bpffs: &Path,
    instance: &str,
    workload: Option<&str>,
    what: impl Fn(&Maps, Enrolled) -> Result<SwitchReport, BpfError>,
) -> Result<Vec<SwitchReport>, BpfError> {
    let pins = pins::present(bpffs, instance)?.ok_or_else(|| BpfError::NoInstance {
        name: instance.to_owned(),
    })?;
    let maps = Maps::open(&pins)?;
    let mut enrolled = maps.enrolled()?;
    if let Some(name) = workload {
        enrolled.retain(|one| one.name == name);
        if enrolled.is_empty() {
            return Err(BpfError::NoWorkload {
                name: name.to_owned(),
                instance: instance.to_owned(),
            });
        }
    }
    enrolled.into_iter().map(|one| what(&maps, one)).collect()
}

fn report(maps: &Maps, enrolled: Enrolled) -> Result<SwitchReport, BpfError> {
    let switch = Switch::from_number(maps.switched(enrolled.id)?);
    let configured = maps.is_enabled(enrolled.id)?;
    Ok(SwitchReport {
        redirecting: match switch {
            Switch::AsConfigured => configured == Some(true),
            Switch::On => configured.is_some(),
            Switch::Off => false,
        },
        switch,
        configured,
        proxy: ProxyState::of_deadline(maps.deadline(enrolled.id)?, crate::connection::boot_ns()),
        id: enrolled.id,
        workload: enrolled.name,
    })
}
