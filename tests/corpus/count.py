#!/usr/bin/env python3
"""Say what every file of `field/` holds, without any code of Ferromesh.

PyYAML reads the YAML, jq the bare `$VAR` of command line input, and the App Mesh API's own model
tells the kind of a bare specification. Writes `counts.json`; with `--check` it only compares.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys

import yaml

HERE = pathlib.Path(__file__).parent
FIELD = HERE / "field"
MODEL = json.loads((HERE / "api" / "appmesh-2019-01-25.json").read_text())["shapes"]

NAMES = {
    "gatewayRouteName": "GatewayRoute",
    "routeName": "Route",
    "virtualGatewayName": "VirtualGateway",
    "virtualNodeName": "VirtualNode",
    "virtualRouterName": "VirtualRouter",
    "virtualServiceName": "VirtualService",
    "meshName": "Mesh",
}
VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")


def variables(text):
    return sorted({brace or bare for brace, bare in VARIABLE.findall(text)})


def braced(text):
    """Every variable as `${NAME}`."""
    return VARIABLE.sub(lambda found: "${%s}" % (found[1] or found[2]), text)


def fits(shape_name, value):
    """Whether the API's model takes the value: members, unions, required members and types."""
    shape = MODEL[shape_name]
    kind = shape["type"]
    if kind == "structure":
        if not isinstance(value, dict):
            return False
        members = shape["members"]
        if set(value) - set(members) or set(shape.get("required", [])) - set(value):
            return False
        if shape.get("union") and len(value) != 1:
            return False
        return all(fits(members[key]["shape"], item) for key, item in value.items())
    if kind == "list":
        return (
            isinstance(value, list)
            and shape.get("min", 0) <= len(value) <= shape.get("max", len(value))
            and all(fits(shape["member"]["shape"], item) for item in value)
        )
    if kind == "string":
        return isinstance(value, str) and ("enum" not in shape or value in shape["enum"])
    if kind == "boolean":
        return isinstance(value, bool)
    if isinstance(value, bool) or not isinstance(value, int):
        return False
    return shape.get("min", value) <= value <= shape.get("max", value)


def kinds_of_spec(spec):
    kinds = [kind for kind in NAMES.values() if fits(f"{kind}Spec", spec)]
    if "Route" in kinds and sum(key.endswith("Route") for key in spec) != 1:
        kinds.remove("Route")
    if "GatewayRoute" in kinds and sum(key.endswith("Route") for key in spec) != 1:
        kinds.remove("GatewayRoute")
    return kinds


def command_line(path, text):
    """A document for the AWS CLI, as jq evaluates it with every variable naming itself."""
    needed = variables(text)
    command = ["jq", "--null-input", "--from-file", str(path)]
    for name in needed:
        command += ["--arg", name, "${%s}" % name]
    document = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    kinds = kinds_of_spec(document["spec"])
    named = [kind for name, kind in NAMES.items() if name in document]
    if named:
        assert named[0] in kinds, path
        kinds = named[:1]
    name = next((document[name] for name, kind in NAMES.items() if name in document and kind == kinds[0]), None)
    resource = {"kinds": kinds, "name": name}
    if "virtualRouterName" in document and kinds == ["Route"]:
        resource["of"] = document["virtualRouterName"]
    return {"form": "cli-json", "variables": needed, "resources": [resource]}


class Template(yaml.SafeLoader):
    """YAML with the short forms of CloudFormation's functions."""


