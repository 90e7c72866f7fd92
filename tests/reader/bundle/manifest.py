"""bundle.json and release.json, read strictly (docs/FORMAT.md, 4 and 6)."""
import datetime
import json
import re

from .base import GIB, MAX_HEADER, MIB, Refused, need, round_up
from .exact import blob_path, check_blobs


def number(least, most):
    def check(v, at):
        need(type(v) is int and least <= v <= most, 'FORMAT', '%s: expected a number from %d to %d' % (at, least, most))
    return check


def text(pattern, most):
    def check(v, at):
        need(type(v) is str and len(v) <= most and re.fullmatch(pattern, v), 'FORMAT', '%s: not in the form required' % at)
    return check


def array(item, least, most, distinct=None):
    def check(v, at):
        need(type(v) is list and least <= len(v) <= most, 'FORMAT', '%s: expected %d to %d entries' % (at, least, most))
        for i, entry in enumerate(v):
            item(entry, '%s[%d]' % (at, i))
        if distinct:
            need(len(set(map(distinct, v))) == len(v), 'FORMAT', '%s: an entry occurs twice' % at)
    return check


def record(optional=(), **fields):
    def check(v, at):
        need(type(v) is dict, 'FORMAT', '%s: expected an object' % at)
        for key in v:
            need(key in fields, 'FORMAT', '%s: unknown key %s' % (at, key))
        for key, rule in fields.items():
            need(key in v or key in optional, 'FORMAT', '%s: %s is missing' % (at, key))
            if key in v:
                rule(v[key], '%s.%s' % (at, key))
    return check


def real_date(v, at):
    text(r'(19[7-9]\d|[2-9]\d{3})-\d\d-\d\dT\d\d:\d\d:[0-5]\dZ', 20)(v, at)
    try:
        datetime.datetime.strptime(v, '%Y-%m-%dT%H:%M:%SZ')
    except ValueError:
        raise Refused('FORMAT', '%s: no such date' % at) from None


ID = r'(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)'
SEMVER = r'(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}(-%s(\.%s)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?' % (ID, ID)
NUM = number(0, 2**53 - 1)
HEX = text('[0-9a-f]{64}', 64)
DIGEST = text('sha256:[0-9a-f]{64}', 71)
MANIFEST = record(
    optional=('base', 'average'),
    archon_bundle=number(1, 1),
    release=record(name=text('[a-z0-9][a-z0-9-]*', 63), version=text(SEMVER, 128), sha256=HEX),
    created=real_date,
    platforms=array(text('[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*){1,2}', 64), 1, 64, distinct=str),
    layers_mode=text('dedup|exact', 5),
    average=number(4096, 65536),
    header_len=number(65536, MAX_HEADER),
    total_len=NUM,
    chunks=record(count=number(1, 1000000), raw_len=NUM, sha256=HEX),
    members=array(record(name=text(r'[A-Za-z0-9._+@/-]+', 100), size=number(0, 8 * GIB - 1), x=number(1, 1), sha256=HEX,
                         optional=('x', 'sha256')), 2, 100000, distinct=lambda m: m['name'].lower()),
    layers=array(record(diff_id=DIGEST, size=number(0, 1024 * GIB),
                        blobs=array(record(digest=DIGEST, media_type=text(r'[ !#-\[\]-~]+', 255), size=number(0, 256 * GIB)), 1, 64),
                        optional=('size',)),
                 0, 100000, distinct=lambda layer: layer['diff_id']),
    base=record(release_sha256=HEX, version=text(SEMVER, 128),
                layers=array(record(diff_id=DIGEST, size=number(0, 1024 * GIB)), 1, 100000, distinct=lambda layer: layer['diff_id']),
                optional=('release_sha256', 'version')),
    builder=record(program=text(r'[ !#-\[\]-~]+', 64), version=text(r'[ !#-\[\]-~]+', 128)))


def strict_json(data, what):
    def number_of(digits):
        need(re.fullmatch('0|[1-9][0-9]{0,15}', digits) and int(digits) < 2**53, 'FORMAT', '%s: number %.20s' % (what, digits))
        return int(digits)

    def no_number(digits):
        raise Refused('FORMAT', '%s: number %.20s' % (what, digits))

    def no_repeats(pairs):
        need(len(dict(pairs)) == len(pairs), 'FORMAT', '%s: a key occurs twice' % what)
        return dict(pairs)
    try:
        return json.loads(data.decode(), parse_int=number_of, parse_float=no_number, parse_constant=no_number,
                          object_pairs_hook=no_repeats)
    except (ValueError, RecursionError) as why:
        raise Refused('FORMAT', '%s: %s' % (what, why)) from None


