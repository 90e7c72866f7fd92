#!/usr/bin/env python3
"""r_hostile_registry.py FOLDER PROGRAM PART/PARTS [ROW...]: what a registry may answer and must not get away with.

Each case has the number of its row in the matrix of hostile inputs: R is what registries do, I is what images say. How a scene is told, and
what every one of them proves besides, is in tests/support/scene.py. Rows that are not here are in unit tests, which can wait for less time or
look closer: slow answers (http, blobs), Retry-After of a thousand million seconds (retry), GOAWAY (http)."""
import base64
import gzip
import json
import os
import random
import ssl
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', 'support'))
from played_registry import (DOCKER_CONFIG, DOCKER_LAYER, DOCKER_LIST, DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Basic, Bearer, Image, Layer,  # noqa: E402
                             digest, document, index, tar)
from scene import AUTH, CONFIG, INTEGRITY, IO, LOCKED, NET, OK, REGISTRY, TOKEN, USAGE, Table, run_table  # noqa: E402
from servers import Answer, redirect  # noqa: E402

table = Table()
case, each = table.case, table.each
OTHER_BLOB = 'https://other.test/blob'


# R01-R04: where tokens are asked for


@case('R01', 'a realm on another host', AUTH, r'token server https://other\.test')
def realm_elsewhere(s):
    s.needs_token('https://other.test/token')
    s.after(lambda: s.not_reached(s.other.address))


@case('R01', 'a realm on another host that only begins like ours', AUTH, 'token server')
def realm_like_ours(s):
    s.needs_token('https://registry.test.other.test/token')
    s.after(lambda: s.must(len(s.asked(s.registry)) <= 2, 'asked on'))


@case('R01', 'a realm on our own host works', OK)
def realm_here(s):
    s.needs_token()
    s.after(lambda: s.was_asked(s.registry, '/token'))


@each('R02', 'a realm', AUTH, 'realm|token server|WWW-Authenticate', {
    'plain http': 'http://registry.test/token', 'a file': 'file:///etc/passwd', 'ftp': 'ftp://registry.test/', 'gopher': 'gopher://registry.test/_x',
    'a user in it': 'https://u:p@registry.test/token', 'a user that looks like our host': 'https://registry.test@other.test/token',
    'port 0': 'https://registry.test:0/token', 'port 65536': 'https://registry.test:65536/token', 'no scheme': '/token', 'no host': 'https:///token', 'empty': '',
    'a space': 'https://registry.test/to ken', 'a backslash before another host': 'https://other.test\\\\@registry.test/token', 'a control byte': 'https://registry.test/\x01token',
    'long': 'https://registry.test/' + 'a' * 9000, 'javascript': 'javascript:alert(1)'})
def realm_of_another_kind(s, realm):
    s.needs_token(realm)
    s.after(lambda: s.must(not s.asked(s.registry, 'token'), 'a token was asked for'))
    s.after(lambda: s.not_reached(s.other.address))


@each('R02', 'a challenge', AUTH, 'realm|WWW-Authenticate', {
    'without a realm': 'Bearer service="x"', 'with two realms': 'Bearer realm="https://registry.test/token",realm="https://other.test/token"', 'without an end of its quotes': 'Bearer realm="https://registry.test/token',
    'with a control byte in the service': 'Bearer realm="https://registry.test/token",service="x\x02"'})
def challenge_of_another_kind(s, challenge):
    s.registry.auth = Told(challenge)
    s.after(lambda: s.must(not s.asked(s.registry, '/token'), 'a token was asked for'))


class Told:
    """A registry that always wants this."""
    def __init__(self, *challenges):
        self.challenges = challenges

    def refusal(self, _request):
        return Answer(401, [('WWW-Authenticate', c) for c in self.challenges])


@each('R02', 'line ends written in the', OK, '', {'service': {'service': 'x%0d%0aX-Evil: 1'}, 'scope': {'extra': ',scope2="x%0d%0aX-Evil: 1"', 'scope': 'app:pull%0d%0aX-Evil'}})
def line_ends(s, how):
    s.needs_token(**how)
    s.after(lambda: s.must(all(r.get('x-evil') is None for r in s.net.seen), 'a header was smuggled in'))
    s.after(lambda: s.must(all('%250d' in r.path for r in s.asked(s.registry, '/token')), 'not written as it came'))


@each('R03', 'a realm', AUTH, 'realm|token server', {
    'link-local': 'http://169.254.169.254/latest/meta-data', 'link-local over https': 'https://169.254.169.254/token', 'loopback': 'https://127.0.0.1/token', 'IPv6 loopback': 'https://[::1]/token',
    'plain loopback': 'http://127.0.0.1/token', 'localhost': 'http://localhost/token', 'everywhere': 'https://0.0.0.0/token', 'decimal': 'https://2130706433/token', 'octal': 'https://0177.0.0.1/token',
    'short': 'https://127.1/token', 'hexadecimal': 'https://0x7f000001/token', 'mapped': 'https://[::ffff:127.0.0.1]/token', 'the registry as a number': 'https://3221225985/token'})
def realm_inside(s, realm):
    s.needs_token(realm)
    s.after(lambda: s.not_reached('169.254.169.254', '127.0.0.1', '::1', '::ffff:127.0.0.1', '127.0.0.2'))
    s.after(lambda: s.must(not s.asked(s.registry, 'token'), 'a token was asked for'))


@each('R04', 'the token server redirects', AUTH, 'redirect', {
    'to another host': redirect('https://other.test/token'), 'to plain http': redirect('http://registry.test/token'), 'as 301': redirect('https://other.test/token', 301),
    'on its own host': redirect('https://registry.test/token2', 302), 'to nowhere': Answer(302)})
def token_redirect(s, answer):
    s.needs_token()
    s.answer('/token', answer)
    s.answer('/token2', s.gives_token)
    s.after(lambda: s.must(not s.asked(s.other) and not s.asked(s.registry, '/token2') and not [r for r in s.net.seen if r.port == 80], 'the redirect was followed'))


