#!/usr/bin/env python3
"""A token server for a real docker-registry: tokens as the distribution project describes them (JWT, RS256), for one registry's service.

    token_server.py DIR

DIR/token.json:  {"address": "127.0.0.1:0", "certificate": PATH, "key": PATH,       its own TLS
                  "issuer": "tests", "service": "registry",                           what the registry is configured with
                  "users": {"builder": "password"}, "refresh": {"token": "builder"},  who may pull everything; the rest is below public/
                  "lifetime": 300, "told": 300}                                       seconds until tokens end, and what their owner is told
DIR/signer.pem and signer.key are made on the first start; signer.pem is the registry's rootcertbundle. DIR/host has ADDRESS:PORT when it listens.
DIR/log has one JSON object for each request: {"method", "user", "scopes", "given"}; user is null for nobody, given what the token allows.

GET with Basic or nothing gives a token; POST is OAuth2 with grant_type refresh_token or password; GET with offline_token=true also gives a refresh
token."""
import base64
import json
import os
import subprocess
import sys
import threading
import time
import urllib.parse

from servers import Answer, Network


def plain(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=')


class Tokens:
    def __init__(self, folder):
        self.dir = folder
        with open(self.path('token.json'), encoding='utf-8') as f:
            self.how = json.load(f)
        self.lock = threading.Lock()
        self.n = 0
        if not os.path.exists(self.path('signer.pem')):
            self.openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=token signer', '-keyout', 'signer.key', '-out', 'signer.pem')
        self.certificate = base64.b64encode(self.openssl('x509', '-in', 'signer.pem', '-outform', 'DER')).decode()

    def path(self, name):
        return os.path.join(self.dir, name)

    def openssl(self, *args, data=b''):
        return subprocess.run(['openssl', *args], input=data, cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout

    def token(self, user, access):
        now = int(time.time())
        self.n += 1
        head = {'typ': 'JWT', 'alg': 'RS256', 'x5c': [self.certificate]}
        claims = {'iss': self.how['issuer'], 'sub': user or '', 'aud': self.how['service'], 'iat': now - 120, 'nbf': now - 120, 'exp': now + self.how['lifetime'], 'jti': str(self.n), 'access': access}
        text = plain(json.dumps(head).encode()) + b'.' + plain(json.dumps(claims).encode())
        return (text + b'.' + plain(self.openssl('dgst', '-sha256', '-sign', 'signer.key', data=text))).decode()

    def allowed(self, user, scopes):
        """["repository:public/x:pull"] -> what of it this user may."""
        access = []
        for kind, name, actions in (s.split(':', 2) for s in scopes):
            may = {'pull'} if user or name.startswith('public/') else set()
            access.append({'type': kind, 'name': name, 'actions': sorted(may & set(actions.split(',')))})
        return access

    def who(self, request, form):
        """(known, user): not known when a login was given and is wrong."""
        if form.get('grant_type') == ['refresh_token']:
            user = self.how['refresh'].get(form.get('refresh_token', [''])[0])
            return user is not None, user
        if form.get('grant_type') == ['password']:
            given = (form.get('username', [''])[0], form.get('password', [''])[0])
        elif (request.get('authorization') or '').startswith('Basic '):
            given = tuple(base64.b64decode(request.get('authorization')[6:]).decode().split(':', 1))
        else:
            return True, None
        return self.how['users'].get(given[0]) == given[1], given[0]

    def __call__(self, request):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(request.path).query)
        form = urllib.parse.parse_qs(request.body.decode()) if request.method == 'POST' else {}
        asked = form if form else query
        known, user = self.who(request, form)
        scopes = [s for text in asked.get('scope', []) for s in text.split()]
        access = self.allowed(user, scopes) if known else []
        with self.lock, open(self.path('log'), 'a', encoding='utf-8') as f:
            f.write(json.dumps({'method': request.method, 'user': user, 'scopes': scopes, 'given': access}) + '\n')
        if not known or asked.get('service') != [self.how['service']]:
            return Answer(401, [], b'{"details":"incorrect username or password"}')
        answer = {'token': self.token(user, access), 'expires_in': self.how['told']}
        answer['access_token'] = answer['token']
        if user and asked.get('offline_token') == ['true']:
            answer['refresh_token'] = next(t for t, u in self.how['refresh'].items() if u == user)
        return Answer(200, [('Content-Type', 'application/json')], json.dumps(answer).encode())


def main():
    folder = sys.argv[1]
    tokens = Tokens(folder)
    net = Network(folder)
    address, port = tokens.how['address'].rsplit(':', 1)
    port = net.listen(int(port), net.context_of(tokens.how['certificate'], tokens.how['key']), address)
    net.at[address, port] = tokens
    with open(os.path.join(folder, 'host.new'), 'w', encoding='utf-8') as f:
        f.write('%s:%d\n' % (address, port))
    os.rename(os.path.join(folder, 'host.new'), os.path.join(folder, 'host'))
    threading.Event().wait()


if __name__ == '__main__':
    main()
