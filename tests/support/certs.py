"""Certificates, made with the openssl command: a CA, and leaves for servers and clients."""

import pathlib
import ssl
import subprocess


def _openssl(*args, stdin: str = None):
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True, timeout=60, input=stdin or "")
    assert done.returncode == 0, done.stderr


class Leaf:
    """Paths `cert` (chain without the CA) and `key`, and their text as `cert_pem` and `key_pem`."""

    def __init__(self, cert: pathlib.Path, key: pathlib.Path):
        self.cert, self.key = cert, key
        self.cert_pem, self.key_pem = cert.read_text(), key.read_text()

    def server_context(self, alpn=("http/1.1",), client_ca: pathlib.Path = None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        context.set_alpn_protocols(list(alpn))
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_ca)
        return context


class Authority:
    """A certificate authority in `directory`; its certificate is `ca` (a path), as text `ca_pem`."""

    def __init__(self, directory, name: str = "Test CA"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.ca, self._ca_key = self.directory / "ca.crt", self.directory / "ca.key"
        self._count = 0
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 3650,
                 "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                 "-keyout", self._ca_key, "-out", self.ca)
        self.ca_pem = self.ca.read_text()

    def issue(self, *names: str, kind: str = "ecdsa", days: int = 30) -> Leaf:
        """A leaf for these DNS names and addresses; `kind` is ecdsa or rsa. Without names it is for a client."""
        self._count += 1
        base = self.directory / f"leaf{self._count}"
        key, request, cert, extensions = (base.with_suffix(s) for s in (".key", ".csr", ".crt", ".ext"))
        algorithm = ["-newkey", "rsa:2048"] if kind == "rsa" else ["-newkey", "ec", "-pkeyopt",
                                                                   "ec_paramgen_curve:P-256"]
        _openssl("req", *algorithm, "-nodes", "-subj", f"/CN={names[0] if names else 'client'}",
                 "-keyout", key, "-out", request)
        alternatives = ",".join(("IP:" if n.replace(".", "").isdigit() or ":" in n else "DNS:") + n for n in names)
        extensions.write_text("basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n" +
                              (f"subjectAltName={alternatives}\n" if names else ""))
        _openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._ca_key, "-CAcreateserial",
                 "-days", days, "-extfile", extensions, "-out", cert)
        return Leaf(cert, key)

    def client_context(self, alpn=("http/1.1",), leaf: Leaf = None) -> ssl.SSLContext:
        """Trusts this CA alone; presents `leaf` when given."""
        return trusting(self.ca, alpn, leaf)


def trusting(ca, alpn=("http/1.1",), leaf: Leaf = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca)
    context.set_alpn_protocols(list(alpn))
    if leaf:
        context.load_cert_chain(leaf.cert, leaf.key)
    return context
