//! What holds for each workload beside its rules: the heartbeat of its proxy, and its switch.

use std::time::Duration;

use ebpf_abi::{Heartbeat, NEVER_SILENT, SWITCH_AS_CONFIGURED};

use crate::{
    BpfError, ProxyKind, connection,
    maps::{Maps, name},
};

impl Maps {
    pub(crate) fn deadline(&self, id: u32) -> Result<u64, BpfError> {
        let map = self.heartbeats.lock().expect("no holder panics");
        let heartbeat = map
            .get(&id, 0)
            .map_err(BpfError::map("read", name::HEARTBEATS))?;
        Ok(heartbeat.deadline_ns)
    }

    fn set_deadline(&self, id: u32, deadline_ns: u64) -> Result<(), BpfError> {
        let mut map = self.heartbeats.lock().expect("no holder panics");
        map.set(id, Heartbeat { deadline_ns }, 0)
            .map_err(BpfError::map("write", name::HEARTBEATS))
    }

    /// Whether a workload's proxy has no heartbeat.
    pub(crate) fn is_external(&self, id: u32) -> Result<bool, BpfError> {
        Ok(self.deadline(id)? == NEVER_SILENT)
    }

    /// Says whose a workload's proxy is. One of ours that followed an external one is down until it
    /// beats.
    pub(crate) fn set_proxy_kind(&self, id: u32, kind: ProxyKind) -> Result<(), BpfError> {
        match (kind, self.is_external(id)?) {
            (ProxyKind::External, false) => self.set_deadline(id, NEVER_SILENT),
            (ProxyKind::Internal, true) => self.set_deadline(id, 0),
            _ => Ok(()),
        }
    }

    pub(crate) fn beat(&self, id: u32, heartbeat: Duration) -> Result<(), BpfError> {
        if self.is_external(id)? {
            return Ok(());
        }
        let heartbeat = u64::try_from(heartbeat.as_nanos()).unwrap_or(u64::MAX);
        let deadline = connection::boot_ns().saturating_add(heartbeat);
        self.set_deadline(id, deadline.min(NEVER_SILENT - 1))
    }

    pub(crate) fn fall_silent(&self, id: u32) -> Result<(), BpfError> {
        if self.is_external(id)? {
            return Ok(());
        }
        // The earliest moment that is no word for something else.
        self.set_deadline(id, 1)
    }

    pub(crate) fn rest(&self, id: u32) -> Result<(), BpfError> {
        if self.is_external(id)? {
            return Ok(());
        }
        self.set_deadline(id, 0)
    }

    /// What an operator switched, `SWITCH_…`.
    pub(crate) fn switched(&self, id: u32) -> Result<u32, BpfError> {
        let map = self.switches.lock().expect("no holder panics");
        map.get(&id, 0)
            .map_err(BpfError::map("read", name::SWITCHES))
    }

    pub(crate) fn set_switch(&self, id: u32, switch: u32) -> Result<(), BpfError> {
        let mut map = self.switches.lock().expect("no holder panics");
        map.set(id, switch, 0)
            .map_err(BpfError::map("write", name::SWITCHES))
    }

    /// Leaves nothing for whoever has the number next.
    pub(crate) fn forget_state(&self, id: u32) -> Result<(), BpfError> {
        self.set_deadline(id, 0)?;
        self.set_switch(id, SWITCH_AS_CONFIGURED)
    }
}
