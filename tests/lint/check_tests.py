"""Tests that docs/TESTING.md names are there: unit.X and fuzz.X, journeys, files below tests/, and behind each the test whose title is quoted.

usage: check_tests.py SOURCE_DIR
"""
import pathlib
import re
import sys

source = pathlib.Path(sys.argv[1])
tests = source / "tests"
text = (source / "docs/TESTING.md").read_text()


def titles_of(name):
    """Of a test program or a journey; None when there is no such thing."""
    kind, _, module = name.rpartition(".")
    if kind in ("unit", "fuzz"):
        found = list(tests.glob(f"unit/*/test_{module}.c" if kind == "unit" else f"fuzz/fuzz_{module}.c"))
        return [" ".join(re.findall(r"^static void (\w+)\(void \*\*", path.read_text(), re.M)).replace("_", " ") for path in found] or None
    path = tests / "journeys" / (name.removesuffix(".bats") + ".bats")
    return re.findall(r'^@test "(.*)" \{', path.read_text(), re.M) if path.exists() else None


wrong, n = [], 0
for name, quoted in re.findall(r'`?\b((?:unit|fuzz)\.[a-z]\w*|[a-z]_[a-z]\w*(?:\.bats|(?!\.))|golden\.bats)\b`?((?:,? "[^"]+")*)', text):
    titles = titles_of(name)
    n += 1
    if titles is None:
        wrong.append(f"{name}: no such test")
    wrong += [f'{name}: no test "{words}"' for words in re.findall(r'"([^"]+)"', quoted) if not any(words in title for title in titles or [words])]
for name in re.findall(r"`(tests/[\w./-]+)", text):
    n += 1
    if not (source / name).exists():
        wrong.append(f"{name}: no such file")
for line in wrong:
    print(f"docs/TESTING.md: {line}", file=sys.stderr)
print(f"{n} names of tests")
sys.exit(1 if wrong or not n else 0)
