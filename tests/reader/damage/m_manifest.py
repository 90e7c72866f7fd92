"""Row M: the manifest."""
import json

from bundle.base import MIB
from bundle.writer import build

from .changes import at_index, edit, replace


def text(make):
    def doc(old, new):
        return make(document=replace(old, new))
    for label, old in (('top', b'"created":'), ('release', b'"name":"golden",'), ('chunks', b'"count":'), ('member', b'"size":54,'),
                       ('layer', b'"size":1024,'), ('blob', b'"media_type":"application/vnd.oci.image.layer.v1.tar",'), ('builder', b'"program":')):
        again = old if old.endswith(b',') else old + {b'"created":': b'"2026-11-21T20:00:00Z",', b'"count":': b'1,', b'"program":': b'"x",'}[old]
        yield 'M01-twice-' + label, 'FORMAT', 'a key twice', doc(old, again + old)
    yield 'M02-key-case', 'FORMAT', 'Created', doc(b'"created"', b'"Created"')
    yield 'M02-key-escape', 'FORMAT', 'an escape in a key', doc(b'"created"', b'"cre\\u0061ted"')
    yield 'M02-key-nul', 'FORMAT', 'an escaped NUL after a key', doc(b'"created"', b'"created\\u0000"')
    yield 'M02-value-escape', 'FORMAT', 'an escape in a value', doc(b'"linux/amd64"', b'"linux\\/amd64"')
    for label, change in (('bom', lambda d: b'\xef\xbb\xbf' + d), ('crlf', lambda d: d.replace(b'\n', b'\r\n')), ('tab', replace(b',"created"', b',\t"created"')),
                          ('control', replace(b'golden', b'gold\x01n')), ('del', replace(b'"program":"make', b'"program":"\x7fake')),
                          ('nul-after', lambda d: d + b'\0'), ('latin1', replace(b'"program":"make', b'"program":"m\xe4ke')),
                          ('utf8', replace(b'"program":"make', b'"program":"m\xc3\xa4ke')), ('newline-in-text', replace(b'"program":"make', b'"program":"ma\nke')),
                          ('no-final-newline', lambda d: d[:-1]), ('final-space', lambda d: d + b' '), ('two-documents', lambda d: d + d),
                          ('trailing-comma', replace(b'"version":"1"}}', b'"version":"1",}}')), ('comment', replace(b',"created"', b',/* */"created"')),
                          ('single-quotes', replace(b'"created"', b"'created'")), ('truncated', lambda d: d[:-3] + b'\n'), ('array', lambda d: b'[' + d[:-1] + b']\n')):
        yield 'M04-' + label, 'FORMAT', 'not strict JSON', make(document=change)
    average = b'"average":4096'
    for label, number in (('negative', b'-1'), ('minus-zero', b'-0'), ('fraction', b'4096.0'), ('exponent', b'4096e0'), ('exponent-2', b'4E3'),
                          ('leading-zero', b'04096'), ('plus', b'+4096'), ('hex', b'0x1000'), ('2^53', b'9007199254740992'), ('2^64', b'18446744073709551616'),
                          ('2^64+4096', b'18446744073709555712'), ('1e400', b'1e400'), ('64-digits', b'4' * 64), ('nan', b'NaN'), ('infinity', b'Infinity'),
                          ('text', b'"4096"'), ('null', b'null'), ('true', b'true'), ('bare', b''), ('not-a-power', b'5000'), ('2048', b'2048'), ('131072', b'131072')):
        yield 'M05-number-' + label, 'FORMAT', number.decode()[:20], doc(average, b'"average":' + number)
    for label, nest in (('17', b'[' * 15 + b']' * 15), ('1001', b'[' * 1000 + b']' * 1000), ('10000', b'[' * 10000 + b']' * 10000),
                        ('unclosed', b'[' * 20000)):
        yield 'M06-depth-' + label, 'FORMAT', 'nesting', doc(b'"linux/amd64"', nest)
    for label, start in (('0', b'{"archon_bundle":0,'), ('2', b'{"archon_bundle":2,'), ('10', b'{"archon_bundle":10,'), ('1.0', b'{"archon_bundle":1.0,'),
                        ('text', b'{"archon_bundle":"1",'), ('missing', b'{'), ('space', b'{ "archon_bundle":1,'), ('space-after', b'{"archon_bundle":1 ,')):
        yield 'M09-version-' + label, 'FORMAT', start.decode(), doc(b'{"archon_bundle":1,', start)
    yield 'M09-version-not-first', 'FORMAT', 'archon_bundle is the last key', make(
        document=lambda d: b'{' + d[len(b'{"archon_bundle":1,'):-2] + b',"archon_bundle":1}\n')
    yield 'M04-white-space', 'OK', 'spaces and line ends after the 19th byte', make(
        document=lambda d: d[:19] + b' \n  ' + d[19:].replace(b':[', b' : [ \n').replace(b'}\n', b' }\n'))


