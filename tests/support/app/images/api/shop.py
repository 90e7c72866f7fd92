"""The shop's API: rows of the database as JSON and as a page, and a question to another service over TLS."""
import html
import json
import os
import ssl
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2

VERSION = open("/srv/shop/version", encoding="ascii").read().strip()
SETTINGS = json.load(open("/etc/shop/shop.json", encoding="utf-8"))


def rows():
    connection = psycopg2.connect(host=os.environ["DB_HOST"], dbname=os.environ["DB_NAME"], user=os.environ["DB_USER"],
                                  password=os.environ["DB_PASSWORD"], connect_timeout=3)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM items ORDER BY id")
            return [row[0] for row in cursor.fetchall()]
    finally:
        connection.close()


def items():
    return "application/json", json.dumps({"version": VERSION, "site": os.environ["SITE_NAME"], "items": rows()})


def page():
    entries = "".join(f"<li>{html.escape(name)}</li>" for name in rows())
    title = html.escape(f"{SETTINGS['heading']}: {os.environ['SITE_NAME']}")
    return "text/html; charset=utf-8", f"<!doctype html><title>{title}</title><h1>{title}</h1><ul>{entries}</ul><p>version {VERSION}</p>\n"


def health():
    rows()
    return "text/plain", "healthy\n"


def trust():
    """Asks the front by HTTPS with nothing but the certificates that the environment names: SSL_CERT_FILE."""
    with urllib.request.urlopen(SETTINGS["trust_url"], timeout=5, context=ssl.create_default_context()) as answer:
        return "application/json", json.dumps({"trusted": answer.status == 200, "bundle": os.environ.get("SSL_CERT_FILE", "")})


PAGES = {"/": page, "/items": items, "/health": health, "/trust": trust}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        status, kind, body = self.answer()
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def answer(self):
        if self.path not in PAGES:
            return 404, "text/plain", "no such page\n"
        try:
            return 200, *PAGES[self.path]()
        except Exception as problem:  # what the database or the other service said is the answer
            return 503, "text/plain", f"{type(problem).__name__}: {problem}\n"

    def log_message(self, format, *args):
        if self.path != "/health":
            print(self.address_string(), format % args, flush=True)


if sys.argv[1:] == ["health"]:
    urllib.request.urlopen("http://127.0.0.1:8080/health", timeout=4)
elif VERSION.endswith("-broken"):
    print("this version never answers: its shelf is empty", flush=True)
    while True:
        __import__("time").sleep(60)
else:
    ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
