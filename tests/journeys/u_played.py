#!/usr/bin/env python3
"""u_played.py FOLDER PROGRAM PART/PARTS [ROW...]: registries that cannot be reached from here, played under their own names in the shapes that their
makers document: what they ask for, where they give tokens, where their blobs lie. u_played.py --addresses prints NAME=ADDRESS of all of them.

Object stores (S3, Azure, Google, CDNs) refuse requests that carry a login beside the signature of the address: so do these."""
import base64
import os
import re
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', 'support'))
from played_registry import Basic, Bearer, Image, Layer, document, tar  # noqa: E402
from scene import AUTH, NET, OK, TOKEN, Table, run_table  # noqa: E402
from servers import Answer  # noqa: E402

NAMES = ['registry-1.docker.io', 'auth.docker.io', 'production.cloudflare.docker.com', 'ghcr.io', 'pkg-containers.githubusercontent.com', '123456789012.dkr.ecr.eu-west-1.amazonaws.com',
         'prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com', 'public.ecr.aws', 'd5l0dvt14r5h8.cloudfront.net', 'europe-docker.pkg.dev', 'gcr.io', 'storage.googleapis.com',
         'acme.azurecr.io', 'weumanaged1.blob.core.windows.net', 'quay.io', 'cdn01.quay.io', 'registry.gitlab.com', 'gitlab.com', 'cdn.registry.gitlab-static.net', 'registry.company.test',
         'gitlab.company.test', 'harbor.company.test', 'acme.jfrog.io', 'jfrog-prod.s3.amazonaws.com', 'zot.company.test', 'nexus.company.test', 'docker.io', 'index.docker.io']
ADDRESSES = {name: '198.51.100.%d' % (number + 1) for number, name in enumerate(NAMES)}
SIGNED = 'X-Amz-Signature=0123456789abcdef'

table = Table()
case, each = table.case, table.each


def basic(user, password):
    return {'auth': base64.b64encode(('%s:%s' % (user, password)).encode()).decode()}


def serves(s, name, reference, repository, tag='1', store=None):
    """A registry that has the image; its blobs are in the store, if there is one."""
    s.is_published = False
    s.authfile = None
    s.reference = reference
    r = s.host(name)
    r.publish(s.image, repository, tag)
    s.may_know = {(r.address, 443)}
    if store is not None:
        s.store = in_store(s, r, store)
    return r


def in_store(s, r, name):
    store = s.host(name)

    def give(request):
        wanted = re.search('sha256[:/]([0-9a-f]{64})', urllib.parse.unquote(request.path))
        if request.get('authorization') is not None:
            return Answer(400, [], b'<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed</Message></Error>')
        if SIGNED not in request.path:
            return Answer(403, [], b'<Error><Code>AccessDenied</Code></Error>')
        blob = next((b for p, b in r.blobs.items() if wanted and p.endswith(wanted.group(1))), None)
        return r.blob(request, blob) if blob is not None else None

    r.elsewhere = lambda d: 'https://%s/docker/registry/v2/blobs/%s/data?X-Amz-Expires=1200&%s' % (name, d.replace(':', '/'), SIGNED)
    s.net.at[store.address, 443] = give
    s.after(lambda: s.was_asked(store, SIGNED))
    return store


def gives_tokens(s, r, name, path, service, scope, login=None, answer=None):
    """A token server that wants exactly this service and scope, and this login where one is given."""
    server = r if name == r.name else s.host(name)
    s.may_know.add((server.address, 443))

    def give(request):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(request.path).query)
        if query.get('service', [None]) != [service] or query.get('scope') != [scope]:
            return Answer(400, [], ('expected %s %s' % (service, scope)).encode())
        sent = request.get('authorization')
        if login is not None and sent != 'Basic ' + login['auth']:
            return Answer(401, [], b'{"details":"incorrect username or password"}')
        if login is None and sent is not None:
            return Answer(400, [], b'nobody asked for a login')
        return Answer(200, [('Content-Type', 'application/json')], document(answer or {'token': TOKEN, 'access_token': TOKEN, 'expires_in': 300, 'issued_at': '2026-01-01T00:00:00Z'}))

    server.answers[path] = give
    s.after(lambda: s.must(len(s.asked(server, path)) == 1, '%d tokens were asked for' % len(s.asked(server, path))))
    return server


