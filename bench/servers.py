"""The servers of the benchmark: one worker each, the same certificates, the same backend, as their manuals recommend.

Each Server writes its configuration, starts, tells its CPU time and memory from the kernel's own figures, and ends by its
process id. `/1k` and `/1m` come from the backend, `/fixed` is answered by the server itself.
"""

import os
import pathlib
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
HOSTS = ("ecdsa.example.com", "rsa.example.com")
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serial_shown(port, name):
    """The certificate that a handshake shows, as DER; None if there is no handshake."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as raw:
            with context.wrap_socket(raw, server_hostname=name) as sock:
                return sock.getpeercert(binary_form=True)
    except OSError:
        return None


def children(pid):
    """This process and all below it."""
    found = [pid]
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                found += children(int(child))
    except OSError:
        pass
    return found


class Server:
    name = ""
    binary = ""

    def __init__(self, folder, pairs, backend, many=None):
        """`pairs`: host -> (certificate, key, both in one file). `many`: a folder of further NAME.crt, NAME.key, NAME.pem."""
        self.folder = pathlib.Path(folder) / self.name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.pairs, self.backend, self.many = pairs, backend, many
        self.port = free_port()
        self.process = None

    @classmethod
    def available(cls):
        return shutil.which(cls.binary) or shutil.which(cls.binary, path="/usr/sbin:/usr/local/sbin")

    def fixed_file(self):
        path = self.folder / "fixed"
        path.write_bytes(b"x" * 1024)
        return path

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def many_names(self):
        return sorted(p.stem for p in pathlib.Path(self.many).glob("*.crt")) if self.many else []

    def start(self, patience=120):
        """Starts and returns the seconds up to the first handshake with the right certificate."""
        command = self.command()
        log = open(self.folder / "log", "wb")
        begun = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                                        preexec_fn=more_files)
        log.close()
        while serial_shown(self.port, self.first_name()) is None:
            if self.process.poll() is not None or time.monotonic() - begun > patience:
                raise RuntimeError(f"{self.name} did not start:\n{(self.folder / 'log').read_text()[-3000:]}")
            time.sleep(0.01)
        return time.monotonic() - begun

    def first_name(self):
        return (self.many_names() or HOSTS)[-1]

    def processes(self):
        return children(self.process.pid)

    def cpu(self):
        """Seconds of CPU of all its processes and threads so far."""
        total = 0.0
        for pid in self.processes():
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    total += int(pathlib.Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0]) / 1e9
            except (OSError, IndexError, ValueError):
                try:
                    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                    total += (int(fields[11]) + int(fields[12])) / TICK
                except OSError:
                    pass
        return total

    def memory(self):
        """Anonymous resident bytes of all its processes: what it allocated, without code and page cache."""
        total = 0
        for pid in self.processes():
            try:
                for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith("RssAnon:"):
                        total += int(line.split()[1]) * 1024
            except OSError:
                pass
        return total

    def replaced(self):
        """Called after a certificate's files were replaced: whatever the server needs to notice."""
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        if self.process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.processes():
                try:
                    os.kill(pid, number)
                except OSError:
                    pass
            try:
                self.process.wait(5)
                break
            except subprocess.TimeoutExpired:
                continue
        self.process = None


def more_files():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Sekisho(Server):
    name = "sekisho"
    binary = os.environ.get("SEKISHO_BINARY", str(ROOT / "build" / "release" / "sekisho"))

    def command(self):
        fixed = "x" * 1024
        files = "".join(f"  - files: {{ certificate: {c}, key: {k} }}\n" for c, k, _ in self.pairs.values())
        if self.many:
            files += f"  - directory: {self.many}\n"
        path = self.write("sekisho.yaml", f"""workers: 1
state_directory: {self.folder}/state
access_log: off
listeners:
  - {{ address: "127.0.0.1:{self.port}", tls: true }}
admin: {{ address: "127.0.0.1:{free_port()}" }}
certificates:
{files}limits: {{ connections_per_address: 100000 }}
timeouts: {{ idle: 10m }}
drain: {{ grace: 50ms, deadline: 1s }}
routes:
  - {{ backend: app }}
  - {{ path: {{ exact: /fixed }}, respond: {{ body: {fixed} }} }}
backends:
  app: {{ endpoints: ["{self.backend}"] }}
""")
        return [self.binary, "run", "--config", path]

    def replaced(self):
        pass  # it watches the folder


