"""A hub on this machine: what the package ``huggingface_hub`` asks of one, and no more."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "c" * 40


class Hub(ThreadingHTTPServer):
    """Serves the repositories {"org/name": {revision: {file: bytes}}}, and takes commits.

    ``asked`` lists the requests; ``promise`` says another size of a file than it has.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories, self.asked, self.promise = {}, [], {}
        self.created = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def files(self, name, revision):
        revisions = self.repositories[name]
        if revision in revisions:
            return revisions[revision]
        by_commit = {commit_of(one): files for one, files in revisions.items()}
        return by_commit[revision]


def commit_of(revision):
    return hashlib.sha1(revision.encode()).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(f"{self.command} {path}")
        parts = path.strip("/").split("/")
        api = parts[:2] == ["api", "models"]
        name = "/".join(parts[2:4] if api else parts[:2])
        if name not in self.server.repositories:
            return self.answer(404, {"error": "Repository not found"}, code="RepoNotFound")
        revision = parts[5] if api and len(parts) > 5 else parts[3] if not api else "main"
        try:
            files = self.server.files(name, revision)
        except KeyError:
            return self.answer(404, {"error": "Invalid rev id"}, code="RevisionNotFound")
        if not api:  # /org/name/resolve/revision/file
            return self.send_file(files, "/".join(parts[4:]), revision)
        if "tree" in parts:
            return self.answer(200, [self.entry(one, data) for one, data in files.items()])
        known = revision if len(revision) == 40 else commit_of(revision)
        siblings = [{"rfilename": one} for one in files]
        return self.answer(200, {"id": name, "sha": known, "siblings": siblings})

    def do_POST(self):
        path = urlsplit(self.path).path
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(f"POST {path}")
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = "/".join(part for part in (asked.get("organization"), asked["name"]) if part)
            self.server.created.append(asked)
            self.server.repositories.setdefault(name, {"main": {}})
            return self.answer(200, {"url": f"{self.server.endpoint}/{name}", "name": name})
        if path == "/api/validate-yaml":
            return self.answer(200, {"errors": [], "warnings": []})
        name = "/".join(path.split("/")[3:5])
        if "/preupload/" in path:
            files = [
                {"path": one["path"], "uploadMode": "regular", "shouldIgnore": False}
                for one in json.loads(body)["files"]
            ]
            return self.answer(200, {"files": files})
        for line in map(json.loads, body.splitlines()):  # /commit/revision
            if line["key"] == "file":
                value = line["value"]
                revision = self.server.repositories[name].setdefault("main", {})
                revision[value["path"]] = base64.b64decode(value["content"])
        address = f"{self.server.endpoint}/{name}/commit/{COMMIT}"
        return self.answer(200, {"commitUrl": address, "commitOid": COMMIT})

    def entry(self, path, data):
        size = self.server.promise.get(path, len(data))
        return {"type": "file", "path": path, "size": size, "oid": hashlib.sha1(data).hexdigest()}

    def send_file(self, files, path, revision):
        data = files[path]
        self.send_response(200)
        self.send_header("Content-Length", str(self.server.promise.get(path, len(data))))
        self.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", revision)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)
        self.close_connection = path in self.server.promise

    def answer(self, status, value, code=None):
        data = json.dumps(value).encode()
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def python(code, folder, endpoint, **more):
    """Run code in an interpreter that knows this hub alone; what it prints, its last line."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(folder / "home"),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",
        "NO_PROXY": "127.0.0.1",
        **more,
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