# Docker Hub


def hub(s, reference='busybox:1', repository='library/busybox', login=None):
    r = serves(s, 'registry-1.docker.io', reference, repository, store='production.cloudflare.docker.com')
    r.auth = Bearer('https://auth.docker.io/token', 'registry.docker.io')
    gives_tokens(s, r, 'auth.docker.io', '/token', 'registry.docker.io', 'repository:%s:pull' % repository, login)
    return r


@each('hub', 'Docker Hub, asked for', OK, '', {'busybox:1': 'busybox:1', 'docker.io/library/busybox:1': 'docker.io/library/busybox:1', 'docker.io/busybox:1': 'docker.io/busybox:1', 'index.docker.io/library/busybox:1': 'index.docker.io/library/busybox:1'})
def hub_names(s, reference):
    hub(s, reference)
    s.after(lambda: s.not_reached(ADDRESSES['docker.io'], ADDRESSES['index.docker.io']))


@case('hub', 'Docker Hub, a repository of somebody', OK)
def hub_somebody(s):
    hub(s, 'grafana/loki:1', 'grafana/loki')


@each('hub', 'Docker Hub, with a login under', OK, '', {'https://index.docker.io/v1/': 'https://index.docker.io/v1/', 'docker.io': 'docker.io'})
def hub_login(s, key):
    login = basic('builder', 'canary-password')
    hub(s, login=login)
    s.authfile = s.path('auth.json')
    s.logins(**{key: login})


@case('hub', 'Docker Hub, an image that is not there, or not for us', AUTH, 'docker.io.*library/nothing', names_it=False)
def hub_nothing(s):
    r = hub(s, 'nothing:1', 'library/nothing')
    s.checks.clear()
    r.auth.good = lambda token, request: False
    s.after(lambda: s.must('docker login' in s.stderr, 'what to do is not said'))


@case('hub', 'Docker Hub, too many pulls', NET, '429.*', names_it=False)
def hub_limit(s):
    r = hub(s)
    s.checks.clear()
    r.answers['/v2/library/busybox/manifests/1'] = lambda q: q.get('authorization') and Answer(429, [('Retry-After', '3600')], document({'errors': [{'code': 'TOOMANYREQUESTS', 'message': 'You have reached your pull rate limit.'}]}))
    s.after(lambda: s.must('docker login' in s.stderr, 'the way out is not said'))
    s.after(lambda: s.must('rate limit' in s.stderr, 'what the registry says is not said'))


@case('hub', 'Docker Hub, few pulls left: a warning', OK)
def hub_few(s):
    r = hub(s)
    data = s.image.manifest()
    r.answers['/v2/library/busybox/manifests/1'] = lambda q: q.get('authorization') and Answer(200, [('Content-Type', s.image.manifest_type), ('ratelimit-limit', '100;w=21600'), ('ratelimit-remaining', '3;w=21600')], data)
    s.after(lambda: s.must('3 more pulls' in s.stderr, 'no warning'))


# The clouds


@case('ghcr', 'GHCR', OK)
def ghcr(s):
    r = serves(s, 'ghcr.io', 'ghcr.io/org/app:1', 'org/app', store='pkg-containers.githubusercontent.com')
    r.auth = Bearer('https://ghcr.io/token', 'ghcr.io')
    login = basic('builder', 'canary-password')
    gives_tokens(s, r, 'ghcr.io', '/token', 'ghcr.io', 'repository:org/app:pull', login)
    s.authfile = s.path('auth.json')
    s.logins(**{'ghcr.io': login})


@case('ecr', 'ECR', OK)
def ecr(s):
    name = '123456789012.dkr.ecr.eu-west-1.amazonaws.com'
    r = serves(s, name, name + '/team/app:1', 'team/app', store='prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com')
    password = 'canary-' + 'eyJwYXlsb2FkIjoi' * 150   # they are as long
    known = Basic('AWS', password)

    class Ecr:
        @staticmethod
        def refusal(request):
            return known.refusal(request) and Answer(401, [('Www-Authenticate', 'Basic realm="https://%s/",service="ecr.amazonaws.com"' % name)], b'Not Authorized\n')

    r.auth = Ecr()
    s.authfile = s.path('auth.json')
    s.logins(**{name: basic('AWS', password)})
    s.after(lambda: s.must(len([q for q in s.net.seen if q.address == r.address and q.get('authorization') is None]) == 1, 'asked without a login more than once'))


