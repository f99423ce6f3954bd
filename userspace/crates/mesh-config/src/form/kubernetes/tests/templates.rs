//! What is no manifest yet: Helm templates and kustomizations.

use super::*;

const RENDER: &str = "give what comes out of it: `helm template CHART > mesh.yaml`";

#[test]
fn a_placeholder_in_quotation_marks_is_refused() {
    let text = object(
        "VirtualNode",
        "web",
        "{ serviceDiscovery: { dns: { hostname: \"{{ .Values.host }}.local\" } } }",
    );
    assert_eq!(
        problem(&beside_shop(&text)),
        format!(
            "shop.yaml:4: virtual node: spec.serviceDiscovery.dns.hostname: `{{{{ .Values.host \
             }}}}` stands for a value: the file is a template, as Helm has them; {RENDER}"
        )
    );
}

#[test]
fn a_placeholder_without_quotation_marks_is_refused() {
    let text = "apiVersion: appmesh.k8s.aws/v1beta2\nkind: VirtualNode\nmetadata:\n  name: {{ \
                .Release.Name }}\n  namespace: shop\n";
    assert_eq!(
        problem(&beside_shop(text)),
        format!(
            "shop.yaml:4: virtual node: metadata.name: `{{{{.Release.Name}}}}` stands for a \
             value: the file is a template, as Helm has them; {RENDER}"
        )
    );
}

#[test]
fn an_object_with_many_placeholders_is_refused_once() {
    let text = object(
        "VirtualNode",
        "\"{{ .name }}\"",
        "{ listeners: [{ portMapping: { port: \"{{ .port }}\", protocol: \"{{ .protocol }}\" } }] \
         , serviceDiscovery: \"{{ .discovery }}\" }",
    );
    let problem = problem(&beside_shop(&text));
    assert!(problem.contains("metadata.name"), "{problem}");
}

#[test]
fn a_placeholder_in_an_object_of_another_kind_is_no_fault() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  image: \
                {{IMAGE}}\n";
    assert_eq!(problems(&beside_shop(text)), Vec::<String>::new());
}

#[test]
fn a_line_of_a_template_that_is_no_yaml_is_refused_as_one() {
    let text = "{{- if .Values.mesh }}\napiVersion: appmesh.k8s.aws/v1beta2\nkind: Mesh\nmetadata: \
                { name: apps }\n{{- end }}\n";
    let problem = problem(&parse(&[("templates/mesh.yaml", text)]));
    assert!(problem.starts_with("templates/mesh.yaml:1:"), "{problem}");
    let mend =
        "it is a template: give what comes out of it, as by `helm template CHART > mesh.yaml`";
    assert!(problem.ends_with(mend), "{problem}");
}

#[test]
fn a_placeholder_in_a_document_of_the_command_line_is_refused() {
    let text = "meshName: {{ .Values.mesh }}\n";
    assert_eq!(
        problem(&parse(&[("mesh.yaml", text)])),
        "mesh.yaml:1:11: `{{ }}` stands for a value; it is a template: give what comes out of it, \
         as by `helm template CHART > mesh.yaml`"
    );
}

#[test]
fn a_directory_of_kustomize_is_refused() {
    let parsed = parse(&[("base/kustomization.yaml", "resources: [mesh.yaml]\n")]);
    assert_eq!(
        problem(&parsed),
        "base/kustomization.yaml:1:1: the directory is one of Kustomize, which changes names and \
         fields of the manifests in it; give what comes out of it: `kubectl kustomize DIRECTORY > \
         mesh.yaml`"
    );
}
