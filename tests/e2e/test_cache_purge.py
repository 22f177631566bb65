"""Purges: from the operator's command to every worker and the disk, and over restarts."""

import json
import os
import signal
import subprocess
import threading
import urllib.error
import urllib.request

import pytest

from support.cache_config import cached_edge
from support.client import fetch
from support.edge import Edge, binary
from support.wait import wait_until

LONG = ("Cache-Control", "max-age=1000, stale-while-revalidate=0")


def tagged(request):
    """The version of an answer is the number of the request for it."""
    if request.target == "/private":
        return 200, b"for one", [("Cache-Control", "private")]
    fields = [LONG, ("Cache-Tag", f"all, {request.target.strip('/').split('?')[0]}")]
    return 200, f"{request.target} {len(tagged.seen)}".encode(), fields


tagged.seen = []


@pytest.fixture
def site(headgate, origin, free_port):
    """start(**options) -> an edge with one cached host; `site.get(path)` is an answer of it."""
    counted = origin(lambda request: (tagged.seen.append(1), tagged(request))[1])
    port = free_port()

    class Site:
        def start(self, policy=None, **options):
            self.edge = headgate(cached_edge(port, counted.port, {"shop": policy or {}}), **options)
            return self

        def url(self, path):
            return f"http://shop.test:{port}{path}"

        def get(self, path, *args):
            return fetch(self.url(path), *args)

        def is_hit(self, path):
            return "; hit" in self.get(path).field("cache-status")

        def fill(self, *paths):
            for path in paths:
                self.get(path)
                wait_until(lambda p=path: self.is_hit(p), 10, f"{path} is stored")

        def purge(self, *args, code=0):
            at = [] if "--admin" in args else ["--admin", f"127.0.0.1:{self.edge.admin_port}"]
            command = [str(binary()), "purge", *at, *args]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
            assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
            return done

        def post(self, body, path="/cache/purge", **headers):
            fields = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
            request = urllib.request.Request(f"http://127.0.0.1:{self.edge.admin_port}{path}", body.encode(), fields)
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return answer.status, json.loads(answer.read())
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

        def purges(self, since=0):
            return json.loads(self.edge.admin(f"/cache/purges?since={since}")[1])

    return Site()


def test_each_scope_takes_what_it_names_and_nothing_else(site):
    site.start(workers=2)
    for args, taken in [(["--url", site.url("/a/x")], {"/a/x"}),
                        (["--prefix", site.url("/a")], {"/a/x", "/a/y", "/a/y?q"}),
                        (["--host", "shop.test"], {"/a/x", "/a/y", "/a/y?q", "/b"}),
                        (["--tag", "b", "--namespace", "default"], {"/b"}),
                        (["--tag", "b", "--namespace", "other"], set()),
                        (["--namespace", "default"], {"/a/x", "/a/y", "/a/y?q", "/b"}),
                        (["--everything"], {"/a/x", "/a/y", "/a/y?q", "/b"})]:
        paths = ["/a/x", "/a/y", "/a/y?q", "/b"]
        site.fill(*paths)
        said = site.purge(*args).stdout
        assert "a restart keeps to it" in said, said
        assert {path for path in paths if not site.is_hit(path)} == taken, args


def test_a_url_is_purged_in_every_form_that_the_policy_gives_its_query(site):
    site.start(policy={"key": {"query": {"mode": "Except", "names": ["utm_*"], "sorted": True}}})
    site.fill("/x?b=2&a=1&utm_source=news")
    assert site.is_hit("/x?a=1&b=2")
    site.purge("--url", site.url("/x?utm_medium=mail&a=1&b=2"))
    assert not site.is_hit("/x?a=1&b=2")


def test_a_soft_purge_makes_stale_and_validates(site):
    site.start()
    site.fill("/x")
    before = site.get("/x").body
    said = site.purge("--url", site.url("/x"), "--soft").stdout
    assert said.startswith("Stale from now on"), said
    after = site.get("/x")
    assert "fwd=stale" in after.field("cache-status"), after.field("cache-status")
    assert after.body != before


def test_after_a_receipt_no_worker_serves_what_is_older(site):
    """The receipt is the promise: every request that begins after it sees a version at least as new."""
    site.start(workers=2)
    stop, wrong = threading.Event(), []
    least = {"value": 0}

    def read():
        while not stop.is_set():
            promised = least["value"]
            version = int(site.get("/x").body.split()[1])
            if version < promised:
                wrong.append((version, promised))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(15):
            newest = len(tagged.seen) + 1  # what is fetched from here on is no older
            site.purge("--tag", "x", "--namespace", "default", "--json")
            least["value"] = newest
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert not wrong


def test_a_restart_keeps_to_purges_and_to_the_disk(site):
    site.start(args=["--cache-disk", "1Gi"])
    site.fill("/kept", "/gone", "/prefix/x")
    stored = {path: site.get(path).body for path in ["/kept", "/gone", "/prefix/x"]}  # used again: handed down
    wait_until(lambda: site.edge.metric("headgate_cache_disk_objects") >= 3, 10, "the disk has them")
    site.purge("--url", site.url("/gone"))
    site.purge("--prefix", site.url("/prefix/"))
    assert [order["id"] for order in site.purges()["orders"]] == [1, 2]
    for pid in site.edge.children():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: site.edge.admin("/readyz")[0] == 200, 30, "the next data plane")
    wait_until(lambda: site.purges()["newest"] == 2, 30, "the journal is read")
    for path in ["/gone", "/prefix/x"]:
        assert site.get(path).body != stored[path]
    assert site.get("/kept").body == stored["/kept"], "it comes from the disk"
    assert "order 3" in site.purge("--host", "other.test").stdout