@each('R04', 'the token server answers', AUTH, 'token', {
    'nothing': Answer(200, [], b''), 'no JSON': Answer(200, [], b'<html>log in</html>'), 'no token': Answer(200, [], b'{}'), 'an empty token': Answer(200, [], b'{"token":""}'),
    'a number': Answer(200, [], b'{"token":7}'), 'two tokens': Answer(200, [], b'{"token":"a","token":"b"}'), 'a token with a line end': Answer(200, [], b'{"token":"a\\r\\nX-Evil: 1"}'),
    'a token of 100 KiB': Answer(200, [], document({'token': 'a' * 102400})), '400': Answer(400), '403': Answer(403), '404': Answer(404)})
def token_rubbish(s, answer):
    s.needs_token()
    s.answer('/token', answer)
    s.after(lambda: s.must(all(r.get('x-evil') is None for r in s.net.seen), 'a header was smuggled in'))


@case('R04', 'the token server never ends', NET, 'longer than')
def token_endless(s):
    s.needs_token()
    s.answer('/token', lambda r: Answer(200, [], stream=endless(b'{"token":"' + b'a' * 65536)))


def endless(piece):
    while True:
        yield piece


# R05, R06: redirects


@each('R05', 'a blob', OK, '', {'on another host': OTHER_BLOB, 'on another port of the same host': 'https://registry.test:8443/blob'})
def blob_elsewhere(s, location):
    s.needs_password()
    s.answer(s.blob(0), redirect(location))
    blob = Answer(200, [], s.image.layers[0].blob)
    s.other.answers['/blob'] = blob
    s.net.at[s.registry.address, 8443] = lambda r: blob
    s.after(lambda: s.must([r for r in s.net.seen if r.path == '/blob'], 'the redirect was not followed'))


@case('R05', 'a blob on another host, with a token', OK)
def blob_elsewhere_token(s):
    s.needs_token()
    s.registry.answers[s.blob(0)] = lambda r: redirect(OTHER_BLOB) if r.get('authorization') else None
    s.other.answers['/blob'] = Answer(200, [], s.image.layers[0].blob)
    s.after(lambda: s.was_asked(s.other, '/blob'))


@case('R05', 'a config on another host', OK)
def config_elsewhere(s):
    s.needs_password()
    s.answer(s.blob(-1), redirect(OTHER_BLOB))
    s.other.answers['/blob'] = Answer(200, [], s.image.config_blob())
    s.after(lambda: s.was_asked(s.other, '/blob'))


@case('R05', 'a manifest on another host', OK)
def manifest_elsewhere(s):
    s.needs_password()
    s.answer(s.manifest, redirect('https://other.test/m'))
    s.other.answers['/m'] = lambda r: Answer(200, [('Content-Type', OCI_MANIFEST)], s.image.manifest())


@each('R05', 'a blob', NET, 'redirect', {'over plain http': 'http://other.test/blob', 'over plain http on the same host': 'http://registry.test/blob', 'by ftp': 'ftp://other.test/blob', 'in a file': 'file:///etc/passwd',
                                         'by dict': 'dict://other.test:11211/stats', 'with a user in the address': 'https://u:p@other.test/blob'})
def blob_downgrade(s, location):
    s.needs_password()
    s.answer(s.blob(0), redirect(location))
    s.after(lambda: s.not_reached(s.other.address))
    s.after(lambda: s.must(not [r for r in s.net.seen if r.port == 80], 'plain http was spoken'))


@case('R05', 'the place of a blob asks for our password', AUTH, 'after a redirect')
def blob_elsewhere_asks(s):
    s.needs_password()
    s.answer(s.blob(0), redirect(OTHER_BLOB))
    s.other.answers['/blob'] = Answer(401, [('WWW-Authenticate', 'Basic realm="played"')])


@case('R05', 'a cookie is not given back', OK)
def cookie(s):
    s.answer(s.manifest, lambda r: Answer(200, [('Content-Type', OCI_MANIFEST), ('Set-Cookie', 'id=1; Path=/')], s.image.manifest()))
    s.after(lambda: s.must(all(r.get('cookie') is None for r in s.net.seen), 'a cookie was given back'))


@case('R06', 'redirects in a circle', NET, 'redirects')
def redirect_circle(s):
    s.answer(s.blob(0), redirect(s.blob(0)))
    s.after(lambda: s.must(len(s.asked(s.registry, s.blob(0))) <= 6, 'more than six requests'))


def hops(s, n):
    for i in range(n - 1):
        s.other.answers['/hop%d' % i] = redirect('/hop%d' % (i + 1))
    s.other.answers['/hop%d' % (n - 1)] = Answer(200, [], s.image.layers[0].blob)
    s.answer(s.blob(0), redirect('https://other.test/hop0'))


@case('R06', 'five redirects', OK)
def redirects_five(s):
    hops(s, 5)


@case('R06', 'six redirects', NET, 'more than 5 redirects')
def redirects_six(s):
    hops(s, 6)


@each('R06', 'Location', NET, 'redirect|header', {'empty': [('Location', '')], 'missing': [], 'of 64 KiB': [('Location', 'https://other.test/' + 'a' * 65536)], 'of 9 KiB': [('Location', 'https://other.test/' + 'a' * 9000)],
                                                  'with a space': [('Location', 'https://other.test/a b')], 'of no host': [('Location', 'https://')]})
def location_bad(s, headers):
    s.answer(s.blob(0), Answer(307, headers))


@each('R06', 'Location', OK, '', {'relative to the root': '/elsewhere/blob', 'without a scheme': '//other.test/blob', 'with a fragment': 'https://other.test/blob#there'})
def location_good(s, location):
    s.needs_password()
    s.answer(s.blob(0), redirect(location))
    for server in (s.registry, s.other):
        for path in ('/elsewhere/blob', '/blob'):
            server.answers[path] = Answer(200, [], s.image.layers[0].blob)
    s.after(lambda: s.must(not [r for r in s.net.seen if '#' in r.path], 'the fragment was sent'))


# R07: logging in


@case('R07', 'a login that is never enough', AUTH, 'refused the login of builder')
def login_endless(s):
    s.registry.auth = Basic('builder', 'another')
    s.after(lambda: s.must(len(s.asked(s.registry, s.manifest)) <= 3, 'more than three attempts'))


@case('R07', 'a token that is never enough', AUTH, 'refused')
def token_never(s):
    s.needs_token(good=lambda token, request: False)
    s.after(lambda: s.must(len(s.asked(s.registry, s.manifest)) <= 3 and len(s.asked(s.registry, '/token')) <= 2, 'more than three attempts'))


