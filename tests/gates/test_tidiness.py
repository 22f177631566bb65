"""script/tidiness.py finds each kind of breach, and lets what is right pass."""

import importlib.util
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("tidiness", ROOT / "script/tidiness.py")
tidiness = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tidiness)

LONG_BODY = "  work();\n" * 70
BREACHES = {
    "no pragma": ("src/wire/a.h", "// text\nint a;\n", "#pragma once"),
    "no header comment": ("src/wire/a.h", "#pragma once\nint a;\n", "comment"),
    "slow header": ("src/wire/a.h", "#pragma once\n// text\n#include <functional>\n", "slows"),
    "parent include": ("src/wire/a.cc", '#include "../base/a.h"\n', "'..'"),
    "system header": ("src/roles/proxy/a.cc", "#include <sys/socket.h>\n", "outside of src/io"),
    "system call": ("src/roles/proxy/a.cc", "void f() {\n  ::close(3);\n}\n", "raw system call"),
    "clock": ("src/decide/a.cc", "auto t = std::chrono::steady_clock::now();\n", "clock"),
    "clock in a test": ("src/decide/a_test.cc", "auto t = time(nullptr);\n", "clock"),
    "sleep": ("src/io/a_test.cc", "void f() { std::this_thread::sleep_for(x); }\n", "sleeps"),
    "long function": ("src/io/a.cc", "void f(int a) {\n" + LONG_BODY + "}\n", "function of"),
    "long method": ("src/io/a.cc", "class A {\n  int f() const noexcept {\n" + LONG_BODY + "  }\n};\n", "function of"),
    "long constructor": ("src/io/a.cc", "A::A(int a) : a_{a}, b_(2) {\n" + LONG_BODY + "}\n", "function of"),
    "long file": ("src/io/a.cc", "int a;\n" * 700, "more than 600"),
    "vague name": ("src/io/string_utils.h", "#pragma once\n// text\n", "named for"),
    "long script": ("script/x", "#!/usr/bin/env bash\n" + "true\n" * 70, "script of"),
}


@pytest.mark.parametrize("case", BREACHES)
def test_a_breach_is_found(case):
    name, text, expected = BREACHES[case]
    assert any(expected in what for _, what in tidiness.findings(name, text))


@pytest.mark.parametrize("name, text", [
    ("src/io/a.cc", "#include <unistd.h>\nvoid f() {\n  ::close(3);\n}\n"),
    ("src/roles/proxy/a.cc", "void Session::close() {\n  stream_.close();\n  Session::open(1);\n}\n"),
    ("src/wire/a.cc", '// sleep_for("x") and ::close( are words here\nauto s = "::close(";\n'),
    ("src/wire/a.cc", "namespace a {\nstruct S {\n" + "  int f();\n" * 100 + "};\n}\n"),
    ("src/wire/a.cc", "constexpr int kTable[] = {\n" + "  1,\n" * 100 + "};\n"),
    ("src/wire/a.cc", "void f(int a) {\n  work();\n}\n" * 50),
    ("src/wire/a.cc", "int f(int a) {\n  switch (a) {\n" + '    case 1: return "a;b";\n' * 99 + "  }\n}\n"),
])
def test_what_is_right_passes(name, text):
    assert list(tidiness.findings(name, text)) == []
