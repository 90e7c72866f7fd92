"""docs/bundle.schema.json accepts what is a definition and refuses what is not.

usage: check_schema.py SOURCE_DIR
Needs python3-jsonschema and python3-yaml.
"""
import copy
import json
import pathlib
import re
import sys

import jsonschema
import yaml

SOURCE = pathlib.Path(sys.argv[1])
SCHEMA = json.loads((SOURCE / "docs/bundle.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
bad = []


def faults(definition):
    return [f"{'/'.join(map(str, e.path)) or '(top)'}: {e.message}" for e in VALIDATOR.iter_errors(definition)]


def must_accept(name, definition):
    bad.extend(f"{name}: refused: {fault}" for fault in faults(definition))


def must_refuse(name, definition):
    if not faults(definition):
        bad.append(f"{name}: accepted")


def documented():
    """The yaml blocks of docs/DEFINITION.md that are marked as whole definitions."""
    text = (SOURCE / "docs/DEFINITION.md").read_text()
    return [yaml.safe_load(b) for b in re.findall(r"<!-- check: accepted -->\n```yaml\n(.*?)```", text, re.S)]


def keys_of(schema):
    """Every key that the schema knows, at any depth."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for part in schema.values():
            yield from keys_of(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from keys_of(part)


def hovers(schema, at="bundle.yaml"):
    """Top-level keys without a description: an editor would show nothing."""
    return [f"{at}: {key} has no description" for key, part in schema["properties"].items() if "description" not in part]


# A change to the full example, by the path of the key, and why it must not pass. DROP removes the key.
DROP = object()
WRONG = [
    (["nam"], "x", "an unknown key"),
    (["name"], "Shop", "capital letters in the name"),
    (["name"], "-shop", "a name that begins like an option"),
    (["name"], "a" * 64, "a long name"),
    (["name"], DROP, "no name"),
    (["version"], "1.4", "a version of two numbers"),
    (["version"], "01.4.0", "a leading zero"),
    (["version"], 1.4, "a number where text is wanted"),
    (["version"], DROP, "no version"),
    (["platforms"], [], "no platform"),
    (["platforms"], ["linux"], "a platform without an architecture"),
    (["compose"], ["/etc/passwd"], "an absolute path"),
    (["compose"], ["../compose.yaml"], "a path that leads out"),
    (["compose"], ["a/../../b"], "a path that leads out by a detour"),
    (["files"], ["a b"], "a space in a name"),
    (["images"], [{"reference": "a", "when": "x"}], "a component"),
    (["images"], [{"when": "x"}], "an image without a reference"),
    (["images"], [{"from": "oci:x"}], "a place without a name beside it"),
    (["images"], [{"reference": "a", "from": "b"}], "a place without a prefix"),
    (["images"], ["a b"], "a reference with a space"),
    (["database", "password"], "secret", "a password in plain"),
    (["database", "url"], "${URL}", "a service and a url"),
    (["database", "service"], DROP, "a database without a service"),
    (["database"], DROP, "migrations without a database"),
    (["variables", 0, "required"], True, "required with a default"),
    (["variables", 0, "generate"], 32, "generate with a default"),
    (["variables", 1, "generate"], 7, "a short generated secret"),
    (["variables", 0, "name"], "A-B", "a name that no shell knows"),
    (["variables", 0, "name"], "HOST", "the loader's own variable"),
    (["variables", 0, "name"], "COMPOSE_FILE", "a variable of compose"),
    (["variables", 0, "name"], DROP, "a variable without a name"),
    (["variables", 3, "generate"], 257, "a long generated secret"),
    (["variables", 1, "default"], "secret", "a secret that everybody knows"),
    (["database", "admin_password"], DROP, "an administrator without a password"),
    (["upgrade", "from"], "newer", "a version range in words"),
    (["upgrade", "from"], "1.2", "a version that could be a range"),
    (["services", "web", "timeout"], "500ms", "a duration in milliseconds"),
    (["services", "web", "timeout"], 0, "no time at all"),
    (["services", "web", "ca", "file"], "/run/ca/", "a folder for a file"),
    (["requires", "memory"], "2GB", "a unit that is not known"),
    (["requires", "ports"], [70000], "a port that is none"),
    (["upgrade", "schema_compatible"], "yes", "a word for true"),
    (["services", "web", "health"], "file:///etc/passwd", "a health address that is a file"),
    (["services", "web", "tls", "key"], DROP, "a certificate without a key"),
    (["services", "web", "tls", "key"], "tls.key", "a relative path in the container"),
    (["services", "web", "helth"], "x", "an unknown key of a service"),
    (["title"], "a\x1b[2J", "control characters"),
    (["profiles"], "profiles", "profiles"),
    (["jobs"], [], "jobs"),
    (["verify"], [], "no rule for signatures"),
    (["verify", 0, "cosign"], DROP, "a rule without a key"),
    (["verify", 0, "cosign"], [], "a rule with no key"),
    (["verify", 0, "prefix"], "shop/", "a prefix without a registry"),
    (["verify", 0, "prefix"], "registry.example/*", "a prefix with a pattern"),
    (["verify", 0, "prefix"], "https://registry.example/", "a prefix that is an address"),
    (["verify", 0, "prefix"], DROP, "a rule without a prefix"),
    (["verify", 0, "rekor"], "x", "an unknown key of a rule"),
    (["verify", 0, "signed_as"], "vendor", "a vendor that is no registry"),
    (["targets"], {"site": ["*"]}, "targets"),
    (["not_after"], "2027-01-01", "an end"),
]


def changed(definition, path, value):
    definition = copy.deepcopy(definition)
    at = definition
    for step in path[:-1]:
        at = at[step]
    if value is DROP:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return definition


def compose_is_declared():
    """Every ${NAME} of the built-in compose file is an image location with a default, or a declared variable."""
    definition = yaml.safe_load((SOURCE / "embed/archon/bundle.yaml").read_text())
    compose = (SOURCE / "embed/archon/compose.yaml").read_text()
    declared = {v["name"] for v in definition["variables"]} | {"HOST"}
    for number, line in enumerate(compose.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        for name, rest in re.findall(r"\$\{([A-Za-z_][A-Za-z0-9_]*)([^}]*)\}", line):
            if "image:" in line:
                if not rest.startswith(":-"):
                    bad.append(f"compose.yaml:{number}: image location {name} has no default")
            elif name not in declared:
                bad.append(f"compose.yaml:{number}: {name} is not declared")
    unused = {n for n in declared - {"HOST"} if "${%s}" % n not in compose and "${%s}" % n not in json.dumps(definition)}
    bad.extend(f"bundle.yaml: variable {n} is used nowhere" for n in sorted(unused))
    for service in definition["services"]:
        if service not in yaml.safe_load(compose)["services"]:
            bad.append(f"bundle.yaml: services.{service} is no service of compose.yaml")


def main():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    examples = documented()
    if len(examples) < 2:
        bad.append("docs/DEFINITION.md: the marked examples are gone")
    for number, example in enumerate(examples):
        must_accept(f"docs/DEFINITION.md example {number + 1}", example)
    definitions = [p for p in SOURCE.glob("*/**/bundle.yaml") if "build" not in p.relative_to(SOURCE).parts]
    for path in definitions:
        must_accept(str(path.relative_to(SOURCE)), yaml.safe_load(path.read_text()))
    for path, value, why in WRONG:
        must_refuse(f"the example with {why}", changed(examples[0], path, value))
    text = (SOURCE / "docs/DEFINITION.md").read_text()
    bad.extend(f"docs/DEFINITION.md: does not mention {k}" for k in sorted(set(keys_of(SCHEMA))) if k not in text)
    bad.extend(hovers(SCHEMA))
    compose_is_declared()
    for line in bad:
        print(line)
    print(f"{len(examples)} examples, {len(definitions)} definitions, {len(WRONG)} wrong ones")
    sys.exit(bool(bad))


main()
