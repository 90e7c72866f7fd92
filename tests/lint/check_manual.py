"""The commands by which an auditor checks a bundle by hand, as the manual and docs/SECURITY.md print them, do what they say: they
pass on a genuine bundle and one of them fails on a changed one.

usage: check_manual.py SOURCE_DIR
Needs openssl, tar, zstd and sha256sum. The bundle is made by tests/reader, without the project's C.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(sys.argv[1])
sys.dont_write_bytecode = True
sys.path.insert(0, str(SOURCE / "tests/reader"))
from bundle.writer import Key, build, golden_spec  # noqa: E402

ED25519, ECDSA = Key("ed25519", b"golden"), Key("p256", b"second")
SECTIONS = [("embed/docs/README.txt", "Checking it by hand", "What is inside"),
            ("docs/SECURITY.md", "## Checking a bundle by hand", "## Reporting")]
bad = []


PROGRAM = re.compile(r"(zstd|tar|openssl|sha256sum|python3) ")


def commands_of(path, start, end):
    """Lines of one section that begin with one of the programs; python3 goes on to the line that ends its text."""
    text = (SOURCE / path).read_text()
    found, script = [], None
    for line in text[text.index(start):text.index(end)].splitlines():
        if script is not None:
            script.append(line)
        elif PROGRAM.match(line.strip()):
            script = [line.strip()]
        if script and (not script[0].startswith("python3") or line == "END" or "| sha256sum" in line):
            found.append("\n".join(script))
            script = None
    return found


def key_of(command):
    return ECDSA if "dgst" in command else ED25519


def run(command, directory):
    """True when the command succeeds. release.pub and ID are those of the key that the command is about."""
    key = key_of(command)
    (directory / "release.pub").write_bytes(key.public)
    command = command.replace("ID.sig", key.id[:16] + ".sig")
    done = subprocess.run(["sh", "-c", command], cwd=directory, env={"PATH": "/usr/bin:/bin", "B": "../x.bundle.tar.zst"},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    return done.returncode == 0, done.stdout


def check(where, commands, data):
    """The first command that fails on a bundle, or none."""
    with tempfile.TemporaryDirectory() as top:
        top = pathlib.Path(top)
        (top / "x.bundle.tar.zst").write_bytes(data)
        (top / "empty").mkdir()
        for command in commands:
            good, said = run(command, top / "empty")
            if not good:
                return f"{where}: {command.splitlines()[0]}: {said.strip()}"
    return None


def tampered(data):
    """A genuine bundle with one byte changed: in the manifest, in the last piece, and after the end."""
    manifest = bytearray(data)
    manifest[data.index(b'"archon_bundle"') + 40] ^= 1
    last = bytearray(data)
    last[-20] ^= 1
    return {"manifest": bytes(manifest), "last piece": bytes(last), "end": data + b"\x50\x2a\x4d\x18\x00\x00\x00\x00"}


def main():
    genuine = build(golden_spec(), [ED25519, ECDSA])
    for where, start, end in SECTIONS:
        commands = commands_of(where, start, end)
        for word in ("zstd -t", "tar --zstd", "pkeyutl", "dgst", "sha256sum -c", "sha256sum chunks.bin", "END"):
            if not any(word in c for c in commands):
                bad.append(f"{where}: no command with {word}")
        fault = check(where, commands, genuine)
        if fault:
            bad.append(fault)
        for what, data in tampered(genuine).items():
            if check(where, commands, data) is None:
                bad.append(f"{where}: a change of the {what} is not found")
    for line in bad:
        print(line)
    sys.exit(bool(bad))


main()
