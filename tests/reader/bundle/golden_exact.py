"""The golden bundle with layers as registries have them (docs/FORMAT.md, 3.7)."""
import gzip

from . import exact
from .base import sha256
from .writer import MANIFEST_TYPE, canonical, golden_spec, zstd

DOCKER_TYPE = exact.DOCKER[1]
LAYER = 'application/vnd.oci.image.layer.v1.tar'
DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar'


def digest(data):
    return 'sha256:' + sha256(data)


def described(media_type, data):
    return {'mediaType': media_type, 'digest': digest(data), 'size': len(data)}


def image(media_type, config_type, forms):
    """(config, manifest) of an image. forms: [(layer, media type, blob)]."""
    config = canonical({'architecture': 'amd64', 'os': 'linux', 'config': {'Cmd': ['/bin/true']},
                        'rootfs': {'type': 'layers', 'diff_ids': [digest(layer) for layer, _, _ in forms]}})
    return config, canonical({'schemaVersion': 2, 'mediaType': media_type, 'config': described(config_type, config),
                              'layers': [described(kind, blob) for _, kind, blob in forms]})


def platform(media_type, config, manifest, forms):
    return {'platform': 'linux/amd64', 'manifest': digest(manifest), 'manifest_size': len(manifest), 'manifest_type': media_type, 'config': digest(config),
            'config_size': len(config), 'diff_ids': [digest(layer) for layer, _, _ in forms]}


def parts(version, change):
    """change: of the forms of the first image. [(reference, media type, index or None, config, manifest, forms)]: one image behind an index, one with Docker's manifest; a layer in two forms."""
    first, second, empty = golden_spec(version)['layers']
    packed = gzip.compress(first[:9000], 9, mtime=0) + gzip.compress(first[9000:], 9, mtime=0)   # two members, as eStargz has them
    web = [(first, LAYER + '+gzip', packed), (second, LAYER + '+zstd', zstd(second))]
    web = change(web)
    api = [(first, DOCKER_LAYER, first), (empty, DOCKER_LAYER + '.gzip', gzip.compress(empty, 9, mtime=0))]
    web_config, web_manifest = image(MANIFEST_TYPE, 'application/vnd.oci.image.config.v1+json', web)
    api_config, api_manifest = image(DOCKER_TYPE, 'application/vnd.docker.container.image.v1+json', api)
    index = canonical({'schemaVersion': 2, 'mediaType': exact.INDEX, 'manifests': [
        {**described(MANIFEST_TYPE, web_manifest), 'platform': {'architecture': 'amd64', 'os': 'linux'}},
        {'mediaType': MANIFEST_TYPE, 'digest': 'sha256:' + 'a5' * 32, 'size': 400, 'platform': {'architecture': 'arm64', 'os': 'linux'}}]})
    return [('golden.example/web:1.0.0', MANIFEST_TYPE, index, web_config, web_manifest, web),
            ('golden.example/api:1.0.0', DOCKER_TYPE, None, api_config, api_manifest, api)]


def layer_entries(images):
    entries = {}
    for _, _, _, _, _, forms in images:
        for layer, kind, blob in forms:
            forms_of = entries.setdefault(digest(layer), {'diff_id': digest(layer), 'blobs': []})['blobs']
            if digest(blob) not in [f['digest'] for f in forms_of]:
                forms_of.append({'digest': digest(blob), 'media_type': kind, 'size': len(blob)})
    return list(entries.values())


def golden_exact_spec(version='1.0.0', change=lambda forms: forms):
    images = parts(version, change)
    old = golden_spec(version)
    release = {'archon_release': 1, 'name': 'golden', 'version': version, 'images': []}
    documents, blobs = [], {}
    for n, (reference, kind, index, config, manifest, forms) in enumerate(images):
        release['images'].append({'reference': reference, **({'index': digest(index)} if index else {}), 'platforms': [platform(kind, config, manifest, forms)]})
        documents += ([['images/%d/index.json' % n, index, False]] if index else []) + [['images/%d/manifest.json' % n, manifest, False], ['images/%d/config.json' % n, config, False]]
        blobs.update({digest(blob): blob for _, _, blob in forms})
    by_digest = {digest(data): data for _, data, _ in documents}
    index, docker, finders = exact.layout(release, by_digest.__getitem__)
    documents += [['images/%d/layout.json' % n, data, False] for n, data in finders.items()]
    blobs = {**{digest(data): data for _, data, _ in documents}, **blobs}
    members = [['release.json', canonical(release) + b'\n', False], *documents, *[m for m in map(list, old['members']) if m[0].startswith('docs/')],
               *[[exact.blob_path(d), data, False] for d, data in blobs.items()],
               ['oci-layout', exact.LAYOUT, False], ['index.json', index, False], ['manifest.json', docker, False]]
    return {**old, 'members': members, 'layers': [], 'layer_entries': layer_entries(images)}
