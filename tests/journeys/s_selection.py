#!/usr/bin/env python3
"""Images as BuildKit pushes them, made here and put into a real registry by its own protocol.

    s_selection.py HOST REPOSITORY TAG TEXT [PLATFORM...]
        an index of one image for each platform (linux/amd64), with a provenance and an SBOM for each, that of arm64 in an index of its own; TEXT makes the layers differ
    s_selection.py HOST REPOSITORY TAG --chart
        a Helm chart
    s_selection.py HOST REPOSITORY --delete DIGEST

Prints the digest that the tag leads to."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', 'support'))
from played_registry import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, digest, document, tar  # noqa: E402
from registry_api import Api  # noqa: E402


class Repository:
    """One repository of a registry; what is put into it as a descriptor."""

    def __init__(self, host, name):
        self.api, self.name = Api('http://' + host), name

    def blob(self, data, media_type):
        self.api.put_blob(self.name, data)
        return {'mediaType': media_type, 'digest': digest(data), 'size': len(data)}

    def manifest(self, value, media_type, tag=None):
        data = document(value)
        self.api.put_document(self.name, data, media_type, tag)
        return {'mediaType': media_type, 'digest': digest(data), 'size': len(data)}

    def delete(self, reference):
        self.api.call('DELETE', '%s/v2/%s/manifests/%s' % (self.api.base, self.name, reference))


def platform_of(text):
    return dict(zip(('os', 'architecture', 'variant'), text.split('/')))


def image(repository, platform, text):
    layer = tar({'etc/motd': f'{text} for {platform}'.encode()})
    config = dict(platform_of(platform), created='2026-01-02T03:04:05Z', config={'Cmd': ['/bin/true']},
                  rootfs={'type': 'layers', 'diff_ids': [digest(layer)]})
    manifest = {'schemaVersion': 2, 'mediaType': OCI_MANIFEST, 'config': repository.blob(document(config), OCI_CONFIG), 'layers': [repository.blob(layer, OCI_LAYER)]}
    return dict(repository.manifest(manifest, OCI_MANIFEST), platform=platform_of(platform))


def attestation(repository, subject):
    statements = []
    for predicate in ('https://slsa.dev/provenance/v0.2', 'https://spdx.dev/Document'):
        statement = {'_type': 'https://in-toto.io/Statement/v0.1', 'predicateType': predicate, 'predicate': {},
                     'subject': [{'name': 'app', 'digest': {'sha256': subject['digest'][7:]}}]}
        statements.append(dict(repository.blob(document(statement), 'application/vnd.in-toto+json'), annotations={'in-toto.io/predicate-type': predicate}))
    config = {'architecture': 'unknown', 'os': 'unknown', 'config': {}, 'rootfs': {'type': 'layers', 'diff_ids': [s['digest'] for s in statements]}}
    manifest = {'schemaVersion': 2, 'mediaType': OCI_MANIFEST, 'config': repository.blob(document(config), OCI_CONFIG), 'layers': statements}
    return dict(repository.manifest(manifest, OCI_MANIFEST), platform={'os': 'unknown', 'architecture': 'unknown'},
                annotations={'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': subject['digest']})


def push_index(repository, tag, text, platforms):
    top, nested = [], []
    for platform in platforms:
        entry = image(repository, platform, text)
        (nested if platform == 'linux/arm64' else top).extend([entry, attestation(repository, entry)])
    if nested:
        top.append(repository.manifest({'schemaVersion': 2, 'mediaType': OCI_INDEX, 'manifests': nested}, OCI_INDEX))
    return repository.manifest({'schemaVersion': 2, 'mediaType': OCI_INDEX, 'manifests': top}, OCI_INDEX, tag)['digest']


def push_chart(repository, tag):
    config = repository.blob(b'{"name":"chart"}', 'application/vnd.cncf.helm.config.v1+json')
    content = repository.blob(b'not looked at', 'application/vnd.cncf.helm.chart.content.v1.tar+gzip')
    return repository.manifest({'schemaVersion': 2, 'mediaType': OCI_MANIFEST, 'config': config, 'layers': [content]}, OCI_MANIFEST, tag)['digest']


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