@case('R07', 'a token that ends in the middle of the run is renewed', OK)
def token_renewed(s):
    given = []

    def give(_request):
        given.append(TOKEN + '-%d' % len(given))
        return Answer(200, [], document({'token': given[-1]}))

    s.needs_token(good=lambda token, request: token == given[-1] and (len(given) > 1 or '/manifests/' in request.path) if given else False)
    s.answer('/token', give)
    s.after(lambda: s.must(len(given) == 2, '%d tokens were asked for' % len(given)))


@case('R07', 'no login for a registry that wants one', AUTH, 'needs a login')
def login_missing(s):
    s.needs_password()
    s.authfile = None


@each('R07', 'challenges', AUTH, 'login|challenge|token server', {'of another kind': ['Negotiate', 'NTLM', 'Digest realm="x", nonce="y"'], 'of none': [],
                                                         'that change every time': ['Bearer realm="https://other.test/%d"' % i for i in range(3)],
                                                         'a hundred in one line': [', '.join('Bearer realm="https://other.test/%d"' % i for i in range(100))],
                                                         'ninety lines': ['Bearer realm="https://other.test/%d"' % i for i in range(90)]})
def challenges(s, values):
    s.registry.auth = Told(*values)
    s.after(lambda: s.not_reached(s.other.address))


@case('R07', 'several kinds in one line: the one we can', OK)
def challenges_several(s):
    s.needs_password()
    basic = s.registry.auth

    class Several:
        @staticmethod
        def refusal(request):
            answer = basic.refusal(request)
            return answer and Answer(401, [('WWW-Authenticate', 'Negotiate, Digest realm="a, b", nonce="Basic", Basic realm="x"')])
    s.registry.auth = Several()


@case('R07', 'access denied', AUTH, 'denied')
def denied(s):
    s.answer(s.manifest, Answer(403, [], document({'errors': [{'code': 'DENIED', 'message': 'not for \x1b[31mbuilders'}]})))
    s.after(lambda: s.must('\x1b' not in s.stderr, 'an escape sequence was printed'))


@case('R07', 'an answer that repeats our password', AUTH, 'denied')
def denied_repeats(s):
    s.needs_password()
    s.answer(s.manifest, lambda r: Answer(403, [], document({'errors': [{'code': 'DENIED', 'message': 'you sent ' + r.get('authorization')}]})) if r.get('authorization') else None)


# R08: layers from elsewhere


@each('R08', 'a layer', REGISTRY, 'foreign|distribut|urls', {
    'foreign': ('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', True), 'not for distribution': ('application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', True),
    'foreign without urls': ('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', False), 'usual with urls': (OCI_LAYER + '+gzip', True)})
def foreign(s, how):
    layer = s.image.layers[0]
    layer.changes = {'mediaType': how[0], **({'urls': [OTHER_BLOB]} if how[1] else {})}
    s.other.answers['/blob'] = Answer(200, [], layer.blob)
    s.after(lambda: s.not_reached(s.other.address))


# R09, R11: too much of everything


@each('R09', 'a manifest', REGISTRY, 'longer than the allowed', {'of 4 MiB and a byte': lambda: Answer(200, [('Content-Type', OCI_MANIFEST)], b' ' * (4194304 + 1)),
                                                              'of 4 MiB and a byte, length not told': lambda: Answer(200, [('Content-Type', OCI_MANIFEST)], b' ' * (4194304 + 1), length=None),
                                                              'without an end': lambda: Answer(200, [('Content-Type', OCI_MANIFEST)], stream=endless(b' ' * 65536))})
def manifest_large(s, answer):
    s.answer(s.manifest, lambda r: answer())


@case('R09', 'a manifest whose length is not told', OK)
def manifest_without_length(s):
    s.answer(s.manifest, lambda r: Answer(200, [('Content-Type', OCI_MANIFEST)], s.image.manifest(), length=None))


@case('R09', 'a blob whose length is not told', OK)
def blob_without_length(s):
    s.answer(s.blob(0), Answer(200, [], s.image.layers[0].blob, length=None))


@each('R09', 'a refusal without an end', REGISTRY, '', {'404': 404, '400': 400})
def error_endless(s, status):
    s.answer(s.manifest, lambda r: Answer(status, [], stream=endless(b'x' * 65536)))


@case('R09', 'a config that says it has 21 MiB', REGISTRY, 'config|size')
def config_large(s):
    s.image.config_changes = {'size': 21 << 20}


