"""An OCI layout made of folders: each becomes one layer, so that a test decides what a layer holds.

usage: layers.py LAYOUT FOLDER[@TIME]... [--platform OS/ARCHITECTURE] [--attest STATEMENT.json]

TIME: when each file was changed, in seconds since 1970; 0 if not given.
With --attest the layout's image is an index, as BuildKit makes them: the image, and a manifest that holds the statement about it.
"""
import argparse
import gzip
import hashlib
import io
import json
import os
import tarfile

INDEX, MANIFEST = "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json"
CONFIG, LAYER, STATEMENT = "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.in-toto+json"


class Layout:
    def __init__(self, path):
        self.path = path
        os.makedirs(os.path.join(path, "blobs/sha256"))
        self.file("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')

    def file(self, name, data):
        with open(os.path.join(self.path, name), "wb") as f:
            f.write(data)

    def blob(self, media_type, data, **more):
        digest = hashlib.sha256(data).hexdigest()
        self.file("blobs/sha256/" + digest, data)
        return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data), **more}

    def document(self, media_type, content, **more):
        return self.blob(media_type, json.dumps(content).encode(), **more)

    def image(self, media_type, config, layers, **more):
        return self.document(media_type, {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers}, **more)


def plain(time):
    def change(entry):
        entry.uid = entry.gid = 0
        entry.mtime = time
        entry.uname = entry.gname = ""
        return entry
    return change


def tar_of(folder):
    folder, _, time = folder.partition("@")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(os.listdir(folder)):
            tar.add(os.path.join(folder, name), arcname=name, filter=plain(int(time or 0)))
    return out.getvalue()


def config_of(platform, tars):
    os_name, architecture = platform.split("/")
    return {"os": os_name, "architecture": architecture, "created": "2026-01-02T03:04:05Z", "config": {},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(t).hexdigest() for t in tars]}}


def attestation(layout, statement, image):
    with open(statement, "rb") as f:
        blob = layout.blob(STATEMENT, f.read(), annotations={"in-toto.io/predicate-type": "https://spdx.dev/Document"})
    nothing = {"os": "unknown", "architecture": "unknown", "config": {}, "rootfs": {"type": "layers", "diff_ids": [blob["digest"]]}}
    return layout.image(MANIFEST, layout.document(CONFIG, nothing), [blob], platform={"os": "unknown", "architecture": "unknown"},
                        annotations={"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image["digest"]})


def main():
    args = argparse.ArgumentParser()
    args.add_argument("layout")
    args.add_argument("folders", nargs="+")
    args.add_argument("--platform", default="linux/amd64")
    args.add_argument("--attest")
    args = args.parse_args()
    layout = Layout(args.layout)
    tars = [tar_of(folder) for folder in args.folders]
    layers = [layout.blob(LAYER, gzip.compress(tar, mtime=0)) for tar in tars]
    os_name, architecture = args.platform.split("/")
    top = layout.image(MANIFEST, layout.document(CONFIG, config_of(args.platform, tars)), layers)
    if args.attest:
        image = dict(top, platform={"os": os_name, "architecture": architecture})
        top = layout.document(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": [image, attestation(layout, args.attest, image)]})
    layout.file("index.json", json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [top]}).encode())


if __name__ == "__main__":
    main()
