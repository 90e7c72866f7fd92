"""v_export.py layout DIR STATEMENT: an OCI layout with one image for linux/amd64 and linux/arm64, layers compressed, with all that layers can
take away, and an attestation about the first.
v_export.py same A.tar B.tar [NAME]...: two archives of one root file system show the same files; names that an engine makes itself are passed over."""
import gzip
import hashlib
import io
import json
import sys
import tarfile

sys.dont_write_bytecode = True
from layers import CONFIG, INDEX, LAYER, MANIFEST, Layout, attestation, config_of  # noqa: E402

ENTRIES = {"d": tarfile.DIRTYPE, "s": tarfile.SYMTYPE, "h": tarfile.LNKTYPE}
FOLDERS = [("d", "bin", ""), ("d", "etc", ""), ("d", "var", ""), ("d", "var/cache", ""), ("d", "usr", ""), ("d", "usr/lib", "")]
LAYERS = [
    FOLDERS + [("f", "etc/kept", "one"), ("f", "etc/gone", "two"), ("f", "etc/Főtanúsítvány", "three"), ("f", "var/cache/old", "x"),
               ("f", "bin/first", "program"), ("h", "bin/second", "bin/first"), ("s", "lib", "usr/lib"), ("f", "lib/through", "four"), ("s", "usr/out", "/../etc"), ("f", "usr/out/inside", "five")],
    FOLDERS + [("f", "etc/.wh.gone", ""), ("f", "var/cache/.wh..wh..opq", ""), ("f", "var/cache/new", "y"), ("f", "bin/.wh.first", ""),
               ("f", "etc/kept", "newer"), ("s", "lib", "usr/lib"), ("f", "lib/more", "six")],
]


def layer(entries, machine):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for kind, name, text in entries + [("f", "machine-" + machine, machine)]:
            info = tarfile.TarInfo(name)
            info.mtime, info.uid, info.mode = 1700000000, 7, 0o777 if kind == "s" else 0o640
            info.type = ENTRIES.get(kind, tarfile.REGTYPE)
            if kind == "f":
                info.size = len(text.encode())
            elif kind != "d":
                info.linkname = text
            tar.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def image(layout, machine):
    tars = [layer(entries, machine) for entries in LAYERS]
    blobs = [layout.blob(LAYER, gzip.compress(tar, mtime=0)) for tar in tars]
    config = layout.document(CONFIG, config_of("linux/" + machine, tars))
    return layout.image(MANIFEST, config, blobs, platform={"os": "linux", "architecture": machine})


def make_layout(folder, statement):
    layout = Layout(folder)
    images = [image(layout, machine) for machine in ("amd64", "arm64")]
    manifests = images + [attestation(layout, statement, images[0])]
    index = layout.document(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests},
                            annotations={"org.opencontainers.image.ref.name": "1"})
    layout.file("index.json", json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [index]}).encode())


def files(path, passed_over):
    """Every name with all that it is; hard links are what they lead to."""
    found = {}
    with tarfile.open(path) as tar:
        for info in tar:
            name = info.name.strip("/")
            if name in ("", ".") or name.split("/")[0] in passed_over or name in passed_over:
                continue
            model = tar.getmember(info.linkname) if info.islnk() else info
            text = hashlib.sha256(tar.extractfile(model).read()).hexdigest() if model.isreg() else model.linkname
            found[name] = (model.type if not model.isreg() else b"0", oct(model.mode & 0o7777), model.uid, model.gid, text, sorted(k for k in model.pax_headers if "xattr" in k))
    return found


def compare(a, b, passed_over):
    one, two = files(a, passed_over), files(b, passed_over)
    other = [name for name in sorted(set(one) | set(two)) if one.get(name) != two.get(name)]
    for name in other[:20]:
        print(f"{name}: {one.get(name)} and {two.get(name)}")
    return bool(other) or not one


if sys.argv[1] == "layout":
    make_layout(sys.argv[2], sys.argv[3])
else:
    sys.exit(compare(sys.argv[2], sys.argv[3], set(sys.argv[4:])))
