//! Where accepted connections were going.

use std::{io, net::SocketAddr, os::fd::BorrowedFd, sync::Arc};

use aya::maps::{MapData, SkStorage};
use mesh_model::origin::Origin;

use crate::{BpfError, address::socket_address, maps, pins::Pins};

/// Answers where a connection was going before it was redirected. Cheap to clone; one system call a
/// question.
#[derive(Clone, Debug)]
pub struct Origins {
    map: Arc<SkStorage<MapData, ebpf_abi::Origin>>,
}

impl Origins {
    pub(crate) fn open(pins: &Pins) -> Result<Self, BpfError> {
        Ok(Self {
            map: Arc::new(maps::open_origins(pins)?),
        })
    }

    /// The origin of a socket that the proxy accepted; none if it was not redirected to it.
    pub fn origin(&self, socket: BorrowedFd<'_>) -> io::Result<Option<Origin>> {
        let origin = maps::found(self.map.get(&socket, 0)).map_err(io::Error::other)?;
        Ok(origin.map(|origin| Origin {
            destination: scoped(socket_address(origin.address, origin.port), origin.scope),
            source: socket_address(origin.source, origin.source_port),
            workload: origin.workload,
            socket_cookie: origin.cookie,
        }))
    }
}

/// An address with the interface that it is of, which a link-local one needs.
fn scoped(mut address: SocketAddr, interface: u32) -> SocketAddr {
    if let SocketAddr::V6(v6) = &mut address {
        v6.set_scope_id(interface);
    }
    address
}
