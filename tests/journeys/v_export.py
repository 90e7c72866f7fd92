"""v_export.py layout DIR: an OCI layout with one image for linux/amd64 and linux/arm64, layers compressed, with all that layers can take away.
v_export.py same A.tar B.tar [NAME]...: two archives of one root file system show the same files; names that an engine makes itself are passed over."""
import gzip
import hashlib
import io
import json
import pathlib
import sys
import tarfile

TYPE = "application/vnd.oci.image."
ENTRIES = {"d": tarfile.DIRTYPE, "s": tarfile.SYMTYPE, "h": tarfile.LNKTYPE}
LAYERS = [
    [("d", "bin", ""), ("d", "etc", ""), ("d", "var", ""), ("f", "etc/kept", "one"), ("f", "etc/gone", "two"), ("f", "etc/Főtanúsítvány", "three"), ("d", "var/cache", ""), ("f", "var/cache/old", "x"),
     ("f", "bin/first", "program"), ("h", "bin/second", "bin/first"), ("s", "lib", "usr/lib")],
    [("d", "bin", ""), ("d", "etc", ""), ("d", "var", ""), ("d", "var/cache", ""), ("f", "etc/.wh.gone", ""), ("f", "var/cache/.wh..wh..opq", ""), ("f", "var/cache/new", "y"), ("f", "bin/.wh.first", ""), ("f", "etc/kept", "newer")],
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


def make_layout(folder):
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(kind, data, **more):
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": TYPE + kind, "digest": "sha256:" + digest, "size": len(data), **more}

    def document(value):
        return json.dumps(value).encode()

    def image(machine):
        tars = [layer(entries, machine) for entries in LAYERS]
        ids = ["sha256:" + hashlib.sha256(tar).hexdigest() for tar in tars]
        config = put("config.v1+json", document({"architecture": machine, "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ids}}))
        layers = [put("layer.v1.tar+gzip", gzip.compress(tar, mtime=0)) for tar in tars]
        manifest = document({"schemaVersion": 2, "mediaType": TYPE + "manifest.v1+json", "config": config, "layers": layers})
        return put("manifest.v1+json", manifest, platform={"os": "linux", "architecture": machine})

    index = put("index.v1+json", document({"schemaVersion": 2, "mediaType": TYPE + "index.v1+json", "manifests": [image("amd64"), image("arm64")]}))
    index["annotations"] = {"org.opencontainers.image.ref.name": "1"}
    (folder / "index.json").write_bytes(document({"schemaVersion": 2, "manifests": [index]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')


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
    make_layout(pathlib.Path(sys.argv[2]))
else:
    sys.exit(compare(sys.argv[2], sys.argv[3], set(sys.argv[4:])))
