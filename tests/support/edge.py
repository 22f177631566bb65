"""A running headgate: started on free ports, waited for, stopped with SIGTERM, searched for sanitizer reports."""

import json
import os
import pathlib
import re
import signal
import subprocess
import urllib.error
import urllib.request

from support.ports import free_port
from support.wait import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_S = 30  # a sanitizer build on a busy machine
STOP_S = 30
_SANITIZER = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|: runtime error: |LeakSanitizer")


def binary() -> pathlib.Path:
    return pathlib.Path(os.environ.get("HEADGATE_BINARY", ROOT / "build/release/headgate")).resolve()


def sanitizer_environment(directory: pathlib.Path) -> dict:
    log = directory / "sanitizer"
    return {
        "ASAN_OPTIONS": f"log_path={log}:detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=0:"
                        "handle_abort=1",
        "UBSAN_OPTIONS": f"log_path={log}:print_stacktrace=1",
        "TSAN_OPTIONS": f"log_path={log}:halt_on_error=0:second_deadlock_stack=1",
    }


class Edge:
    """One `headgate up`. Attributes: admin_port, api_port, directory, config_file, state, process."""

    def __init__(self, directory, config: str, workers: int = 1, args=(), env=None, log: bool = True):
        self.directory = pathlib.Path(directory)
        self.config_file = self.directory / "config" / "edge.yaml"
        self.state = self.directory / "state"
        self.config_file.parent.mkdir(parents=True, exist_ok=True)
        self.config_file.write_text(config)
        self.admin_port, self.api_port = free_port(), free_port()
        self.workers, self.args, self.env = workers, list(args), dict(env or {})
        self.stderr_file = self.directory / "stderr.log"
        self.stdout_file = self.directory / "stdout.log"
        self.process = None
        self.expected_exit = 0

    def command(self):
        return [str(binary()), "up", "-f", str(self.config_file), "--state", str(self.state),
                "--workers", str(self.workers), "--admin", f"127.0.0.1:{self.admin_port}",
                "--api", f"127.0.0.1:{self.api_port}", *self.args]

    def start(self, ready: bool = True):
        env = {**os.environ, **sanitizer_environment(self.directory), **self.env}
        with open(self.stdout_file, "ab") as out, open(self.stderr_file, "ab") as err:
            self.process = subprocess.Popen(self.command(), stdout=out, stderr=err, env=env,
                                            stdin=subprocess.DEVNULL)
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self, timeout_s: float = START_S):
        wait_until(self._ready_or_dead, timeout_s, f"/readyz of {self.command()}\n{self.stderr()}")

    def _ready_or_dead(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"headgate exited with {self.process.returncode}\n{self.stderr()}{self.stdout()}")
        status, _ = self.admin("/readyz")
        return status == 200

    def admin(self, path: str, timeout_s: float = 5):
        """(status, body text) of a GET on the admin port; status 0 when nobody answers."""
        try:
            url = f"http://127.0.0.1:{self.admin_port}{path}"
            with urllib.request.urlopen(url, timeout=timeout_s) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except OSError:
            return 0, ""

    def metrics(self) -> dict:
        """Samples by their full name, labels included: 'headgate_requests_total{listener="http"}' -> 3.0."""
        status, text = self.admin("/metrics")
        assert status == 200, f"/metrics answered {status}"
        rows = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in rows}

    def metric(self, name: str, **labels) -> float:
        """The sum of all samples of `name` that carry these labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(value for sample, value in self.metrics().items()
                   if sample.split("{")[0] == name and all(label in sample for label in wanted))

    def wait_metric(self, name: str, at_least: float, timeout_s: float = 10, **labels):
        def reached() -> bool:
            try:
                return self.metric(name, **labels) >= at_least
            except AssertionError:
                return False  # nobody answers while one data plane takes over from another
        wait_until(reached, timeout_s, f"{name} {labels} >= {at_least}")

    def stdout(self) -> str:
        return self.stdout_file.read_text(errors="replace") if self.stdout_file.exists() else ""

    def stderr(self) -> str:
        return self.stderr_file.read_text(errors="replace") if self.stderr_file.exists() else ""

    def json_lines(self):
        """Every JSON object that stands on a line of its own in stdout or stderr: the access log, and events."""
        objects = []
        for line in (self.stdout() + "\n" + self.stderr()).splitlines():
            if line.startswith("{"):
                try:
                    objects.append(json.loads(line))
                except ValueError:
                    continue  # cut in the middle of a write; the next reading has all of it
        return objects

    def wait_log(self, matches, timeout_s: float = 10) -> dict:
        """The first JSON log line for which `matches(object)` holds."""
        return wait_until(lambda: next(filter(matches, self.json_lines()), None), timeout_s, "log line")

    def write_config(self, config: str):
        """Replaces the file in one step, as an editor or a deployment does."""
        fresh = self.config_file.with_suffix(".tmp")
        fresh.write_text(config)
        fresh.replace(self.config_file)

    def reload(self, config: str = None):
        if config is not None:
            self.write_config(config)
        self.process.send_signal(signal.SIGHUP)

    def children(self):
        """Process ids of the data-plane processes that this supervisor runs now."""
        path = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def ca_file(self) -> pathlib.Path:
        """The certificate of the development CA that headgate makes in its state directory."""
        file = self.state / "local-ca" / "ca.crt"
        return wait_until(lambda: file.exists() and file, 10, f"{file} of the development CA")

    def stop(self, sig=signal.SIGTERM, timeout_s: float = STOP_S) -> int:
        """Ends the process and returns its exit code; raises when it does not end by itself."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else 0
        self.process.send_signal(sig)
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"headgate did not stop within {timeout_s} s of signal {sig}\n{self.stderr()}")

    def kill(self):
        for pid in self.children() if self.process.poll() is None else []:
            os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    def sanitizer_report(self) -> str:
        reports = [path.read_text(errors="replace") for path in self.directory.glob("sanitizer*")]
        if _SANITIZER.search(self.stderr()):
            reports.append(self.stderr())
        return "\n".join(reports)

    def close(self):
        """Stop, and assert that the exit was clean and that no sanitizer complained."""
        code = self.stop()
        report = self.sanitizer_report()
        assert not report, f"sanitizer report:\n{report[:8000]}"
        assert code == self.expected_exit, f"headgate exited with {code}\n{self.stderr()[-4000:]}"


def check(directory, config: str, timeout_s: float = 60):
    """`headgate check` of a configuration: the completed process, with exit code 0 or 4 and its problems."""
    file = pathlib.Path(directory) / "check" / "edge.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(config)
    return subprocess.run([str(binary()), "check", "-f", str(file.parent)], capture_output=True, text=True,
                          timeout=timeout_s, stdin=subprocess.DEVNULL)
