"""Backends that say which request they received, and one client call to learn where a request went."""

import dataclasses
import json

from support.client import Answer, RawClient
from support.origin import HttpOrigin, Request, response


def echo(name: str, **listen) -> HttpOrigin:
    """Answers with what it got. The request field `x-echo-set: name=value` becomes a field of the response."""

    def answer(request: Request) -> bytes:
        seen = {"backend": name, "method": request.method, "target": request.target, "host": request.field("host"),
                "fields": [[n.lower(), v] for n, v in request.fields]}
        fields = [tuple(value.split("=", 1)) for value in request.all("x-echo-set")]
        return response(body=json.dumps(seen).encode(), fields=[("Content-Type", "application/json"), *fields])

    return HttpOrigin(answer, name=name, **listen)


@dataclasses.dataclass
class Reply:
    """What the client got, and what the backend saw when it was an echo that answered."""

    answer: Answer
    backend: str = None
    method: str = None
    target: str = None
    host: str = None
    fields: list = dataclasses.field(default_factory=list)

    @property
    def status(self) -> int:
        return self.answer.status

    def all(self, name: str) -> list:
        """Values of a request field as the backend saw them."""
        return [value for key, value in self.fields if key == name.lower()]


def reply(answer: Answer) -> Reply:
    if answer.field("content-type") != "application/json":
        return Reply(answer)
    return Reply(answer, **json.loads(answer.body))


def ask(port: int, target: str = "/", host: str = "a.example", method: str = "GET", fields=(), **connection) -> Reply:
    """One request on a fresh connection. `fields` are (name, value) pairs."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in fields)]
    head = "\r\n".join(lines) + "\r\n\r\n"
    with RawClient(port, **connection) as client:
        return reply(client.request(head.encode("latin-1"), method))