def short_form(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        value = value.split(".", 1) if suffix == "GetAtt" else value
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Template.add_multi_constructor("!", short_form)


class Manifest(yaml.SafeLoader):
    """YAML in which `{{NAME}}` of a template engine, a mapping as a key, is taken as text."""


def mapping(loader, node):
    pairs = [(loader.construct_object(key, deep=True), value) for key, value in node.value]
    return {
        str(key): loader.construct_object(value, deep=True) for key, value in pairs
    }


Manifest.add_constructor("tag:yaml.org,2002:map", mapping)


def strings(value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def evaluate(template, value):
    """A name's text: what is open stays as `${Parameter}`."""
    parameters, resources = template.get("Parameters", {}), template["Resources"]

    def reference(name):
        if name in parameters:
            return str(parameters[name].get("Default", "${%s}" % name))
        return "${%s}" % name

    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    if function == "Ref":
        return reference(argument)
    if function == "Fn::Sub":
        return re.sub(r"\$\{([^}]+)\}", lambda found: reference(found[1]), argument)
    if function == "Fn::GetAtt":
        resource, attribute = argument
        properties = resources[resource]["Properties"]
        if resources[resource]["Type"].startswith("AWS::AppMesh::"):
            return evaluate(template, properties[attribute])
        return "${%s.%s}" % (resource, attribute)
    if function == "Fn::Join":
        separator, parts = argument
        return separator.join(evaluate(template, part) for part in parts)
    if function == "Fn::ImportValue":
        return "${ImportValue %s}" % evaluate(template, argument)
    raise ValueError(function)


def references(value):
    """Every expression in a value: what Ref, Sub and GetAtt name, what ImportValue imports."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key == "Ref":
            yield item
        elif key == "Fn::GetAtt":
            yield ".".join(item)
        elif key == "Fn::Sub" and isinstance(item, str):
            yield from re.findall(r"\$\{([^}!]+)\}", item)
        elif key == "Fn::ImportValue" and isinstance(item, str):
            yield f"ImportValue {item}"
        elif key == "Fn::If":
            yield f"Condition {item[0]}"
            yield from references(item[1:])
        else:
            if key == "Fn::ImportValue":
                yield f"ImportValue {item['Fn::Sub']}"
            yield from references(item)


def open_expressions(template):
    """What App Mesh resources need and the template itself does not give."""
    parameters, conditions = template.get("Parameters", {}), template.get("Conditions", {})
    needed = set()
    waiting = [
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"].startswith("AWS::AppMesh::")
    ]
    while waiting:
        for expression in references(waiting.pop()):
            if expression.startswith("Condition "):
                waiting.append(conditions[expression.removeprefix("Condition ")])
                continue
            resource = template["Resources"].get(expression.split(".")[0])
            given = "Default" in parameters.get(expression, {}) or expression == "AWS::NoValue"
            if not given and not (resource and resource["Type"].startswith("AWS::AppMesh::")):
                needed.add(expression)
    return sorted(needed)


def cloudformation(template):
    resources = []
    for logical, resource in template["Resources"].items():
        if not resource["Type"].startswith("AWS::AppMesh::"):
            continue
        kind = resource["Type"].removeprefix("AWS::AppMesh::")
        properties = resource["Properties"]
        name = properties.get(f"{kind}Name")
        found = {"kind": kind, "logical": logical, "name": evaluate(template, name)}
        if kind != "Mesh":
            found["mesh"] = evaluate(template, properties["MeshName"])
        for parent in ("VirtualRouter", "VirtualGateway"):
            if kind != parent and f"{parent}Name" in properties:
                found["of"] = evaluate(template, properties[f"{parent}Name"])
        resources.append(found)
    others = sum(not r["Type"].startswith("AWS::AppMesh::") for r in template["Resources"].values())
    required = [name for name, value in template.get("Parameters", {}).items() if "Default" not in value]
    return {
        "form": "cloudformation",
        "parametersWithoutDefault": sorted(required),
        "openExpressions": open_expressions(template),
        "resources": resources,
        "otherResources": others,
    }


def controller_name(kind, metadata, spec):
    """The name that the controller gives the resource at App Mesh."""
    if "awsName" in spec:
        return spec["awsName"]
    if kind == "Mesh":
        return metadata["name"]
    joint = "." if kind == "VirtualService" else "_"
    return metadata["name"] + joint + metadata.get("namespace", "default")


def kubernetes(documents):
    resources, versions, others, needed = [], set(), 0, set()
    for document in filter(None, documents):
        group, _, version = document["apiVersion"].partition("/")
        if group == "appmesh.k8s.aws" or document["kind"] == "Namespace":
            needed.update(name for text in strings(document) for name in variables(text))
        if group != "appmesh.k8s.aws":
            others += 1
            continue
        versions.add(version)
        kind, metadata, spec = document["kind"], document["metadata"], document.get("spec") or {}
        found = {"kind": kind, "object": metadata["name"]}
        if kind != "Mesh" and "namespace" in metadata:
            found["namespace"] = metadata["namespace"]
        if version == "v1beta2":
            found["name"] = controller_name(kind, metadata, spec)
        resources.append(found)
        # The routes of the older version stand in its virtual services.
        for route in spec.get("routes", []):
            parent = found["name"] if version == "v1beta2" else spec["virtualRouter"]["name"]
            resources.append({"kind": "Route", "name": route["name"], "of": parent})
    (version,) = versions
    return {
        "form": f"kubernetes-{version}",
        "variablesOfResources": sorted(needed),
        "resources": resources,
        "otherResources": others,
    }


def yaml_file(text):
    try:
        if "AWS::AppMesh::" in text:
            return cloudformation(yaml.load(text, Template))
        found = kubernetes(list(yaml.load_all(braced(text), Manifest)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        return {"form": "broken", "line": mark.line + 1, "reason": error.problem}
    placeholders = sorted(set(re.findall(r"\{\{(\w+)\}\}", text)))
    if placeholders:
        found["placeholders"] = placeholders
    return {**found, "variables": variables(text)}


def main():
    files = {}
    for path in sorted(FIELD.rglob("*")):
        if not path.is_file():
            continue
        text = path.read_text()
        found = command_line(path, text) if path.suffix == ".json" else yaml_file(text)
        counted = collections.Counter(
            resource.get("kind") or "|".join(resource["kinds"]) for resource in found.get("resources", [])
        )
        files[str(path.relative_to(FIELD))] = {**found, "counts": dict(sorted(counted.items()))}
    text = json.dumps(files, indent=1, ensure_ascii=False) + "\n"
    target = HERE / "counts.json"
    if "--check" in sys.argv[1:]:
        sys.exit("counts.json is not what field/ holds" if target.read_text() != text else 0)
    target.write_text(text)


if __name__ == "__main__":
    main()