class Nginx(Server):
    name = "nginx"
    binary = "nginx"

    def command(self):
        def server(names, crt, key, default=""):
            return f"""  server {{
    listen 127.0.0.1:{self.port} ssl http2 backlog=4096 {default};
    server_name {names};
    ssl_certificate {crt}; ssl_certificate_key {key};
    location = /fixed {{ default_type text/plain; return 200 "{'x' * 1024}"; }}
    location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; }}
  }}
"""
        servers = "".join(server(n, c, k) for n, (c, k, _) in self.pairs.items())
        servers += "".join(server(f"{n}.example.com", f"{self.many}/{n}.crt", f"{self.many}/{n}.key") for n in self.many_names())
        first, marker, rest = servers.partition(" backlog=4096")
        servers = first + marker + rest.replace(" backlog=4096", "")
        path = self.write("nginx.conf", f"""worker_processes 1; daemon off; pid {self.folder}/pid; error_log stderr error;
events {{ worker_connections 8000; }}
http {{
  access_log off; keepalive_timeout 600s; keepalive_requests 100000000; server_names_hash_max_size 65536;
  server_names_hash_bucket_size 128; server_tokens off; proxy_max_temp_file_size 0; client_body_temp_path {self.folder}/t1;
  proxy_temp_path {self.folder}/t2; fastcgi_temp_path {self.folder}/t3; uwsgi_temp_path {self.folder}/t4; scgi_temp_path {self.folder}/t5;
  ssl_protocols TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers off; http2_max_concurrent_streams 128;
  upstream app {{ server {self.backend}; keepalive 128; keepalive_requests 100000000; }}
{servers}}}
""")
        return [self.available(), "-e", "stderr", "-c", path]


class Haproxy(Server):
    name = "haproxy"
    binary = "haproxy"

    def command(self):
        crts = " ".join(f"crt {both}" for _, _, both in self.pairs.values())
        if self.many:
            only = self.folder / "crts"
            shutil.rmtree(only, ignore_errors=True)
            only.mkdir()
            for n in self.many_names():
                os.symlink(f"{self.many}/{n}.pem", only / f"{n}.pem")
            crts += f" crt {only}"
        path = self.write("haproxy.cfg", f"""global
  nbthread 1
  maxconn 8000
  ssl-default-bind-options prefer-client-ciphers ssl-min-ver TLSv1.2
defaults
  mode http
  option dontlog-normal
  http-reuse always
  timeout connect 5s
  timeout client 600s
  timeout server 60s
  timeout http-keep-alive 600s
frontend f
  bind 127.0.0.1:{self.port} ssl {crts} alpn h2,http/1.1
  http-request return status 200 content-type text/plain file {self.fixed_file()} if {{ path /fixed }}
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto https
  default_backend app
backend app
  server a {self.backend} pool-max-conn 128
""")
        return [self.available(), "-W", "-f", path]

    def replaced(self):
        self.process.send_signal(signal.SIGUSR2)


class H2o(Server):
    name = "h2o"
    binary = "h2o"

    def command(self):
        self.fixed_file()

        def host(names, crt, key):
            return f"""  "{names}:{self.port}":
    listen: {{ host: 127.0.0.1, port: {self.port}, ssl: {{ certificate-file: {crt}, key-file: {key}, cipher-preference: client, minimum-version: TLSv1.2 }} }}
    paths:
      "/fixed": {{ file.file: {self.folder}/fixed }}
      "/":
        proxy.reverse.url: "http://{self.backend}/"
        proxy.preserve-host: ON
        proxy.timeout.keepalive: 60000
"""
        hosts = "".join(host(n, c, k) for n, (c, k, _) in self.pairs.items())
        hosts += "".join(host(f"{n}.example.com", f"{self.many}/{n}.crt", f"{self.many}/{n}.key") for n in self.many_names())
        path = self.write("h2o.conf", f"""num-threads: 1
num-name-resolution-threads: 1
max-connections: 8000
http1-request-timeout: 600
http2-idle-timeout: 600
temp-buffer-path: {self.folder}
user: {os.environ.get('USER', 'root') if os.geteuid() else 'root'}
hosts:
{hosts}""")
        return [self.available(), "-c", path]

    replaced = None  # no reload without a second process


class StaticBackend(Server):
    """nginx, plain: 1 KiB and 1 MiB from files. Not measured."""
    name = "backend"
    binary = "nginx"

    def start(self, patience=20):
        (self.folder / "1k").write_bytes(b"x" * 1024)
        (self.folder / "1m").write_bytes(os.urandom(1 << 20))
        os.chmod(self.folder, 0o755)
        path = self.write("nginx.conf", f"""worker_processes 1; daemon off; pid {self.folder}/pid; error_log stderr error; user root;
events {{ worker_connections 10000; }}
http {{ access_log off; keepalive_timeout 600s; keepalive_requests 100000000; sendfile on; open_file_cache max=10; default_type text/plain;
  client_body_temp_path {self.folder}/t1; proxy_temp_path {self.folder}/t2; fastcgi_temp_path {self.folder}/t3;
  uwsgi_temp_path {self.folder}/t4; scgi_temp_path {self.folder}/t5;
  server {{ listen 127.0.0.1:{self.port} backlog=4096; root {self.folder}; }} }}
""")
        if os.geteuid():
            path.write_text(path.read_text().replace(" user root;", ""))
        self.process = subprocess.Popen([self.available(), "-e", "stderr", "-c", path], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + patience
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("the backend did not start")


SERVERS = (Sekisho, Nginx, Haproxy, H2o)
