//! The operator's file of instances, read again when it changes. While it is at fault its last good
//! content stays in use.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use mesh_config::{instances, problem::Problem};
use mesh_model::{
    instance::{Instance, Instances},
    snapshot::{Discovery, InstanceFile, IpPreference},
};

use super::zones::Located;
use crate::files::{Files, Mark};

/// The files that clusters name.
#[derive(Debug)]
pub(crate) struct InstanceFiles {
    files: Files,
    read: Mutex<HashMap<String, Content>>,
}

/// What is known of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    mark: Option<Mark>,
    /// The last that was good; none: it never was.
    pub(crate) good: Option<Arc<Instances>>,
    /// What is wrong with it now.
    pub(crate) fault: Option<String>,
}

impl InstanceFiles {
    pub(crate) fn new(files: Files) -> Self {
        Self {
            files,
            read: Mutex::default(),
        }
    }

    /// A file as it is at this moment.
    pub(crate) fn current(&self, path: &str) -> Content {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let content = read.entry(path.to_owned()).or_default();
        let mark = self.files.mark(Path::new(path));
        if mark.is_none() || content.mark != mark {
            content.mark = mark;
            let fault = match self.parse(path) {
                Ok(good) => {
                    tracing::info!(
                        path,
                        nodes = good.nodes.len(),
                        services = good.services.len(),
                        "the file of instances is read"
                    );
                    content.good = Some(Arc::new(good));
                    None
                }
                Err(fault) => Some(fault),
            };
            if let Some(fault) = fault.as_ref().filter(|_| content.fault != fault) {
                let kept = content.good.is_some();
                tracing::error!(kept, "{fault}");
            }
            content.fault = fault;
        }
        content.clone()
    }

    fn parse(&self, path: &str) -> Result<Instances, String> {
        let unreadable = |error: &io::Error| {
            format!(
                "{path}: the file of instances cannot be read: {error}; give a file that is there, or \
                 unset FERROMESH_INSTANCES"
            )
        };
        let text = self.files.read(Path::new(path));
        let text = text.map_err(|error| unreadable(&error))?;
        let text = String::from_utf8(text)
            .map_err(|_| format!("{path}: the file of instances is no text; write it in UTF-8"))?;
        instances::parse(path, &text).map_err(|problems| of_all(&problems))
    }
}

/// The endpoints that a file has for a cluster, each once; none where it does not name the cluster. The
/// virtual node's own entry comes before that of its service in AWS Cloud Map.
///
/// # Errors
/// When there are instances and the cluster can use none of them: more likely a slip than what was meant,
/// which an empty list says.
pub(crate) fn endpoints(
    known: &Instances,
    file: &InstanceFile,
    discovery: &Discovery,
) -> Result<Option<Located>, String> {
    let of_node = || {
        let found = known.nodes.get(&file.node)?;
        Some((found, &[][..], format!("virtual node {}", file.node)))
    };
    let of_service = || match discovery {
        Discovery::CloudMap {
            namespace,
            service,
            attributes,
            ..
        } => {
            let found = known.services.get(&(namespace.clone(), service.clone()))?;
            let name = format!("service {service} of {namespace}");
            Some((found, attributes.as_slice(), name))
        }
        Discovery::Dns { .. } | Discovery::Static(_) | Discovery::OriginalDestination => None,
    };
    let Some((instances, attributes, name)) = of_node().or_else(of_service) else {
        return Ok(None);
    };
    let located: Located = fitting(instances, attributes, file).collect();
    if located.endpoints.is_empty() && !instances.is_empty() {
        let wanted = wanted(instances, attributes, file.ip_preference);
        return Err(format!(
            "{}: no instance of {name} has {wanted}; mend the file or the documents, or write \
             `instances: []` if there is to be none",
            file.path
        ));
    }
    Ok(Some(located))
}

/// What none of the instances has that a cluster can use.
fn wanted(
    instances: &[Instance],
    attributes: &[(String, String)],
    preference: IpPreference,
) -> String {
    if instances.iter().any(|instance| instance.has(attributes)) {
        let family = match preference {
            IpPreference::V4Only => "an IPv4 address, as `ipPreference: IPv4_ONLY` asks for",
            IpPreference::V6Only => "an IPv6 address, as `ipPreference: IPv6_ONLY` asks for",
            IpPreference::Unset | IpPreference::V4Preferred | IpPreference::V6Preferred => {
                "an address"
            }
        };
        return family.to_owned();
    }
    let pairs = attributes
        .iter()
        .map(|(key, value)| format!("{key}={value}"));
    format!("the attributes {}", pairs.collect::<Vec<_>>().join(", "))
}

fn fitting<'a>(
    instances: &'a [Instance],
    attributes: &'a [(String, String)],
    file: &'a InstanceFile,
) -> impl Iterator<Item = (SocketAddr, Option<&'a str>)> {
    let fitting = instances.iter().filter(|instance| instance.has(attributes));
    fitting.filter_map(|instance| {
        let endpoint = instance.endpoint(file.ip_preference, file.port)?;
        Some((endpoint, instance.zone.as_deref()))
    })
}

/// Problems on one line: the first, and how many there are.
fn of_all(problems: &[Problem]) -> String {
    match problems {
        [] => String::new(),
        [only] => only.to_string(),
        [first, more @ ..] => format!("{first} (faults in it: {})", 1 + more.len()),
    }
}

#[cfg(test)]
mod tests;
