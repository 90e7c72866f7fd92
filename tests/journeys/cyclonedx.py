"""Is this document what the CycloneDX 1.5 JSON schema and its rules ask for, as far as we write it? And which packages has an image?

usage: cyclonedx.py check FILE
       cyclonedx.py packages FILE REFERENCE      (lines "name version arch", sorted)
"""
import json
import re
import sys
import urllib.parse

TYPES = {"application", "framework", "library", "container", "platform", "operating-system", "device", "firmware", "file"}
AGGREGATES = {"complete", "incomplete", "unknown", "not_specified"}
TOP = {"bomFormat", "specVersion", "serialNumber", "version", "metadata", "components", "dependencies", "compositions"}
COMPONENT = {"type", "bom-ref", "name", "version", "purl", "properties"}
PURL = re.compile(r"pkg:(deb|apk|rpm)/[a-z0-9.-]+/[^/@?#\s]+@[^/@?#\s]+(\?[a-z]+=[^&\s]+(&[a-z]+=[^&\s]+)*)?")


def unique(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f"keys twice: {keys}"
    return dict(pairs)


def load(path):
    with open(path, encoding="ascii") as f:
        return json.load(f, object_pairs_hook=unique)


def check_component(component):
    assert set(component) <= COMPONENT and component["type"] in TYPES and component["name"], component
    for p in component.get("properties", []):
        assert set(p) == {"name", "value"} and p["value"], p
    if "purl" in component:
        assert PURL.fullmatch(component["purl"]), component["purl"]
        qualifiers = [q.split("=")[0] for q in component["purl"].partition("?")[2].split("&") if q]
        assert qualifiers == sorted(qualifiers), component["purl"]


def check(bom):
    assert set(bom) == TOP and bom["bomFormat"] == "CycloneDX" and bom["specVersion"] == "1.5" and bom["version"] == 1
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", bom["serialNumber"])
    meta = bom["metadata"]
    assert set(meta) == {"timestamp", "tools", "component"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", meta["timestamp"])
    parts = [meta["component"], *bom["components"]]
    for component in [*parts, *meta["tools"]["components"]]:
        check_component(component)
    refs = [c["bom-ref"] for c in parts]
    assert len(refs) == len(set(refs)), "a bom-ref is there twice"
    known = set(refs)
    from_refs = [d["ref"] for d in bom["dependencies"]]
    assert len(from_refs) == len(set(from_refs)) and set(from_refs) <= known
    used = set()
    for d in bom["dependencies"]:
        assert len(d["dependsOn"]) == len(set(d["dependsOn"])) and set(d["dependsOn"]) <= known, d["ref"]
        used |= set(d["dependsOn"])
    assert used == known - {meta["component"]["bom-ref"]}, "a component that nothing depends on"
    for c in bom["compositions"]:
        assert c["aggregate"] in AGGREGATES and set(c["dependencies"]) <= known


def packages(bom, reference):
    images = [c["bom-ref"] for c in bom["components"] if c["type"] == "container" and c["name"] == reference]
    by_ref = {c["bom-ref"]: c for c in bom["components"]}
    depends = {d["ref"]: d["dependsOn"] for d in bom["dependencies"]}
    lines = set()
    for ref in (r for image in images for r in depends[image]):
        c = by_ref[ref]
        query = urllib.parse.parse_qs(c["purl"].partition("?")[2])
        lines.add(f"{c['name']} {c['version']} {query.get('arch', [''])[0]}")
    print("\n".join(sorted(lines)))


if sys.argv[1] == "check":
    check(load(sys.argv[2]))
else:
    packages(load(sys.argv[2]), sys.argv[3])
