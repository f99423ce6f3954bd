//! Names of App Mesh resources and how they are written.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The kinds of resource that a proxy can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProxyKind {
    /// `virtualGateway`
    VirtualGateway,
    /// `virtualNode`
    VirtualNode,
}

impl ProxyKind {
    /// The word that stands in resource names and ARNs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VirtualGateway => "virtualGateway",
            Self::VirtualNode => "virtualNode",
        }
    }
}

/// The resource that a proxy runs: `mesh/M/virtualNode/N`, as `APPMESH_RESOURCE_ARN` has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ResourceName {
    /// The mesh, without an owner.
    pub mesh: String,
    /// The account that owns a shared mesh (`M@123456789012`), if it was named.
    pub mesh_owner: Option<String>,
    /// Node or gateway.
    pub kind: ProxyKind,
    /// The node's or gateway's own name.
    pub name: String,
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mesh/{}", self.mesh)?;
        if let Some(owner) = &self.mesh_owner {
            write!(f, "@{owner}")?;
        }
        write!(f, "/{}/{}", self.kind.as_str(), self.name)
    }
}

/// A resource name that is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidResourceName {
    given: String,
}

impl fmt::Display for InvalidResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` names no resource; write mesh/MESH/virtualNode/NODE, mesh/MESH/virtualGateway/GATEWAY \
             or the whole ARN",
            self.given
        )
    }
}

impl std::error::Error for InvalidResourceName {}

impl FromStr for ResourceName {
    type Err = InvalidResourceName;

    /// Reads a resource name or a whole ARN (`arn:aws:appmesh:REGION:ACCOUNT:mesh/…`).
    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidResourceName {
            given: given.to_owned(),
        };
        let path = match given.strip_prefix("arn:") {
            Some(arn) => arn.splitn(5, ':').nth(4).ok_or_else(invalid)?,
            None => given,
        };
        let parts: Vec<&str> = path.split('/').collect();
        let [marker, mesh, kind, name] = parts[..] else {
            return Err(invalid());
        };
        let (mesh, mesh_owner) = match mesh.split_once('@') {
            Some((mesh, owner)) => (mesh, Some(owner.to_owned())),
            None => (mesh, None),
        };
        let kind = match kind {
            "virtualGateway" => ProxyKind::VirtualGateway,
            "virtualNode" => ProxyKind::VirtualNode,
            _ => return Err(invalid()),
        };
        if marker != "mesh" || mesh.is_empty() || name.is_empty() {
            return Err(invalid());
        }
        Ok(Self {
            mesh: mesh.to_owned(),
            mesh_owner,
            kind,
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
