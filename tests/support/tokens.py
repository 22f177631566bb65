"""Signed tokens (JWT) and key sets, made with the openssl command."""

import base64
import json
import pathlib
import subprocess
import time


def _openssl(*args, data: bytes = b"") -> bytes:
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True, timeout=60, input=data)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _json(value) -> str:
    return _text(json.dumps(value).encode())


def _side_by_side(der: bytes) -> bytes:
    """r and s of an ECDSA signature over P-256, each in 32 bytes."""
    numbers, at = b"", 2
    for _ in range(2):
        size = der[at + 1]
        numbers += der[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + size
    return numbers


class SigningKey:
    """A private key for `algorithm`: RS256, ES256 or EdDSA. `jwk` is its public half."""

    _KINDS = {"RS256": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
              "ES256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "EdDSA": ["ED25519"]}

    def __init__(self, directory, algorithm: str, kid: str):
        self.algorithm, self.kid = algorithm, kid
        self.file = pathlib.Path(directory) / f"{kid}.pem"
        _openssl("genpkey", "-algorithm", *self._KINDS[algorithm], "-out", self.file)
        self.jwk = {"kid": kid, "alg": algorithm, "use": "sig", **self._numbers()}

    def _numbers(self) -> dict:
        der = _openssl("pkey", "-in", self.file, "-pubout", "-outform", "DER")
        if self.algorithm == "EdDSA":
            return {"kty": "OKP", "crv": "Ed25519", "x": _text(der[-32:])}
        if self.algorithm == "ES256":
            return {"kty": "EC", "crv": "P-256", "x": _text(der[-64:-32]), "y": _text(der[-32:])}
        modulus = _openssl("rsa", "-in", self.file, "-noout", "-modulus").decode().strip().split("=")[1]
        return {"kty": "RSA", "n": _text(bytes.fromhex(modulus)), "e": "AQAB"}

    def _signature(self, data: bytes) -> bytes:
        if self.algorithm == "EdDSA":
            plain = self.file.with_suffix(".txt")
            plain.write_bytes(data)
            return _openssl("pkeyutl", "-sign", "-inkey", self.file, "-rawin", "-in", plain)
        signature = _openssl("dgst", "-sha256", "-sign", self.file, data=data)
        return _side_by_side(signature) if self.algorithm == "ES256" else signature

    def token(self, lifetime_s: int = 3600, header: dict = None, **claims) -> str:
        claims = {"exp": int(time.time()) + lifetime_s, **claims}
        signed = _json({"alg": self.algorithm, "kid": self.kid, **(header or {})}) + "." + _json(claims)
        return signed + "." + _text(self._signature(signed.encode()))


def unsigned_token(**claims) -> str:
    """What a service that believes `alg: none` would let in."""
    return _json({"alg": "none"}) + "." + _json({"exp": int(time.time()) + 3600, **claims}) + "."


def key_set(*keys: SigningKey) -> str:
    return json.dumps({"keys": [key.jwk for key in keys]})
