"""Gateway, ListenerSet, ReferenceGrant: who may attach where, and who may refer to what."""

import pytest

from support.echo import ask
from support.edge import check


def resources(world) -> str:
    return f"""
apiVersion: v1
kind: Namespace
metadata: {{name: shop, labels: {{team: shop}}}}
---
apiVersion: v1
kind: Namespace
metadata: {{name: mail, labels: {{team: mail}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: edge}}
spec:
  gatewayClassName: headgate
  addresses: [{{value: 127.0.0.1}}]
  allowedListeners: {{namespaces: {{from: Selector, selector: {{matchLabels: {{team: shop}}}}}}}}
  listeners:
  - {{name: same, protocol: HTTP, port: {world.port}, hostname: same.example}}
  - {{name: all, protocol: HTTP, port: {world.port}, hostname: all.example, allowedRoutes: {{namespaces: {{from: All}}}}}}
  - name: selected
    protocol: HTTP
    port: {world.port}
    hostname: selected.example
    allowedRoutes: {{namespaces: {{from: Selector, selector: {{matchExpressions: [{{key: team, operator: In, values: [mail]}}]}}}}}}
  - name: grpc-alone
    protocol: HTTP
    port: {world.port}
    hostname: grpc.example
    allowedRoutes: {{namespaces: {{from: All}}, kinds: [{{kind: GRPCRoute}}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: second}}
spec:
  gatewayClassName: headgate
  addresses: [{{value: 127.0.0.1}}]
  listeners: [{{name: http, protocol: HTTP, port: {world.tls_port}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {{name: more, namespace: shop}}
spec:
  parentRef: {{name: edge, namespace: default}}
  listeners: [{{name: added, protocol: HTTP, port: {world.port}, hostname: added.example}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: two-gateways}}
spec:
  parentRefs: [{{name: edge, sectionName: same}}, {{name: second}}]
  rules: [{{backendRefs: [{{group: headgate.io, kind: Upstream, name: v1}}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: by-port}}
spec:
  parentRefs: [{{name: second, port: {world.tls_port}}}]
  hostnames: [by-port.example]
  rules: [{{backendRefs: [{{group: headgate.io, kind: Upstream, name: v2}}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: of-shop, namespace: shop}}
spec:
  parentRefs: [{{name: edge, namespace: default, sectionName: all}}]
  rules:
  - {{backendRefs: [{{group: headgate.io, kind: Upstream, name: v2, namespace: default}}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: of-mail, namespace: mail}}
spec:
  parentRefs: [{{name: edge, namespace: default, sectionName: selected}}]
  rules: [{{backendRefs: [{{group: headgate.io, kind: Upstream, name: v3, namespace: default}}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: of-set, namespace: shop}}
spec:
  parentRefs: [{{kind: ListenerSet, name: more, sectionName: added}}]
  rules: [{{backendRefs: [{{group: headgate.io, kind: Upstream, name: v1, namespace: default}}]}}]
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {{name: routes, namespace: default}}
spec:
  from: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}}, {{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: mail}}]
  to: [{{group: headgate.io, kind: Upstream}}]
"""


ATTACHED = [
    ("port", "same.example", "v1"), ("tls_port", "anything.example", "v1"), ("tls_port", "by-port.example", "v2"),
    ("port", "all.example", "v2"), ("port", "selected.example", "v3"), ("port", "added.example", "v1"),
    ("port", "by-port.example", None), ("port", "grpc.example", None), ("port", "anything.example", None),
]


@pytest.mark.parametrize("port, host, expected", ATTACHED)
def test_a_route_is_served_where_it_may_attach(world, port, host, expected):
    reply = ask(getattr(world, port), host=host)
    assert (reply.status, reply.backend) == ((200, expected) if expected else (404, None))


EDGE = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: headgate
  listeners: [{name: http, protocol: HTTP, port: 8080}]
