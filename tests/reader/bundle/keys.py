"""Public keys and the verdict over signatures (docs/FORMAT.md, 5), with the program openssl."""
import base64
import os
import re
import subprocess
import tempfile

from .base import KIB, Refused, need, sha256


P25519 = 2**255 - 19
SMALL_ORDER_Y = {0, 1, P25519 - 1,
                 int.from_bytes(bytes.fromhex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'), 'little'),
                 int.from_bytes(bytes.fromhex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'), 'little')}
KEY_FORMS = [('ed25519', '302a300506032b6570032100', 32),
             ('sha256', '3059301306072a8648ce3d020106082a8648ce3d03010703420004', 64),
             ('sha384', '3076301006072a8648ce3d020106052b8104002203620004', 96)]


def read_key(path):
    """Returns (kind, DER) of a public key file."""
    with open(path, 'rb') as f:
        text = f.read(16 * KIB + 1)
    pem = re.fullmatch(rb'\s*-----BEGIN PUBLIC KEY-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END PUBLIC KEY-----\s*', text)
    need(pem, 'CONFIG', '%s: not one PEM block PUBLIC KEY' % path)
    try:
        der = base64.b64decode(re.sub(rb'[\r\n]', b'', pem[1]), validate=True)
    except ValueError:
        raise Refused('CONFIG', '%s: not base64' % path) from None
    for kind, prefix, size in KEY_FORMS:
        prefix = bytes.fromhex(prefix)
        if der.startswith(prefix) and len(der) == len(prefix) + size:
            y = int.from_bytes(der[-32:], 'little') & (2**255 - 1)
            need(kind != 'ed25519' or y % P25519 not in SMALL_ORDER_Y, 'CONFIG', '%s: point of small order' % path)
            return kind, der
    raise Refused('CONFIG', '%s: neither Ed25519 nor ECDSA P-256 or P-384' % path)


def verifies(key, document, signature):
    kind, der = key
    with tempfile.TemporaryDirectory() as d:
        pem = b'-----BEGIN PUBLIC KEY-----\n%s-----END PUBLIC KEY-----\n' % base64.encodebytes(der)
        for name, data in (('key', pem), ('doc', document), ('sig', signature)):
            with open(os.path.join(d, name), 'wb') as f:
                f.write(data)
        command = (['openssl', 'pkeyutl', '-verify', '-pubin', '-inkey', 'key', '-rawin', '-in', 'doc', '-sigfile', 'sig']
                   if kind == 'ed25519' else ['openssl', 'dgst', '-' + kind, '-verify', 'key', '-signature', 'sig', 'doc'])
        return subprocess.run(command, cwd=d, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def check_kind(document):
    """A signature of one kind of document is worth nothing on another: the first bytes are compared before all else."""
    need(not re.match(rb'\{"archon_(trust|receipt)":1,', document), 'TRUST', 'bundle.json is a document of another kind')
    need(re.match(rb'\{"archon_bundle":[0-9]', document), 'FORMAT', 'bundle.json: not this kind of document')
    need(document.startswith(b'{"archon_bundle":1,'), 'FORMAT', 'bundle.json: this version is not supported')


def check_trust(document, signatures, keys):
    """Returns the ids of the keys that verified; there is at least one. The name of a signature says which key to try; one that names no
    trusted key may still be of one."""
    ids, good, unknown = {sha256(der): (kind, der) for kind, der in keys}, [], []
    need(signatures, 'TRUST', 'bundle is not signed')
    for name, signature in signatures.items():
        if name.endswith('.p7s'):
            continue
        hint = name[len('signatures/'):-len('.sig')]
        named = [i for i in ids if i.startswith(hint)]
        verified = [i for i in named or ids if verifies(ids[i], document, signature)]
        need(verified or not named, 'TRUST', '%s does not verify' % name)
        good += verified
        unknown += [] if verified else [hint]
    need(good, 'TRUST', 'signed by no trusted key (unknown: %s)' % ', '.join(unknown))
    return good