def sizes(make):
    wide = {**make.spec, 'header_len': 327680}
    huge = {**make.spec, 'header_len': 4456448}
    signers = [make.key]

    def padded(to):
        return lambda d: d[:-1] + b' ' * (to - len(d)) + b'\n'
    yield 'M10-two-blocks', 'OK', 'a manifest of 200000 bytes: two stored blocks', build(wide, signers, document=padded(200000))
    yield 'M10-whole-blocks', 'OK', 'content of the header exactly two blocks', build(
        wide, signers, document=padded(2 * 131072 - 512 - len(make.header) + make.header.index(b'chunks.bin')))
    yield 'M10-4MiB', 'OK', 'a manifest of 4 MiB', build(huge, signers, document=padded(4 * MIB))
    yield 'M06-depth-1000000', 'FORMAT', 'nesting', build(huge, signers, document=replace(b'"linux/amd64"', b'[' * 1000000 + b']' * 1000000))
    yield 'M15-many-values', 'FORMAT', 'an array of two million numbers', build(huge, signers, document=replace(b'"linux/amd64"', b'1,' * 2000000 + b'1'))
    yield 'M10-4MiB+1', 'FORMAT', 'a manifest of 4 MiB + 1', build(huge, signers, document=padded(4 * MIB + 1))