def parse_manifest(data):
    odd = re.search(rb'[^\n\x20-\x5b\x5d-\x7e]', data)
    need(not odd, 'FORMAT', 'bundle.json: byte %d' % (odd.start() if odd else 0))
    need(data.endswith(b'\n'), 'FORMAT', 'bundle.json: no final newline')
    m = strict_json(data, 'bundle.json')
    MANIFEST(m, 'bundle.json')
    is_exact = m['layers_mode'] == 'exact'
    need('average' not in m if is_exact else m.get('average') in (4096, 8192, 16384, 32768, 65536), 'FORMAT', 'bundle.json: average')
    need(all(('size' in layer) != is_exact for layer in m['layers']), 'FORMAT', 'bundle.json: size of layers')
    need(m['header_len'] % 65536 == 0 and m['header_len'] < m['total_len'], 'FORMAT', 'bundle.json: header_len, total_len')
    check_members(m['members'], is_exact)
    if is_exact:
        need('base' not in m, 'FORMAT', 'bundle.json: base in an exact bundle')
        check_blobs(m)
    need(m['release']['sha256'] == m['members'][0]['sha256'], 'FORMAT', 'bundle.json: release.sha256 is not that of release.json')
    check_base(m)
    raw = sum(512 + round_up(entry['size'], 512) for entry in m['members']) + 1024
    need(raw == m['chunks']['raw_len'], 'FORMAT', 'bundle.json: raw_len is %d, members make %d' % (m['chunks']['raw_len'], raw))
    return m


def check_base(m):
    """A delta: another release, and one size for a layer that is in both."""
    base = m.get('base', {})
    need(('release_sha256' in base) == ('version' in base), 'FORMAT', 'bundle.json: base: release_sha256 and version')
    need(base.get('release_sha256') != m['release']['sha256'], 'FORMAT', 'bundle.json: base is this release itself')
    sizes = {layer['diff_id']: layer.get('size') for layer in m['layers']}
    for layer in base.get('layers', []):
        need(sizes.get(layer['diff_id'], layer['size']) == layer['size'], 'FORMAT', 'bundle.json: base layer %s has two sizes' % layer['diff_id'])


def check_members(members, is_exact):
    """Names, sizes and places of members (2)."""
    last = ('oci-layout', 'index.json', 'manifest.json') if is_exact else ('layers.bin',)
    sizes = {'release.json': (1, 16 * MIB), 'layers.bin': (12, 256 * MIB), 'oci-layout': (1, 1024), 'index.json': (1, 16 * MIB), 'manifest.json': (1, 16 * MIB)}
    folders, n_data = ('app', 'images', 'docs', 'bin', 'reports', 'blobs' if is_exact else 'data'), 0
    for i, m in enumerate(members):
        name, parts, is_data = m['name'], m['name'].split('/'), m['name'].startswith('data/')
        need(len(parts) <= 8 and not {'', '.', '..'} & set(parts), 'FORMAT', 'member %d: illegal name %s' % (i, name))
        need(name in ('release.json', *last) or (len(parts) > 1 and parts[0] in folders), 'FORMAT', 'member %d: name %s is not allowed' % (i, name))
        need((name == 'release.json') == (i == 0), 'FORMAT', 'member %d: expected release.json first' % i)
        place = i - len(members) + len(last)
        need(name == last[place] if place >= 0 else name not in last, 'FORMAT', 'member %d: expected %s last' % (i, ', '.join(last)))
        need(is_data != ('sha256' in m), 'FORMAT', 'member %d: sha256 of %s' % (i, name))
        least, most = (1, 4 * GIB) if is_data else sizes.get(name, (0, 8 * GIB))
        need(least <= m['size'] <= most, 'FORMAT', 'member %d: size of %s' % (i, name))
        if is_data:
            need(name == 'data/%05d.bin' % n_data, 'FORMAT', 'member %d: expected data/%05d.bin' % (i, n_data))
            n_data += 1
        if parts[0] == 'blobs':
            need(name == blob_path(m['sha256']) and 'x' not in m, 'FORMAT', 'member %d: %s is not the name of this blob' % (i, name))


def check_release(data, m):
    need(data.startswith(b'{"archon_release":1,'), 'FORMAT', 'release.json: not this kind of document')
    release = strict_json(data, 'release.json')
    for key in ('name', 'version'):
        need(release.get(key) == m['release'][key], 'FORMAT', 'release.json: %s is not that of bundle.json' % key)
    check_contents(release, m)
    return release


def check_contents(release, m):
    """What release.json names is in the bundle."""
    documents = {'sha256:' + x['sha256'] for x in m['members'] if x['name'].startswith('images/')}
    layers = {x['diff_id'] for x in m['layers']}
    files = {(x['name'], x['size'], x.get('sha256'), bool(x.get('x'))) for x in m['members']}
    for image in release.get('images', []):
        named = [image[k] for k in ('index',) if k in image] + [p[k] for p in image['platforms'] for k in ('manifest', 'config')]
        need(documents.issuperset(named), 'FORMAT', 'release.json: a document of %s is not in the bundle' % image['reference'])
        need(layers.issuperset(d for p in image['platforms'] for d in p['diff_ids']), 'FORMAT', 'release.json: a layer of %s is not in the bundle' % image['reference'])
    for f in release.get('files', []):
        need(('app/' + f['path'], f['size'], f['sha256'], bool(f.get('x'))) in files, 'FORMAT', 'release.json: app/%s is not in the bundle' % f['path'])
