//! Flows and connections of a workload that is no longer watched.

use crate::{
    BpfError,
    maps::{self, Maps, name},
};

impl Maps {
    /// Forgets the flows and connections of a workload. Its programs would have, one by one, and
    /// they are detached: the connections go on, and nobody sees them close.
    pub(crate) fn forget_connections(&self, id: u32) -> Result<(), BpfError> {
        let mut flows = self.flows.lock().expect("no holder panics");
        for (key, origin) in maps::entries(&flows, name::FLOWS)? {
            if origin.workload == id {
                maps::found(flows.remove(&key)).map_err(BpfError::map("write", name::FLOWS))?;
            }
        }
        let mut connections = self.connections.lock().expect("no holder panics");
        for (cookie, connection) in maps::entries(&connections, name::CONNECTIONS)? {
            if connection.workload == id {
                maps::found(connections.remove(&cookie))
                    .map_err(BpfError::map("write", name::CONNECTIONS))?;
            }
        }
        Ok(())
    }
}
