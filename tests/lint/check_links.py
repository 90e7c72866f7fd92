"""Links in README.md and docs/ lead to files and headings that are there.

usage: check_links.py SOURCE_DIR
"""
import pathlib
import re
import sys

source = pathlib.Path(sys.argv[1])


def anchors(path):
    """Of every heading, as Git servers make them; code blocks have none."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)
    return {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", text, re.M)}


def complaint(page, link):
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    if not target.exists():
        return "no such file"
    return "no such heading" if anchor and anchor not in anchors(target) else None


pages = [source / "README.md", *sorted((source / "docs").glob("*.md"))]
links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()) if "://" not in link]
wrong = [f"{page.relative_to(source)}: {link}: {why}" for page, link in links if (why := complaint(page, link))]
for line in wrong:
    print(line, file=sys.stderr)
print(f"{len(links)} links in {len(pages)} documents")
sys.exit(1 if wrong or not links else 0)
