"""What docs/ARCHITECTURE.md says of the tree is so: its files exist, its layers are those that the lint allows, its steps those of the loader.

usage: check_architecture.py SOURCE_DIR
"""
import pathlib
import re
import sys

SOURCE = pathlib.Path(sys.argv[1])
TEXT = (SOURCE / "docs/ARCHITECTURE.md").read_text()
bad = []


def rows(heading):
    """The cells of the table rows in one section."""
    section = TEXT[TEXT.index(f"## {heading}"):]
    section = section[:section.index("\n## ", 3)]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines() if line.startswith("| `")]


def check_names():
    for name in set(re.findall(r"`((?:bundler|certs|cmake|common|docs|embed|loader|tests)/[\w./-]+)`", TEXT)):
        if "NAME" not in name and not (SOURCE / name).exists():
            bad.append(f"{name} does not exist")
    for link in re.findall(r"\]\(([\w./-]+)\)", TEXT):
        if not (SOURCE / "docs" / link).exists():
            bad.append(f"link to {link} leads nowhere")


def allowed():
    layers = {}
    for line in (SOURCE / "tests/lint/layers.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, *others = line.split()
            layers[name] = others
    return layers


def check_layers():
    layers, above = allowed(), []
    for folder, _, may in rows("Folders are layers"):
        name = folder.strip("`").split("/")[-1]
        if name == "tests":
            continue
        if may.startswith("all of the above"):
            said = set(above) - set(re.findall(r"`(\w+)`", may))
        else:
            said = set() if may == "–" else set(re.split(r",\s*", may))
        if name not in layers:
            bad.append(f"layer {name} is not in layers.txt")
        elif said != set(layers[name]):
            bad.append(f"layer {name}: the table and layers.txt differ in {sorted(said ^ set(layers[name]))}")
        above.append(name)
    for name in set(layers) - set(above):
        bad.append(f"layer {name} is not in the table")


def check_steps():
    source = (SOURCE / "loader/install_steps.c").read_text()
    table = source[source.index("install_steps[] = {"):]
    real = re.findall(r'^\s*\{ "(\w+)"', table, re.MULTILINE)
    said = [row[0].strip("`") for row in rows("The steps of an installation")]
    if not real or said != real:
        bad.append(f"steps are {real}, the table has {said}")


check_names()
check_layers()
check_steps()
for line in bad:
    print(f"docs/ARCHITECTURE.md: {line}")
sys.exit(1 if bad else 0)
