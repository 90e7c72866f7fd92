"""The table of docs/ERRORS.md is ERR_TABLE of common/base/err.h, and every status has advice.

usage: check_errors.py SOURCE_DIR
"""
import pathlib
import re
import sys

source = pathlib.Path(sys.argv[1])
code = re.findall(r'X\((\w+), (\d+), "([^"]*)"\)', (source / "common/base/err.h").read_text())
text = (source / "docs/ERRORS.md").read_text()
table = re.findall(r"^\| (\d+) \| (\w+) \| (.*?) \|$", text, re.M)

want = [(status, name, meaning) for name, status, meaning in code]
bad = [f"err.h has {row}, docs/ERRORS.md has not" for row in want if row not in table]
bad += [f"docs/ERRORS.md has {row}, err.h has not" for row in table if row not in want]
bad += [f"docs/ERRORS.md: no advice for {status} {name}" for status, name, _ in want
        if status != "0" and f"**{status} {name}.**" not in text]
if not want or [row[0] for row in table] != sorted((row[0] for row in table), key=int):
    bad.append("the table is empty or not in order")
for line in bad:
    print(line)
sys.exit(bool(bad))
