#!/usr/bin/env python3
"""Images as BuildKit pushes them, made here and put into a real registry by its own protocol.

    s_selection.py HOST REPOSITORY TAG TEXT [PLATFORM...]
        an index of one image for each platform (linux/amd64), with a provenance and an SBOM for each, that of arm64 in an index of its own; TEXT makes the layers differ
    s_selection.py HOST REPOSITORY TAG --chart
        a Helm chart
    s_selection.py HOST REPOSITORY --delete DIGEST

Prints the digest that the tag leads to."""
import hashlib
import io
import json
import sys
import tarfile
import urllib.request

INDEX = 'application/vnd.oci.image.index.v1+json'
MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
CONFIG = 'application/vnd.oci.image.config.v1+json'
LAYER = 'application/vnd.oci.image.layer.v1.tar'


def digest_of(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def to_json(value):
    return json.dumps(value, separators=(',', ':')).encode()


class Repository:
    def __init__(self, host, name):
        self.base = f'http://{host}/v2/{name}'

    @staticmethod
    def send(method, url, data=b'', media_type='application/octet-stream'):
        request = urllib.request.Request(url, data=data, method=method, headers={'Content-Type': media_type})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.headers

    def blob(self, data, media_type):
        place = self.send('POST', f'{self.base}/blobs/uploads/')['Location']
        digest = digest_of(data)
        self.send('PUT', f'{place}{"&" if "?" in place else "?"}digest={digest}', data)
        return {'mediaType': media_type, 'digest': digest, 'size': len(data)}

    def manifest(self, value, media_type, tag=None):
        data = to_json(value)
        digest = digest_of(data)
        self.send('PUT', f'{self.base}/manifests/{tag or digest}', data, media_type)
        return {'mediaType': media_type, 'digest': digest, 'size': len(data)}

    def delete(self, digest):
        self.send('DELETE', f'{self.base}/manifests/{digest}')


def layer_of(text):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w', format=tarfile.USTAR_FORMAT) as tar:
        entry = tarfile.TarInfo('etc/motd')
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    return out.getvalue()


def platform_of(text):
    return dict(zip(('os', 'architecture', 'variant'), text.split('/')))


def image(repository, platform, text):
    layer = layer_of(f'{text} for {platform}'.encode())
    config = dict(platform_of(platform), created='2026-01-02T03:04:05Z', config={'Cmd': ['/bin/true']},
                  rootfs={'type': 'layers', 'diff_ids': [digest_of(layer)]})
    manifest = {'schemaVersion': 2, 'mediaType': MANIFEST, 'config': repository.blob(to_json(config), CONFIG), 'layers': [repository.blob(layer, LAYER)]}
    return dict(repository.manifest(manifest, MANIFEST), platform=platform_of(platform))


def attestation(repository, subject):
    statements = []
    for predicate in ('https://slsa.dev/provenance/v0.2', 'https://spdx.dev/Document'):
        statement = {'_type': 'https://in-toto.io/Statement/v0.1', 'predicateType': predicate, 'predicate': {},
                     'subject': [{'name': 'app', 'digest': {'sha256': subject['digest'][7:]}}]}
        statements.append(dict(repository.blob(to_json(statement), 'application/vnd.in-toto+json'), annotations={'in-toto.io/predicate-type': predicate}))
    config = {'architecture': 'unknown', 'os': 'unknown', 'config': {}, 'rootfs': {'type': 'layers', 'diff_ids': [s['digest'] for s in statements]}}
    manifest = {'schemaVersion': 2, 'mediaType': MANIFEST, 'config': repository.blob(to_json(config), CONFIG), 'layers': statements}
    return dict(repository.manifest(manifest, MANIFEST), platform={'os': 'unknown', 'architecture': 'unknown'},
                annotations={'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': subject['digest']})


def push_index(repository, tag, text, platforms):
    top, nested = [], []
    for platform in platforms:
        entry = image(repository, platform, text)
        (nested if platform == 'linux/arm64' else top).extend([entry, attestation(repository, entry)])
    if nested:
        top.append(repository.manifest({'schemaVersion': 2, 'mediaType': INDEX, 'manifests': nested}, INDEX))
    return repository.manifest({'schemaVersion': 2, 'mediaType': INDEX, 'manifests': top}, INDEX, tag)['digest']


def push_chart(repository, tag):
    config = repository.blob(b'{"name":"chart"}', 'application/vnd.cncf.helm.config.v1+json')
    content = repository.blob(b'not looked at', 'application/vnd.cncf.helm.chart.content.v1.tar+gzip')
    return repository.manifest({'schemaVersion': 2, 'mediaType': MANIFEST, 'config': config, 'layers': [content]}, MANIFEST, tag)['digest']


def main(host, name, *rest):
    repository = Repository(host, name)
    if rest[0] == '--delete':
        repository.delete(rest[1])
    elif rest[1] == '--chart':
        print(push_chart(repository, rest[0]))
    else:
        print(push_index(repository, rest[0], rest[1], rest[2:] or ['linux/amd64']))


if __name__ == '__main__':
    main(*sys.argv[1:])