@case('ecr-public', 'ECR Public', OK)
def ecr_public(s):
    r = serves(s, 'public.ecr.aws', 'public.ecr.aws/docker/library/app:1', 'docker/library/app', store='d5l0dvt14r5h8.cloudfront.net')

    class Public(Bearer):
        def challenge(self, request):
            return 'Bearer realm="https://public.ecr.aws/token/",service="public.ecr.aws",scope="aws"'

    r.auth = Public('')
    gives_tokens(s, r, 'public.ecr.aws', '/token/', 'public.ecr.aws', 'aws')


@each('gar', 'Artifact Registry and its elder', OK, '', {'europe-docker.pkg.dev': 'europe-docker.pkg.dev', 'gcr.io': 'gcr.io'})
def gar(s, name):
    r = serves(s, name, name + '/project/repo/app:1', 'project/repo/app', store='storage.googleapis.com')
    r.auth = Bearer('https://%s/v2/token' % name, name)
    login = basic('_json_key', '{\n  "type": "service_account",\n  "private_key": "-----BEGIN PRIVATE KEY-----\\ncanary-key\\n"\n}\n')
    gives_tokens(s, r, name, '/v2/token', name, 'repository:project/repo/app:pull', login, {'token': TOKEN})
    s.authfile = s.path('auth.json')
    s.logins(**{name: login})


@each('acr', 'ACR, an identity token', OK, '', {'as docker login keeps it': {'identitytoken': 'canary-refresh'}, 'beside a user of zeros': dict(basic('00000000-0000-0000-0000-000000000000', ''), identitytoken='canary-refresh')})
def acr(s, login):
    name = 'acme.azurecr.io'
    r = serves(s, name, name + '/app:1', 'app', store='weumanaged1.blob.core.windows.net')
    r.auth = Bearer('https://acme.azurecr.io/oauth2/token', name)

    def give(request):
        form = urllib.parse.parse_qs(request.body.decode())
        right = request.method == 'POST' and form.get('grant_type') == ['refresh_token'] and form.get('refresh_token') == ['canary-refresh'] and form.get('service') == [name] and form.get('scope') == ['repository:app:pull']
        return Answer(200, [], document({'access_token': TOKEN})) if right else Answer(401, [], b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}')

    r.answers['/oauth2/token'] = give
    s.authfile = s.path('auth.json')
    s.logins(**{name: login})


@case('quay', 'Quay, as a robot', OK)
def quay(s):
    r = serves(s, 'quay.io', 'quay.io/org/app:1', 'org/app', store='cdn01.quay.io')
    r.auth = Bearer('https://quay.io/v2/auth', 'quay.io')
    login = basic('org+robot', 'canary-password')
    gives_tokens(s, r, 'quay.io', '/v2/auth', 'quay.io', 'repository:org/app:pull', login, {'token': TOKEN})
    s.authfile = s.path('auth.json')
    s.logins(**{'quay.io': login})


# What companies run, and what is run for them


@case('gitlab', 'gitlab.com: its token server is another host that is known', OK)
def gitlab_com(s):
    r = serves(s, 'registry.gitlab.com', 'registry.gitlab.com/group/project/app:1', 'group/project/app', store='cdn.registry.gitlab-static.net')
    r.auth = Bearer('https://gitlab.com/jwt/auth', 'container_registry')
    login = basic('gitlab+deploy-token-1', 'canary-password')
    gives_tokens(s, r, 'gitlab.com', '/jwt/auth', 'container_registry', 'repository:group/project/app:pull', login, {'token': TOKEN})
    s.authfile = s.path('auth.json')
    s.logins(**{'registry.gitlab.com': login})


