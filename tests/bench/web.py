#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""web.py COUNT: a web server of its own in one process, a client that asks it COUNT times in
another, each time by a connection of its own over loopback."""
import http.client
import http.server
import os
import sys

PAGE = b"<!doctype html><title>spyq</title>\n" * 40


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # pylint: disable=invalid-name # http.server's
        self.send_response(200)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


def ask(port, count):
    for _ in range(count):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/")
        if connection.getresponse().read() != PAGE:
            sys.exit("web.py: another page came")
        connection.close()


def main():
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    count = int(sys.argv[1])
    client = os.fork()
    if client == 0:
        server.socket.close()
        ask(server.server_port, count)
        os._exit(0)
    for _ in range(count):
        server.handle_request()
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(client, 0)[1]))


main()