def test_a_journal_that_cannot_be_written_is_told_once_and_measured(tmp_path, origin, free_port):
    edge = Edge(tmp_path, cached_edge(free_port(), origin().port, {"shop": {}}))
    obstacle = edge.state / "cache-purges" / "in the way"
    obstacle.mkdir(parents=True)
    try:
        edge.start()
        edge.wait_metric("headgate_cache_purge_journal_failures_total", at_least=2)
        assert edge.metric("headgate_cache_purge_journal_up") == 0
        wait_until(lambda: "PURGES ARE NOT WRITTEN" in edge.stderr(), 10, "the alarm")
        assert edge.stderr().count("PURGES ARE NOT WRITTEN") == 1
        assert "cache-purges" in json.loads(edge.admin("/status")[1])["cache"]["purgeJournal"]
        obstacle.rmdir()
        obstacle.parent.rmdir()
        wait_until(lambda: edge.metric("headgate_cache_purge_journal_up") == 1, 20, "the next try")
        wait_until(lambda: "purges are written again" in edge.stderr(), 10, "the end of the alarm")
        assert json.loads(edge.admin("/status")[1])["cache"]["purgeJournal"] == ""
    finally:
        edge.close()


def test_a_hot_restart_goes_on_with_the_numbers(site):
    site.start()
    site.purge("--host", "one.test")
    first = site.edge.children()
    site.edge.process.send_signal(signal.SIGUSR2)
    for id in range(2, 12):
        receipt = json.loads(wait_until(lambda: purge_json(site), 30, "a receipt"))
        assert receipt["id"] == id and receipt["durable"]
    wait_until(lambda: site.edge.children() and not set(site.edge.children()) & set(first), 60, "the old one ends")
    assert site.purges(since=9)["orders"][0]["id"] == 10


def purge_json(site):
    """The receipt, or nothing while the old data plane gives way to the new one."""
    command = [str(binary()), "purge", "--admin", f"127.0.0.1:{site.edge.admin_port}", "--host", "two.test", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    return done.stdout if done.returncode == 0 else None


def test_orders_are_listed_and_replayed_to_an_edge_that_was_away(site):
    site.start()
    site.fill("/x", "/y")
    site.purge("--url", site.url("/x"), "--soft")
    listed = site.purges()
    assert (listed["newest"], listed["complete"], len(listed["orders"])) == (1, True, 1)
    assert listed["orders"][0] | {"time": ""} == {"id": 1, "time": "", "url": site.url("/x"), "soft": True}
    status, receipt = site.post(json.dumps({"id": 2, "url": site.url("/y")}))
    assert (status, receipt["id"], receipt["knownBefore"]) == (200, 2, False)
    assert not site.is_hit("/y")
    site.fill("/y")
    assert site.post(json.dumps({"id": 2, "url": site.url("/y")}))[1]["knownBefore"]
    assert site.is_hit("/y"), "an order is carried out once"
    status, refusal = site.post(json.dumps({"id": 7, "host": "a"}))
    assert status == 400 and "7 follows 2" in refusal


def test_what_is_wrong_is_said_by_the_command(site):
    site.start()
    for args, says in [(["--tag", "x"], "namespace"), (["--url", "/x"], "http://"), ([], "one of url, prefix"),
                       (["--host", "a", "--everything"], "two orders"), (["--hots", "a"], "did you mean '--host'?"),
                       (["--host", "a", "--admin", "here"], "--admin")]:
        assert says in site.purge(*args, code=2).stderr, args
    nobody = site.purge("--host", "a", "--admin", "127.0.0.1:1", code=1).stderr
    assert "127.0.0.1:1" in nobody and "headgate up" in nobody
    assert site.purges()["newest"] == 0


def test_it_is_explained_why_something_is_kept_or_not(site, headgate):
    """The command says in words what the page says as JSON."""
    site.start(policy={"key": {"query": {"mode": "Except", "names": ["utm_*"]}}})

    def explain(*args, code=0):
        command = [str(binary()), "cache", "explain", "--admin", f"127.0.0.1:{site.edge.admin_port}", *args]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout or done.stderr

    fresh = explain(site.url("/x"))
    assert "HTTPRoute default/shop" in fresh and "CachePolicy default/shop" in fresh, fresh
    assert "nothing in memory" in fresh and "sent to the origin" in fresh, fresh
    site.fill("/x")
    hit = json.loads(explain(site.url("/x?utm_source=a"), "--json"))
    assert hit["key"] == site.url("/x"), "what the policy leaves out is not in the key"
    assert hit["verdict"]["reason"] == "fresh" and "RFC 9111" in hit["verdict"]["rule"]
    assert hit["variants"][0]["tags"] == ["all", "x"] and hit["variants"][0]["ttl"] > 900
    assert "answered from the cache" in explain(site.url("/x"))
    assert "RFC 9111" in explain(site.url("/x"), "-H", "Cache-Control: no-cache")
    assert "past the cache" in explain(site.url("/x"), "-X", "POST")
    site.get("/private")
    assert "not kept" in explain(site.url("/private"))
    assert "no route" in explain(f"http://other.test:{site.url('/').split(':')[2]}")
    assert "http://" in explain("/x", code=2)
    assert "Name: value" in explain(site.url("/x"), "-H", "nonsense", code=2)


def test_a_browser_cannot_be_made_to_purge(site):
    site.start()
    order = json.dumps({"everything": True})
    assert site.post(order, Content_Type="text/plain")[0] == 415
    assert site.post(order, Content_Type="application/x-www-form-urlencoded")[0] == 415
    assert site.post(order, Host=f"rebound.test:{site.edge.admin_port}")[0] == 403
    assert site.edge.admin("/cache/purge")[0] == 405
    assert site.purges()["newest"] == 0