def paths(value, at=()):
    """Every key of a document, as a path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield at + (key,)
            yield from paths(inner, at + (key,))
    elif isinstance(value, list) and value:
        yield from paths(value[0], at + (0,))


def keys(make):
    manifest = make.manifest
    for path in paths(manifest):
        label = '.'.join(map(str, path))
        value = manifest
        for step in path:
            value = value[step]
        if path != ('archon_bundle',):
            if path[-1] != 'x':
                yield 'M07-missing-' + label, 'FORMAT', 'key is missing', make(manifest=edit(*path, None))
            yield 'M07-type-' + label, 'FORMAT', 'value of another type', make(manifest=edit(*path, 7 if isinstance(value, str) else 'x'))
            yield 'M07-object-' + label, 'FORMAT', 'an object instead', make(manifest=edit(*path, [] if isinstance(value, dict) else {}))
    for path in ((), ('release',), ('chunks',), ('members', 0), ('layers', 0), ('layers', 0, 'blobs', 0), ('builder',)):
        yield 'M07-unknown-%s' % '.'.join(map(str, path or ('top',))), 'FORMAT', 'unknown key', make(manifest=edit(*path, 'extra', 1))
    yield 'M07-x-zero', 'FORMAT', 'x is 0', make(manifest=edit('members', 1, 'x', 0))
    yield 'M07-x-true', 'FORMAT', 'x is true', make(manifest=edit('members', 4, 'x', True))
    yield 'M07-sha256-of-data', 'FORMAT', 'a data member with sha256', make(manifest=edit('members', make.data, 'sha256', '0' * 64))
    yield 'M07-x-of-tar', 'FORMAT', 'x in members, 0644 in the tar', make(manifest=edit('members', 1, 'x', 1))
    yield 'M07-key-order', 'OK', 'readers do not insist on the order of keys', make(
        manifest=lambda m: {'archon_bundle': 1, **dict(reversed(list(m.items())[1:]))})


def values(make):
    good = '0123456789abcdef' * 4
    for label, value in (('upper', good.upper()), ('63', good[:63]), ('65', good + '0'), ('prefix', 'sha256:' + good[:57]), ('empty', '')):
        yield 'M11-hex-' + label, 'FORMAT', 'release.sha256', make(manifest=edit('release', 'sha256', value))
        yield 'M11-member-' + label, 'FORMAT', 'members[2].sha256', make(manifest=edit('members', 2, 'sha256', value))
        yield 'M11-table-' + label, 'FORMAT', 'chunks.sha256', make(manifest=edit('chunks', 'sha256', value))
    for label, value in (('upper', 'sha256:' + good.upper()), ('63', 'sha256:' + good[:63]), ('65', 'sha256:' + good + '0'), ('sha1', 'sha1:' + good[:40]),
                         ('md5', 'md5:' + good[:32]), ('path', 'sha256:../../' + good[:58]), ('bare', good), ('algorithm-upper', 'SHA256:' + good),
                         ('sha512', 'sha512:' + good * 2)):
        yield 'M11-diff-id-' + label, 'FORMAT', 'layers[0].diff_id', make(manifest=edit('layers', 0, 'diff_id', value))
        yield 'M11-blob-' + label, 'FORMAT', 'layers[0].blobs[0].digest', make(manifest=edit('layers', 0, 'blobs', 0, 'digest', value))
    for label, value in (('30-february', '2026-02-30T00:00:00Z'), ('29-february', '2025-02-29T00:00:00Z'), ('offset', '2026-11-21T20:00:00+01:00'),
                         ('24h', '2026-11-21T24:00:00Z'), ('leap-second', '2026-12-31T23:59:60Z'), ('1969', '1969-12-31T23:59:59Z'),
                         ('year-10000', '10000-01-01T00:00:00Z'), ('no-zone', '2026-11-21T20:00:00'), ('space', '2026-11-21 20:00:00Z'),
                         ('fraction', '2026-11-21T20:00:00.5Z'), ('month-13', '2026-13-01T00:00:00Z'), ('lower-case', '2026-11-21t20:00:00z')):
        yield 'M12-date-' + label, 'FORMAT', value, make(manifest=edit('created', value))
    for label, value in (('leap-day', '2024-02-29T23:59:59Z'), ('1970', '1970-01-01T00:00:00Z'), ('9999', '9999-12-31T23:59:59Z')):
        yield 'M12-good-date-' + label, 'OK', value, make(manifest=edit('created', value))
    for label, path, value in (
            ('release-digest', ('release', 'sha256'), good), ('name-upper', ('release', 'name'), 'Golden'), ('name-empty', ('release', 'name'), ''),
            ('name-64', ('release', 'name'), 'g' * 64), ('name-dash', ('release', 'name'), '-golden'), ('version-two', ('release', 'version'), '1.0'),
            ('version-zero', ('release', 'version'), '1.01.0'), ('version-v', ('release', 'version'), 'v1.0.0'), ('version-pre', ('release', 'version'), '1.0.0-01'),
            ('version-129', ('release', 'version'), '1.0.0-' + 'a' * 123), ('platforms-none', ('platforms',), []), ('platform-twice', ('platforms',), ['linux/amd64'] * 2),
            ('platform-part', ('platforms',), ['linux']), ('platform-four', ('platforms',), ['linux/arm/v7/x']), ('mode', ('layers_mode',), 'fast'),
            ('mode-exact', ('layers_mode',), 'exact'), ('header-len', ('header_len',), 65535), ('header-len-zero', ('header_len',), 0),
            ('raw-len', ('chunks', 'raw_len'), 1024), ('count-zero', ('chunks', 'count'), 0), ('count-over', ('chunks', 'count'), 1000001),
            ('layer-1TiB', ('layers', 0, 'size'), (1 << 40) + 1), ('no-blobs', ('layers', 0, 'blobs'), []), ('media-type-empty', ('layers', 0, 'blobs', 0, 'media_type'), ''),
            ('media-type-256', ('layers', 0, 'blobs', 0, 'media_type'), 'a' * 256), ('blob-size', ('layers', 0, 'blobs', 0, 'size'), (1 << 38) + 1),
            ('builder-empty', ('builder', 'program'), ''), ('total-len', ('total_len',), 65536), ('members-one', ('members',), [])):
        yield 'M13-' + label, 'FORMAT', '%s' % '.'.join(map(str, path)), make(manifest=edit(*path, value))
    yield 'M13-layer-twice', 'FORMAT', 'a diff_id twice', make(manifest=lambda m: edit('layers', 1, 'diff_id', m['layers'][0]['diff_id'])(m))
    yield 'M13-base-empty', 'FORMAT', 'base without layers', make(manifest=edit('base', {'release_sha256': good, 'version': '0.9.0', 'layers': []}))
    yield 'M13-base-twice', 'FORMAT', 'a base layer twice', make(manifest=edit('base', {'release_sha256': good, 'version': '0.9.0', 'layers': [{'diff_id': 'sha256:' + good, 'size': 1}] * 2}))
    yield 'M13-base-key', 'FORMAT', 'base with another key', make(manifest=edit('base', {'release_sha256': good, 'version': '0.9.0', 'layers': [{'diff_id': 'sha256:' + good, 'size': 1}], 'x': 1}))
    for label, change in (('name', (b'"name":"golden"', b'"name":"silver"')), ('version', (b'1.0.0', b'1.0.1')), ('not-json', (b'"images":[', b'"images":[[')),
                          ('kind', (b'archon_release', b'archon_receipt')), ('twice', (b'"version"', b'"name":"golden","version"'))):
        yield 'M13-release-' + label, 'FORMAT', 'release.json', make(
            members=at_index(0, lambda m, c=change: [m[0], replace(*c)(m[1]), m[2]]))


def contents(make):
    """What release.json names and the bundle does not have."""
    release = json.loads(make.spec['members'][0][1])
    image = release['images'][1]['platforms'][0]
    nothing = '0' * 64

    def says(old, new):
        return make(members=at_index(0, lambda m: [m[0], replace(old.encode(), new.encode())(m[1]), m[2]]))
    for what, digest in (('manifest', image['manifest']), ('config', image['config']), ('layer', image['diff_ids'][1])):
        yield 'M18-no-' + what, 'FORMAT', 'release.json names a %s that is not there' % what, says(digest, 'sha256:' + nothing)
    yield 'M18-no-index', 'FORMAT', 'release.json names an index that is not there', says('"platforms":[', '"index":"sha256:%s","platforms":[' % nothing)
    yield 'M18-document-elsewhere', 'FORMAT', 'a configuration that is only a file', says(image['config'], 'sha256:' + release['files'][0]['sha256'])
    for what, old, new in (('digest', release['files'][0]['sha256'], nothing), ('size', '"size":%d,' % release['files'][0]['size'], '"size":7,'),
                           ('name', '"path":"compose.yaml"', '"path":"another.yaml"')):
        yield 'M18-file-' + what, 'FORMAT', 'a file of release.json that is not there like that', says(old, new)


def cases(make):
    for group in (text, sizes, keys, values, contents):
        yield from group(make)