@each('R11', 'headers', NET, '', {
    '10 000': Answer(200, [('X-%d' % i, 'y') for i in range(10000)]), 'one of 1 MiB': Answer(200, [('X', 'y' * 1048576)]), 'without a colon': Answer(raw=b'HTTP/1.1 200 OK\r\nrubbish\r\nContent-Length: 0\r\n\r\n'),
    'with NUL': Answer(raw=b'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n'), 'of no HTTP': Answer(raw=b'SSH-2.0-OpenSSH_9\r\n'), 'none: HTTP/0.9': Answer(raw=b'{"schemaVersion":2}'),
    'a negative length': Answer(raw=b'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'),
    'a length of 10^30': Answer(raw=b'HTTP/1.1 200 OK\r\nContent-Length: 1' + b'0' * 30 + b'\r\n\r\nx'), 'a piece of rubbish length': Answer(raw=b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'),
    'a piece of 2^64': Answer(raw=b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\nx'), 'none at all': Answer(drop=True)})
def headers(s, answer):
    s.answer(s.manifest, answer)


@case('R11', 'informational answers without an end', NET, 'header|HTTP|response|answer')
def informational(s):
    s.answer(s.manifest, lambda r: Answer(before=b'HTTP/1.1 103 Early\r\nLink: <x>\r\n\r\n' * 300000))


@case('R11', 'an informational answer before the true one', OK)
def informational_one(s):
    s.answer(s.manifest, lambda r: Answer(200, [('Content-Type', OCI_MANIFEST)], s.image.manifest(), before=b'HTTP/1.1 103 Early\r\nLink: <x>\r\n\r\n'))


@case('R11', 'compression that nobody asked for', INTEGRITY, '')
def compressed(s):
    s.answer(s.blob(0), Answer(200, [('Content-Encoding', 'gzip')], gzip.compress(s.image.layers[0].blob)))
    s.after(lambda: s.must(all(r.get('accept-encoding') in (None, 'identity') for r in s.net.seen), 'compression was asked for'))


# R12, R13: lengths and digests


def longer(s):
    return s.image.layers[0].blob + b'x' * 100000


@each('R12', 'a blob', INTEGRITY, 'bytes|longer', {
    'longer, as told': lambda s: Answer(200, [], longer(s)), 'longer, not told': lambda s: Answer(200, [], longer(s), length=None),
    'without an end': lambda s: Answer(200, [], stream=endless(b'x' * 65536)), 'shorter, as told': lambda s: Answer(200, [], s.image.layers[0].blob[:-1]), 'empty': lambda s: Answer(200, [], b'')})
def blob_length(s, answer):
    path = s.blob(0)
    s.answer(path, lambda r: answer(s))


@each('R12', 'a blob', NET, '', {'shorter than told': lambda s: Answer(200, [], s.image.layers[0].blob, cut=20), 'cut off before its first byte': lambda s: Answer(200, [], s.image.layers[0].blob, cut=0)})
def blob_cut(s, answer):
    s.answer(s.blob(0), lambda r: answer(s))


@case('R12', 'a blob longer than its Content-Length', OK)
def blob_length_lies(s):
    blob = s.image.layers[0].blob
    s.answer(s.blob(0), Answer(200, [], blob + b'x' * 10, length=len(blob)))


@each('R12', 'a config', INTEGRITY, 'bytes|longer|size|digest|larger', {'longer': lambda c: c + b' ', 'shorter': lambda c: c[:-1]})
def config_length(s, change):
    s.answer(s.blob(-1), Answer(200, [], change(s.image.config_blob())))


@each('R12', 'a range', OK, '', {
    'that begins elsewhere': lambda b: Answer(206, [('Content-Range', 'bytes 7-%d/%d' % (len(b) - 1, len(b)))], b[7:]), 'without a place': lambda b: Answer(206, [], b[20:]),
    'refused': lambda b: Answer(416), 'answered with all': lambda b: Answer(200, [], b)})
def range_bad(s, answer):
    """The first answer breaks off; the second is to a request for the rest, the third to one for everything."""
    blob, path, n = s.image.layers[0].blob, s.blob(0), []

    def tell(_request):
        n.append(1)
        return Answer(200, [], blob, cut=20) if len(n) == 1 else answer(blob) if len(n) == 2 else None

    s.answer(path, tell)
    s.options = ['--retries', '3']


@case('R13', 'a manifest that is not of the digest, announced as if it were', INTEGRITY, 'digest')
def manifest_other(s):
    wanted = digest(s.image.manifest())
    s.reference = 'registry.test/app@' + wanted
    other = Image([Layer(tar({'other': b'x'}))])
    s.registry.publish(other, 'app')
    s.answer('/v2/app/manifests/' + wanted, Answer(200, [('Content-Type', OCI_MANIFEST), ('Docker-Content-Digest', wanted)], other.manifest()))


@case('R13', 'a manifest of a tag that is not what is announced', INTEGRITY, 'digest')
def manifest_announced(s):
    s.answer(s.manifest, Answer(200, [('Content-Type', OCI_MANIFEST), ('Docker-Content-Digest', 'sha256:' + '0' * 64)], s.image.manifest()))


@case('R13', 'a manifest below an index that is another one', INTEGRITY, 'digest|bytes')
def manifest_below_index(s):
    s.is_published = False
    s.registry.publish_index([s.image], 'app', '1')
    other = Image([Layer(tar({'other': b'x'}))])
    s.answer('/v2/app/manifests/' + digest(s.image.manifest()), Answer(200, [('Content-Type', OCI_MANIFEST)], other.manifest()))


# R15, R16: documents


@each('R15', 'a manifest', REGISTRY, 'type|manifest|document|schema|key|JSON', {
    'of another type than the answer says': (OCI_MANIFEST, DOCKER_MANIFEST), 'of schema 1': ('schema1', 'application/vnd.docker.distribution.manifest.v1+prettyjws'), 'of an unknown type': ('application/x-own', 'application/x-own'),
    'that says it is an index': (OCI_INDEX, OCI_INDEX), 'announced as a page': (OCI_MANIFEST, 'text/html')})
def manifest_type(s, types):
    body = {'mediaType': types[0]}
    if types[0] == 'schema1':
        body = {'mediaType': None, 'schemaVersion': 1, 'name': 'app', 'tag': '1', 'fsLayers': [], 'history': [], 'config': None, 'layers': None}
    s.image.manifest_changes, s.image.content_type = body, types[1]


@each('R15', 'a manifest', REGISTRY, 'type|manifest|document|key|JSON', {
    'that is a page': b'<html><body>log in</body></html>', 'empty': b'', 'that is a list': b'[]', 'that is null': b'null', 'both manifest and index': None,
    'with a key twice': b'{"schemaVersion":2,"schemaVersion":2}', 'with bytes that are no UTF-8': b'{"schemaVersion":2,"mediaType":"\xff\xfe"}', 'a million deep': b'[' * 1000000, 'with more behind it': document({'schemaVersion': 2}) + b'{}'})
def manifest_rubbish(s, body):
    if body is None:
        s.image.manifest_changes = {'manifests': []}
    else:
        s.image.manifest_bytes = body


@each('R15', 'a manifest', OK, '', {'without a type of its own': ({'mediaType': None}, None), 'whose answer has parameters': ({}, OCI_MANIFEST + '; charset=utf-8'), 'whose answer has no type': ({}, '')})
def manifest_type_good(s, how):
    s.image.manifest_changes, s.image.content_type = how


@case('R15', 'a schema 2 manifest', OK)
def manifest_docker(s):
    s.image.manifest_type, s.image.config_type = DOCKER_MANIFEST, DOCKER_CONFIG
    s.image.layers[0].media_type = DOCKER_LAYER


@case('R15', 'an artifact that is no image', REGISTRY, 'application/vnd.cncf.helm.config')
def artifact(s):
    s.image.config_type = 'application/vnd.cncf.helm.config.v1+json'


@case('R15', 'a layer of an unknown type', REGISTRY, 'application/x-own')
def layer_type(s):
    s.image.layers[0].media_type = 'application/x-own'


def arm():
    return Image([Layer(tar({'arm': b'x'}))], 'arm64', 'v8')


def indexed(s, entries, tag='1'):
    """An index of these entries; images of ours are there."""
    s.is_published = False
    for image in (s.image, arm()):
        s.registry.publish(image, 'app')
    data = index(entries)
    s.registry.put_document('app', data, OCI_INDEX, tag)
    return data


@case('R16', 'an index without our platform names those that it has', REGISTRY, r'linux/arm64.*|platform')
def index_no_match(s):
    indexed(s, [arm().descriptor()])
    s.after(lambda: s.must('linux/arm64' in s.stderr, 'the platforms that exist are not named'))


@case('R16', 'an index with our platform twice', REGISTRY, 'platform|twice|two|several')
def index_two(s):
    second = Image([Layer(tar({'other': b'x'}))])
    s.registry.publish(second, 'app')
    indexed(s, [s.image.descriptor(), second.descriptor()])


@case('R16', 'an index in an index', OK)
def index_nested(s):
    inner = indexed(s, [s.image.descriptor()], None)
    s.registry.put_document('app', index([{'mediaType': OCI_INDEX, 'digest': digest(inner), 'size': len(inner)}]), OCI_INDEX, '1')


@case('R16', 'indexes twenty deep', REGISTRY, 'nested')
def index_deep(s):
    data = indexed(s, [s.image.descriptor()], None)
    for depth in range(20):
        data = index([{'mediaType': OCI_INDEX, 'digest': digest(data), 'size': len(data)}])
        s.registry.put_document('app', data, OCI_INDEX, '1' if depth == 19 else None)
    s.after(lambda: s.must(len(s.asked(s.registry, '/manifests/')) <= 8, 'they were followed'))


@case('R16', 'an index of 10 000 entries', REGISTRY, 'entries|1000|many|manifests')
def index_long(s):
    indexed(s, [dict(s.image.descriptor(), platform={'os': 'os%d' % i, 'architecture': 'a'}) for i in range(10000)])


@case('R16', 'an index that is said to contain itself', INTEGRITY, 'digest|bytes')
def index_itself(s):
    s.is_published = False
    data = index([{'mediaType': OCI_INDEX, 'digest': 'sha256:' + '1' * 64, 'size': 7}])
    s.registry.put_document('app', data, OCI_INDEX, '1')
    s.answer('/v2/app/manifests/sha256:' + '1' * 64, Answer(200, [('Content-Type', OCI_INDEX)], data))


@case('R16', 'an index with attestations beside the image', OK)
def index_attested(s):
    statement = Layer(b'', b'{"_type":"https://in-toto.io/Statement/v0.1"}', 'application/vnd.in-toto+json')
    attestation = Image([statement], 'unknown')
    attestation.config = {'architecture': 'unknown', 'os': 'unknown', 'config': {}, 'rootfs': {'type': 'layers', 'diff_ids': [digest(statement.blob)]}}
    s.registry.publish(attestation, 'app')
    entry = dict(attestation.descriptor(), platform={'os': 'unknown', 'architecture': 'unknown'},
                 annotations={'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': digest(s.image.manifest())})
    indexed(s, [s.image.descriptor(), entry])


@case('R16', 'an empty index', REGISTRY, 'platform|empty|no ')
def index_empty(s):
    indexed(s, [])


# R17: descriptors


@each('R17', 'a layer with', REGISTRY, 'digest|size|number|layer', {
    'a path for a digest': {'digest': 'sha256:../../../../../../tmp/evil'}, 'sha512': {'digest': 'sha512:' + 'a' * 128}, 'md5': {'digest': 'md5:' + 'a' * 32}, 'capitals': {'digest': 'sha256:' + 'A' * 64},
    '63 digits': {'digest': 'sha256:' + 'a' * 63}, '65 digits': {'digest': 'sha256:' + 'a' * 65}, 'no digest': {'digest': ''}, 'a digest that is a number': {'digest': 7}, 'size -1': {'size': -1}, 'size 2^63': {'size': 2 ** 63},
    'size 2^64': {'size': 2 ** 64}, 'size 1.5': {'size': 1.5}, 'size as text': {'size': '10'}, 'size 300 GiB': {'size': 300 << 30}, 'size 0': {'size': 0}, 'a line end in the digest': {'digest': 'sha256:' + 'a' * 63 + '\n'}})
def descriptor_layer(s, changes):
    s.image.layers[0].changes = changes
    s.after(lambda: s.must(not s.asked(s.registry, '..') and not s.asked(s.registry, '/evil'), 'a path was asked for'))


@each('R17', 'a config with', REGISTRY, 'digest|size|number|config', {'a path for a digest': {'digest': 'sha256:../x'}, 'sha512': {'digest': 'sha512:' + 'a' * 128}, 'size -1': {'size': -1}, 'size 0': {'size': 0}, 'size 2^53': {'size': 2 ** 53}})
def descriptor_config(s, changes):
    s.image.config_changes = changes


@each('R17', 'an index entry with', REGISTRY, 'digest|size|number|manifest', {'a path for a digest': {'digest': 'sha256:../x'}, 'sha512': {'digest': 'sha512:' + 'a' * 128}, 'size -1': {'size': -1}, 'size 5 MiB': {'size': 5 << 20}})
def descriptor_index(s, changes):
    indexed(s, [dict(s.image.descriptor(), **changes)])


@case('R17', 'an index entry of another size', INTEGRITY, 'bytes|size')
def descriptor_index_size(s):
    indexed(s, [dict(s.image.descriptor(), size=len(s.image.manifest()) + 1)])


# R19 to R21: layers


def swapped(data):
    return data[:-1] + bytes([data[-1] ^ 1])


@case('R19', 'a layer of the right size and another digest', INTEGRITY, 'digest')
def layer_digest(s):
    path = s.blob(0)
    s.registry.ranges = False
    s.answer(path, Answer(200, [], swapped(s.image.layers[0].blob)))


@case('R19', 'a config of the right size and another digest', INTEGRITY, 'digest')
def config_digest(s):
    s.answer(s.blob(-1), Answer(200, [], swapped(s.image.config_blob())))


@case('R19', 'headers that say that the digest is right', INTEGRITY, 'digest')
def layer_digest_announced(s):
    blob = s.image.layers[0].blob
    s.answer(s.blob(0), Answer(200, [('Docker-Content-Digest', digest(blob)), ('ETag', '"%s"' % digest(blob))], swapped(blob)))


def zstd(data, *options):
    return subprocess.run(['zstd', '-q', '-c', *options], input=data, stdout=subprocess.PIPE, check=True).stdout


RAW = tar({'etc/hello': b'hello\n'})


def frame_header(window_log):
    return b'\x28\xb5\x2f\xfd' + bytes([0x00, (window_log - 10) << 3]) + b'\x01\x00\x00'  # no content size; one empty last block


@each('R20', 'a layer', REGISTRY, 'layer', {
    'of half a gzip stream': lambda: Layer(RAW, gzip.compress(RAW, mtime=0)[:-12]), 'of gzip without its check': lambda: Layer(RAW, gzip.compress(RAW, mtime=0)[:-8]), 'of gzip with more behind it': lambda: Layer(RAW, gzip.compress(RAW, mtime=0) + b'rubbish'),
    'of gzip with a wrong check': lambda: Layer(RAW, gzip.compress(RAW, mtime=0)[:-8] + b'\0' * 8), 'of nothing': lambda: Layer(RAW, b''), 'of gzip, said to be zstd': lambda: Layer(RAW, gzip.compress(RAW, mtime=0), OCI_LAYER + '+zstd'),
    'of zstd, said to be gzip': lambda: Layer(RAW, zstd(RAW)), 'of zstd with a window of 2 GiB': lambda: Layer(b'', frame_header(31), OCI_LAYER + '+zstd'), 'of half a zstd frame': lambda: Layer(RAW, zstd(RAW)[:-5], OCI_LAYER + '+zstd'),
    'of zstd with more behind it': lambda: Layer(RAW, zstd(RAW) + b'rubbish', OCI_LAYER + '+zstd')})
def layer_bad(s, make):
    s.image = Image([make()])


@each('R20', 'a layer', OK, '', {
    'of two gzip members': lambda: Layer(RAW, gzip.compress(RAW[:700], mtime=0) + gzip.compress(RAW[700:], mtime=0)), 'of two zstd frames': lambda: Layer(RAW, zstd(RAW[:700]) + zstd(RAW[700:]), OCI_LAYER + '+zstd'),
    'without compression': lambda: Layer(RAW, RAW, OCI_LAYER), 'of zstd with a skippable frame': lambda: Layer(RAW, b'\x50\x2a\x4d\x18\x04\0\0\0abcd' + zstd(RAW), OCI_LAYER + '+zstd')})
def layer_good(s, make):
    s.image = Image([make()])


@case('R20', 'a bomb: 200 MiB of zeros in a layer that says otherwise', INTEGRITY, 'diff_id')
def bomb(s):
    bomb_layer = Layer(RAW, zstd(b'\0' * (200 << 20)), OCI_LAYER + '+zstd')
    s.image = Image([bomb_layer])
    s.after(lambda: s.must(sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(s.dir) for f in files) < 8 << 20, 'it lies on disk'))


@case('R21', 'a diff_id that is another', INTEGRITY, 'diff_id')
def diff_id_other(s):
    s.image.config['rootfs']['diff_ids'] = ['sha256:' + '2' * 64]


@each('R21', 'diff_ids', REGISTRY, 'diff_id|layers|config', {'more than layers': lambda ids: ids + ids, 'fewer than layers': lambda ids: []})
def diff_id_count(s, change):
    s.image.config['rootfs']['diff_ids'] = change(s.image.config['rootfs']['diff_ids'])


@case('R21', 'two layers, one diff_id for both', INTEGRITY, 'diff_id')
def diff_id_repeated(s):
    s.image = Image([Layer(), Layer(tar({'b': b'b'}))])
    s.image.config['rootfs']['diff_ids'][1] = s.image.config['rootfs']['diff_ids'][0]


@case('R21', 'the same layer twice', OK)
def layer_twice(s):
    s.image = Image([Layer(), Layer()])


# R23, R24: lines that break, servers that are busy


def noise(n):
    """Bytes that do not compress, the same every time."""
    return random.Random(7).randbytes(n)


def broken(s, piece, how):
    layer = Layer(tar({'noise': noise(3 << 20)}))
    s.image = Image([layer])
    path = s.blob(0)

    def tell(request):
        whole = s.registry.blob(request, layer.blob)
        return Answer(whole.status, whole.headers, whole.body, cut=min(piece, len(whole.body) - 1) if len(whole.body) > 1 and how(request) else None)

    s.answer(path, tell)
    return path


@case('R23', 'a line that breaks every MiB', OK)
def line_breaks(s):
    s.options = ['--retries', '2']
    path = broken(s, 1 << 20, lambda r: True)
    size = len(s.image.layers[0].blob)

    def no_byte_twice():
        starts = [int((r.get('range') or 'bytes=0-')[6:].split('-')[0]) for r in s.asked(s.registry, path)]
        s.must(starts == sorted(starts) and len(starts) <= size // (1 << 20) + 4, 'asked for %s' % starts)

    s.after(no_byte_twice)


@case('R23', 'a line that breaks at once, always', NET, '')
def line_breaks_always(s):
    broken(s, 0, lambda r: True)


@each('R24', 'once', OK, '', {
    '429, wait 0': (429, '0'), '503, wait 0': (503, '0'), '503, wait until yesterday': (503, 'Sat, 01 Jan 2000 00:00:00 GMT'), '502, wait 0': (502, '0'), '500, wait 0': (500, '0'), '504, wait 0': (504, '0'), '408, wait 0': (408, '0')})
def busy_once(s, how):
    n = []

    def tell(_request):
        n.append(1)
        return Answer(how[0], [('Retry-After', how[1])]) if len(n) == 1 else None

    s.answer(s.manifest, tell)
    s.options = ['--retries', '1']


@each('R24', 'always', NET, '429|503', {'429, wait 0': (429, '0'), '503, wait 0': (503, '0'), '429, wait 10^9': (429, '1000000000'), '429, wait -1': (429, '-1'), '429, wait for rubbish': (429, 'soon'), '503, in ten years': (503, 'Sun, 01 Jan 2090 00:00:00 GMT')})
def busy_always(s, how):
    s.answer(s.manifest, Answer(how[0], [('Retry-After', how[1])]))
    s.options = ['--retries', '1' if how[1] == '0' else '0']


# R25: TLS


def with_certificate(s, **how):
    signer = how.pop('signer', 'ca')
    if signer == 'stranger' and not os.path.exists(s.net.dir + '/stranger.pem'):
        s.net.authority('stranger')
    newest = how.pop('newest', None)
    s.world.contexts[s.registry.address] = s.net.context(s.net.certificate(how.pop('names', 'DNS:registry.test'), subject='registry.test', signer=signer, **how), newest)
    s.after(lambda: s.must(not s.net.seen, 'a request was sent'))


def usual_again(s):
    s.world.contexts.pop(s.registry.address, None)


@each('R25', 'a certificate', NET, 'certificate|TLS|SSL', {
    'for another name': {'names': 'DNS:other.test'}, 'that has ended': {'end': ['-days', '-1']}, 'of an unknown authority': {'signer': 'stranger'}, 'signed by itself': {'signer': None}, 'with its name in the subject alone': {'names': ''},
    'too wide': {'names': 'DNS:*.test,DNS:*'}, 'for the address, not the name': {'names': 'IP:192.0.2.1'}, 'of a client': {'usage': 'clientAuth'}, 'with a NUL-like name': {'names': 'DNS:registry.test.other.test'}})
def certificate(s, how):
    with_certificate(s, **dict(how))
    s.after(lambda: usual_again(s))


@each('R25', 'no better than', NET, 'TLS|SSL|version|protocol', {'TLS 1.0': ssl.TLSVersion.TLSv1, 'TLS 1.1': ssl.TLSVersion.TLSv1_1})
def tls_old(s, newest):
    with_certificate(s, newest=newest)
    s.after(lambda: usual_again(s))


@case('R25', 'a certificate for an address, where the reference has it', OK)
def certificate_address(s):
    s.world.contexts[s.registry.address] = s.net.context(s.net.certificate('IP:192.0.2.1', subject='x'))
    s.reference = '192.0.2.1/app:1'
    s.after(lambda: usual_again(s))


@case('R25', 'plain http where https is expected', NET, '')
def tls_none(s):
    s.reference = 'registry.test:80/app:1'
    s.after(lambda: s.must(not [r for r in s.net.seen if r.path.startswith('/v2')], 'it was spoken to in plain http'))


# R26: references


@each('R26', 'the reference', USAGE, 'reference|option|image', {
    'with a folder above': 'registry.test/../app', 'with an empty part': 'registry.test//app', 'in capitals': 'registry.test/APP', 'of 300 characters': 'registry.test/' + 'a' * 300, 'with a short digest': 'registry.test/app@sha256:abc',
    'with sha512': 'registry.test/app@sha512:' + 'a' * 128, 'with a slash in its tag': 'registry.test/app:1/2', 'with a tag of 129': 'registry.test/app:' + 'a' * 129, 'with letters of another alphabet': 'registry.test/\u0430pp', 'that begins with a line': '-app',
    'with a port of letters': 'registry.test:port/app', 'with port 65536': 'registry.test:65536/app', 'empty': '', 'with a space': 'registry.test/a b', 'with a user': 'u:p@registry.test/app', 'as an address': 'https://registry.test/app', 'with a line end': 'registry.test/app\nx',
    'that is an id': 'a' * 64, 'with two underlines too many': 'registry.test/a___b', 'with a point at its end': 'registry.test/app.', 'with two tags': 'registry.test/app:1:2'}, names_it=False)
def reference(s, text):
    s.reference = None
    s.options += ['--', text] if text.startswith('-') else [text]
    s.after(lambda: s.must(not s.net.connections, 'a connection was made'))


# R27, R28: what changes, what surrounds us


@case('R27', 'a tag that moves is asked for once', OK)
def tag_moves(s):
    s.is_published = False
    images = [Image([Layer(tar({'n': b'%d' % n}))]) for n in range(5)]
    for image in images:
        s.registry.publish(image, 'app')
    asked = []

    def tell(_request):
        asked.append(1)
        return Answer(200, [('Content-Type', OCI_MANIFEST)], images[len(asked) - 1].manifest())

    s.answer(s.manifest, tell)
    s.after(lambda: s.must(len(asked) == 1, 'the tag was asked for %d times' % len(asked)))


@case('R28', 'authorities, keys, logins and proxies from the surroundings are ignored', NET, 'certificate')
def surroundings(s):
    with_certificate(s, signer='stranger')
    stranger = s.net.dir + '/stranger.pem'
    s.environment = {'SSL_CERT_FILE': stranger, 'CURL_CA_BUNDLE': stranger, 'SSL_CERT_DIR': s.net.dir, 'REQUESTS_CA_BUNDLE': stranger, 'SSLKEYLOGFILE': s.path('keys'), 'OPENSSL_CONF': s.write('evil.cnf', 'openssl_conf = none\n')}
    s.after(lambda: usual_again(s))
    s.after(lambda: s.must(not os.path.exists(s.path('keys')), 'session keys were written'))


@case('R28', 'a netrc is not read, session keys are not written', AUTH, 'login')
def netrc(s):
    s.needs_password()
    s.authfile = None
    s.write('home/.netrc', 'machine registry.test login builder password canary-password\n')
    s.environment = {'NETRC': s.path('home/.netrc'), 'SSLKEYLOGFILE': s.path('keys')}
    s.after(lambda: s.must(all(r.get('authorization') is None for r in s.net.seen), 'the login of netrc was sent'))
    s.after(lambda: s.must(not os.path.exists(s.path('keys')), 'session keys were written'))


@case('R28', 'NO_PROXY keeps a registry off the proxy', OK)
def no_proxy(s):
    s.environment = {'HTTPS_PROXY': 'http://other.test:80', 'NO_PROXY': 'registry.test'}
    s.after(lambda: s.not_reached(s.other.address))


@case('R28', 'a proxy that refuses', NET, '')
def proxy_refuses(s):
    s.environment = {'HTTPS_PROXY': 'http://other.test:80'}
    s.net.at[s.other.address, 80] = lambda r: Answer(403)
    s.after(lambda: s.not_reached(s.registry.address))
    s.after(lambda: s.must([r.method for r in s.net.seen] == ['CONNECT'], 'the proxy was asked for something else'))


# R29: files with logins


@each('R29', 'a file with logins', CONFIG, 'auth|json|login|credential', {
    'that is no base64': {'auths': {'registry.test': {'auth': '!!!'}}}, 'without a colon in it': {'auths': {'registry.test': {'auth': base64.b64encode(b'nocolon').decode()}}}, 'with a number for a login': {'auths': {'registry.test': 7}},
    'with a list for hosts': {'auths': []}, 'with a helper that is a path': {'credHelpers': {'registry.test': '../../evil'}},
    'with a helper of two words': {'credsStore': 'evil -x'}}, names_it=False)
def logins_bad(s, content):
    s.needs_password()
    s.write('auth.json', json.dumps(content))
    s.after(lambda: s.must(all(r.get('authorization') is None for r in s.net.seen), 'a login was sent'))


@case('R29', 'a file with logins that everybody may read', CONFIG, 'auth.json', names_it=False)
def logins_open(s):
    os.chmod(s.authfile, 0o644)


@case('R29', 'a file with logins that is not there', CONFIG, 'auth.json', names_it=False)
def logins_missing(s):
    os.unlink(s.authfile)


@each('R29', 'a program for logins from a folder that anybody may write to is not run', CONFIG, 'docker-credential-evil', {'credsStore': {'credsStore': 'evil'}, 'credHelpers': {'credHelpers': {'registry.test': 'evil'}}}, names_it=False)
def helper_untrusted(s, content):
    s.needs_password()
    s.write('auth.json', json.dumps(content))
    os.mkdir(s.path('bin'), 0o777)
    s.write('bin/docker-credential-evil', '#!/bin/sh\ntouch %s\n' % s.path('ran'), 0o755)
    os.chmod(s.path('bin'), 0o777)
    s.environment = {'PATH': s.path('bin') + ':' + os.environ['PATH']}
    s.after(lambda: s.must(not os.path.exists(s.path('ran')), 'it was run'))


# R30: outputs


@case('R30', 'an output that is a link is not written through', IO, 'symbolic link', names_it=False)
def output_link(s):
    s.write('victim', 'mine')
    s.output = s.path('link')
    os.symlink(s.path('victim'), s.output)
    s.after(lambda: s.must(open(s.path('victim'), encoding='utf-8').read() == 'mine', 'the file behind the link was changed'))


@case('R30', 'an output that is a FIFO', IO, 'bundle', names_it=False)
def output_fifo(s):
    os.mkdir(s.path('fifo'))
    s.output = s.path('fifo/it.bundle.tar.zst')
    os.mkfifo(s.output)


@case('R30', 'an output in a folder that is not there', IO, 'nowhere', names_it=False)
def output_nowhere(s):
    s.output = s.path('nowhere/it.bundle.tar.zst')


@case('R30', 'two runs with one output: each makes a whole one', OK)
def output_twice(s):
    """The first one waits for a blob until the second one has ended."""
    blob, first, go_on = s.image.layers[0].blob, threading.Event(), threading.Event()

    def tell(_request):
        if not first.is_set():
            first.set()
            go_on.wait(30)
        return Answer(200, [], blob)

    s.answer(s.blob(0), tell)
    s.registry.publish(s.image, 'app', '1')
    command = s.command()
    command[command.index(s.path('cache'))] = s.path('cache2')
    one = subprocess.Popen(command, env=s.variables(), cwd=s.path('home'), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    first.wait(30)

    def end():
        before = open(s.output, 'rb').read()
        go_on.set()
        s.must(one.wait(30) == 0, 'the first run failed')
        s.must(open(s.output, 'rb').read() == before, 'the two are not the same')
        s.must(os.listdir(s.path('out')) == ['it.bundle.tar.zst'], 'something was left')

    s.after(end)


# I: what images say


@each('I01', 'a config of', REGISTRY, 'arm64|windows|platform|architecture', {'another architecture than the index says': {'architecture': 'arm64'}, 'another system': {'os': 'windows'}})
def config_platform(s, changes):
    entry_platform = dict(s.image.platform)
    s.image.config.update(changes)
    entry = dict(s.image.descriptor(), platform=entry_platform)
    indexed(s, [entry])


@case('I01', 'an image without an index for another platform', REGISTRY, 'arm64')
def image_platform(s):
    s.image = arm()


@each('I03', 'a config', REGISTRY, 'config|diff_ids|rootfs|key|JSON|nest', {
    'with a key twice': b'{"architecture":"amd64","architecture":"arm64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}', 'of rubbish': b'\x7fELF', 'a million deep': b'{"a":' * 1000000, 'that is null': b'null',
    'whose rootfs is null': b'{"architecture":"amd64","os":"linux","rootfs":null}', 'whose diff_ids are numbers': b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[7]}}',
    'whose diff_ids are text': b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":"sha256:x"}}', 'without a rootfs': b'{"architecture":"amd64","os":"linux"}', 'with bytes that are no UTF-8': b'{"architecture":"amd64","os":"\xff"}',
    'of a rootfs of another type': b'{"architecture":"amd64","os":"linux","rootfs":{"type":"base","diff_ids":["sha256:' + b'2' * 64 + b'"]}}'})
def config_bad(s, body):
    s.image.config_bytes = body


@each('I08', 'a config with', REGISTRY, 'config|olume|user|User|orking', {
    'a volume at the root': {'Volumes': {'/': {}}}, 'a user of 2^32': {'User': '4294967296'}, 'a user of 2^64': {'User': '18446744073709551616:0'}})
def config_dangerous(s, changes):
    s.image.config['config'].update(changes)


@each('I09', 'the reserved label', REGISTRY, 'label', {'of containerd': 'containerd.io/restart.loguri', 'of its CRI': 'io.cri-containerd.kind'})
def label_reserved(s, name):
    s.image.config['config']['Labels'] = {name: 'binary:///bin/evil'}


@case('I10', 'two images share a layer: it is fetched once', OK)
def shared(s):
    second = Image([s.image.layers[0], Layer(tar({'b': b'b'}))])
    s.registry.publish(second, 'app', '2')
    s.options.append('registry.test/app:2')
    path = s.blob(0)
    s.after(lambda: s.must(len(s.asked(s.registry, path)) == 1, 'the layer was asked for more than once'))


if __name__ == '__main__':
    sys.exit(1 if run_table(table, sys.argv[1:]) else 0)
