//! ARNs of App Mesh resources, and the names in them.

use super::value::Text;
use crate::document::Kind;

/// The name of a kind in the ARN of an App Mesh resource.
pub(super) fn name_in_arn(text: &Text, kind: Kind) -> Option<Text> {
    let arn = Arn::of(text)?;
    if kind == Kind::Mesh {
        return Some(arn.mesh);
    }
    let mut steps = arn.steps.chunks_exact(2);
    let found = steps.find(|step| step[0].as_known() == Some(kind.word()))?;
    Some(found[1].clone())
}

/// The ARN of an App Mesh resource.
pub(super) struct Arn {
    pub(super) mesh: Text,
    /// What follows it: kind and name in turn.
    pub(super) steps: Vec<Text>,
}

impl Arn {
    pub(super) fn of(text: &Text) -> Option<Self> {
        let fields = text.split(':');
        let (head, path) = fields.split_at_checked(5)?;
        let is_known = |field: &Text, wanted: &str| field.as_known() == Some(wanted);
        if !is_known(&head[0], "arn") || !is_known(&head[2], "appmesh") {
            return None;
        }
        let mut whole = Text::default();
        for (index, field) in path.iter().enumerate() {
            if index > 0 {
                whole.push(Text::known(":"));
            }
            whole.push(field.clone());
        }
        let mut steps = whole.split('/').into_iter();
        if !is_known(&steps.next()?, "mesh") {
            return None;
        }
        let mesh = steps.next()?.split('@').swap_remove(0);
        Some(Self {
            mesh,
            steps: steps.collect(),
        })
    }
}

/// Whether a member of a document holds the name of a resource of this kind.
pub(super) fn refers_to(member: &str) -> Option<Kind> {
    match member {
        "meshName" => Some(Kind::Mesh),
        "virtualGatewayName" => Some(Kind::VirtualGateway),
        "virtualNode" | "virtualNodeName" => Some(Kind::VirtualNode),
        "virtualRouterName" => Some(Kind::VirtualRouter),
        "virtualServiceName" => Some(Kind::VirtualService),
        _ => None,
    }
}