def gitlab_own(s):
    r = serves(s, 'registry.company.test', 'registry.company.test/group/app:1', 'group/app')
    r.auth = Bearer('https://gitlab.company.test/jwt/auth', 'container_registry')
    s.authfile = s.path('auth.json')
    s.logins(**{'registry.company.test': basic('builder', 'canary-password')})
    return r


@case('gitlab', 'a GitLab of a company, whose token server is named', OK)
def gitlab_named(s):
    r = gitlab_own(s)
    gives_tokens(s, r, 'gitlab.company.test', '/jwt/auth', 'container_registry', 'repository:group/app:pull', basic('builder', 'canary-password'))
    s.options += ['--token-server', 'gitlab.company.test']


@case('gitlab', 'a GitLab of a company, whose token server is not named', AUTH, 'registry.company.test.*gitlab.company.test', names_it=False)
def gitlab_not_named(s):
    gitlab_own(s)
    s.after(lambda: s.not_reached(ADDRESSES['gitlab.company.test']))
    s.after(lambda: s.must('--token-server gitlab.company.test' in s.stderr, 'what to do is not said'))


@case('harbor', 'Harbor, as a robot', OK)
def harbor(s):
    name = 'harbor.company.test'
    r = serves(s, name, name + '/library/app:1', 'library/app')
    r.auth = Bearer('https://%s/service/token' % name, 'harbor-registry')
    login = basic('robot$library+ci', 'canary-password')
    gives_tokens(s, r, name, '/service/token', 'harbor-registry', 'repository:library/app:pull', login)
    s.authfile = s.path('auth.json')
    s.logins(**{name: login})


@case('jfrog', 'JFrog', OK)
def jfrog(s):
    name = 'acme.jfrog.io'
    r = serves(s, name, name + '/docker-local/app:1', 'docker-local/app', store='jfrog-prod.s3.amazonaws.com')
    r.auth = Bearer('https://%s/artifactory/api/docker/docker-local/v2/token' % name, name)
    login = basic('builder@company.test', 'canary-password')
    gives_tokens(s, r, name, '/artifactory/api/docker/docker-local/v2/token', name, 'repository:docker-local/app:pull', login, {'token': TOKEN, 'expires_in': 3600})
    s.authfile = s.path('auth.json')
    s.logins(**{name: login})


@each('nexus', 'basic alone', OK, '', {'Zot': ('zot.company.test', 'Basic realm="Authorization Required"'), 'Nexus': ('nexus.company.test', 'BASIC realm="Sonatype Nexus Repository Manager"')})
def basic_only(s, how):
    name, challenge = how
    r = serves(s, name, name + '/app:1', 'app')
    known = Basic('builder', 'canary-password')

    class Own:
        @staticmethod
        def refusal(request):
            return known.refusal(request) and Answer(401, [('WWW-Authenticate', challenge)])

    r.auth = Own()
    s.authfile = s.path('auth.json')
    s.logins(**{name: basic('builder', 'canary-password')})


@case('all', 'images of two of them in one bundle, each with its own login', OK)
def together(s):
    hub(s)
    know = set(s.may_know)
    s.image = Image([Layer(tar({'second': b'2'}))])
    r = serves(s, 'ghcr.io', 'ghcr.io/org/app:1', 'org/app', store='pkg-containers.githubusercontent.com')
    r.auth = Bearer('https://ghcr.io/token', 'ghcr.io', good=lambda token, request: token == 'canary-ghcr')
    login = basic('builder', 'canary-password')
    gives_tokens(s, r, 'ghcr.io', '/token', 'ghcr.io', 'repository:org/app:pull', login, {'token': 'canary-ghcr'})
    s.may_know |= know
    s.authfile = s.path('auth.json')
    s.logins(**{'ghcr.io': login})
    s.reference = 'docker.io/library/busybox:1'
    s.options.append('ghcr.io/org/app:1')
    s.after(lambda: s.must(all('canary-ghcr' not in q.text() and login['auth'] not in q.text() for q in s.net.seen if q.address != r.address), 'a login of one went to another'))


if __name__ == '__main__':
    if sys.argv[1:] == ['--addresses']:
        print('\n'.join('%s=%s' % a for a in ADDRESSES.items()))
    else:
        sys.exit(1 if run_table(table, sys.argv[1:], ADDRESSES) else 0)
