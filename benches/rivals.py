"""What the comparisons with other proxies share."""
import os, shutil, socket, subprocess, sys, time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")


def built(name):
    """The path of something that `cargo build --release` makes."""
    return str(Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / name)


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            sys.exit(f"{tool} is not installed; see the top of {sys.argv[0]}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nothing listens on port {port} after {seconds} s")


def cpu_seconds(pid):
    """The CPU time that a process has spent so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def nginx(folder, name, http):
    """Starts an nginx with one worker; `http` is what its http block says besides."""
    folder = Path(folder)
    conf = folder / f"{name}.conf"
    conf.write_text(
        f"worker_processes 1; daemon off; pid {folder}/{name}.pid; error_log {folder}/{name}.err;\n"
        "events { worker_connections 4096; }\n"
        f"http {{ access_log off; keepalive_requests 1000000000; {http} }}\n"
    )
    return subprocess.Popen(["nginx", "-c", str(conf), "-p", str(folder), "-e", f"{folder}/{name}.err"])


def nginx_origin(folder, port):
    """Answers everything with 100 bytes."""
    return nginx(folder, "origin", f'server {{ listen 127.0.0.1:{port}; location / {{ return 200 "{"x" * 100}"; }} }}')


def nginx_proxy(folder, origin, listen):
    """Proxies to `origin` as the gateway does, forwarding fields included."""
    return nginx(folder, "proxy", (
        f"upstream origin {{ server 127.0.0.1:{origin}; keepalive 128; keepalive_requests 1000000000; }}"
        f"server {{ {listen} location / {{ proxy_pass http://origin; proxy_http_version 1.1;"
        ' proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;'
        " proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $http_host; } }"
    ))


def worker_of(process):
    """The worker of an nginx master."""
    for _ in range(100):
        out = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
        if out:
            return int(out[0])
        time.sleep(0.05)
    sys.exit("nginx has no worker")