---
apiVersion: headgate.io/v1alpha1
kind: Upstream
metadata: {name: cart, namespace: shop}
spec: {endpoints: [{address: 127.0.0.1, port: 9000}]}
---
apiVersion: headgate.io/v1alpha1
kind: Upstream
metadata: {name: cart}
spec: {endpoints: [{address: 127.0.0.1, port: 9000}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
"""

# What is wrong with a route, and words of the problem that must be told.
REFUSED = [
    ("a misspelled backend", "metadata: {name: r}\nspec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{group: "
     "headgate.io, kind: Upstream, name: carts}]}]}", ["carts", "did you mean 'cart'"]),
    ("a kind of backend that does not exist", "metadata: {name: r}\nspec: {parentRefs: [{name: edge}], rules: [{backendRefs: "
     "[{group: example.com, kind: Bucket, name: cart}]}]}", ["Bucket"]),
    ("the default kind of backend", "metadata: {name: r}\nspec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: cart, "
     "port: 80}]}]}", ["Service", "Upstream"]),
    ("a backend of another namespace without a grant", "metadata: {name: r}\nspec: {parentRefs: [{name: edge}], rules: "
     "[{backendRefs: [{group: headgate.io, kind: Upstream, name: cart, namespace: shop}]}]}", ["ReferenceGrant", "shop"]),
    ("a misspelled gateway", "metadata: {name: r}\nspec: {parentRefs: [{name: edgy}], rules: [{backendRefs: [{group: "
     "headgate.io, kind: Upstream, name: cart}]}]}", ["edgy", "did you mean 'edge'"]),
    ("a misspelled listener", "metadata: {name: r}\nspec: {parentRefs: [{name: edge, sectionName: htp}], rules: [{backendRefs: "
     "[{group: headgate.io, kind: Upstream, name: cart}]}]}", ["htp", "'http'"]),
    ("a port without listener", "metadata: {name: r}\nspec: {parentRefs: [{name: edge, port: 8081}], rules: [{backendRefs: "
     "[{group: headgate.io, kind: Upstream, name: cart}]}]}", ["8081"]),
    ("a namespace that may not attach", "metadata: {name: r, namespace: shop}\nspec: {parentRefs: [{name: edge, namespace: "
     "default}], rules: [{backendRefs: [{group: headgate.io, kind: Upstream, name: cart}]}]}", ["shop", "allow"]),
]


@pytest.mark.parametrize("what, route, words", REFUSED, ids=[case[0] for case in REFUSED])
def test_in_files_a_reference_that_leads_nowhere_is_an_error_with_its_place(tmp_path, what, route, words):
    done = check(tmp_path, EDGE + route)
    assert done.returncode == 4, done.stdout
    assert "edge.yaml:" in done.stdout and "HTTPRoute" in done.stdout
    for word in words:
        assert word in done.stdout, done.stdout


def test_a_grant_is_for_the_named_object_alone(tmp_path):
    grant = """
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: cart, namespace: shop}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default}]
  to: [{group: headgate.io, kind: Upstream, name: %s}]
"""
    route = ("metadata: {name: r}\nspec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{group: headgate.io, "
             "kind: Upstream, name: cart, namespace: shop}]}]}")
    assert check(tmp_path, EDGE + route + grant % "cart").returncode == 0
    assert check(tmp_path, EDGE + route + grant % "basket").returncode == 4


def test_a_certificate_of_another_namespace_needs_a_grant(tmp_path, authority):
    leaf = authority.issue("a.example")
    indent = lambda pem: pem.strip().replace("\n", "\n    ")
    config = f"""
apiVersion: v1
kind: Secret
metadata: {{name: cert, namespace: vault}}
type: kubernetes.io/tls
stringData:
  tls.crt: |
    {indent(leaf.cert_pem)}
  tls.key: |
    {indent(leaf.key_pem)}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: edge}}
spec:
  gatewayClassName: headgate
  listeners: [{{name: https, protocol: HTTPS, port: 8443, tls: {{certificateRefs: [{{name: cert, namespace: vault}}]}}}}]
"""
    grant = """
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: edge, namespace: vault}
spec:
  from: [{group: gateway.networking.k8s.io, kind: %s, namespace: default}]
  to: [{group: "", kind: Secret, name: cert}]
"""
    refused = check(tmp_path, config)
    assert refused.returncode == 4 and "ReferenceGrant" in refused.stdout
    assert check(tmp_path, config + grant % "HTTPRoute").returncode == 4
    allowed = check(tmp_path, config + grant % "Gateway")
    assert allowed.returncode == 0, allowed.stdout


BROKEN_GATEWAYS = [
    ("an unknown protocol", "listeners: [{name: a, protocol: SMTP, port: 25}]", "SMTP"),
    ("two listeners alike", "listeners: [{name: a, protocol: HTTP, port: 8080}, {name: b, protocol: HTTP, port: 8080}]", "differ"),
    ("two protocols on a port", "listeners: [{name: a, protocol: HTTP, port: 8080}, {name: b, protocol: TCP, port: 8080}]", "8080"),
    ("a kind that the protocol cannot carry",
     "listeners: [{name: a, protocol: HTTP, port: 8080, allowedRoutes: {kinds: [{kind: TCPRoute}]}}]", "TCPRoute"),
    ("a certificate that is not there", "listeners: [{name: a, protocol: HTTPS, port: 8443, tls: {certificateRefs: [{name: x}]}}]", "'x'"),
    ("tls on HTTP", "listeners: [{name: a, protocol: HTTP, port: 8080, tls: {certificateRefs: [{name: x}]}}]", "tls"),
]


@pytest.mark.parametrize("what, listeners, word", BROKEN_GATEWAYS, ids=[case[0] for case in BROKEN_GATEWAYS])
def test_a_gateway_that_cannot_be_served_is_refused(tmp_path, what, listeners, word):
    head = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: edge}\nspec:\n  gatewayClassName: headgate\n  "
    done = check(tmp_path, head + listeners + "\n")
    assert done.returncode == 4 and word in done.stdout, done.stdout
