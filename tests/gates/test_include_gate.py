"""The include arrows: a module's compiler sees its own headers and those of the modules it declares, nothing else."""

import json
import os
import pathlib
import shlex
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
BELOW_ROLES = {"base", "wire", "model", "decide", "config", "io", "store"}
# What each module may see at most; CMakeLists.txt may declare less.
ALLOWED = {
    "base": set(),
    "wire": {"base"},
    "model": {"base", "wire"},
    "decide": {"model", "wire", "base"},
    "config": {"decide", "model", "wire", "base"},
    "io": {"base", "wire"},
    "store": {"io", "model", "base"},
}


def modules():
    flat = [d.name for d in SRC.iterdir() if d.is_dir() and d.name != "roles"]
    return sorted(flat + [f"roles/{d.name}" for d in (SRC / "roles").glob("*") if d.is_dir()])


def allowed(module: str) -> set:
    if module == "app":
        return set(modules()) - {"app"}
    return BELOW_ROLES if module.startswith("roles/") else ALLOWED[module]


def commands() -> dict:
    """One compiler command for each module, from the first build tree that has them."""
    trees = [ROOT / "build" / name for name in ("asan", "dev", "release")]
    named = os.environ.get("HEADGATE_BUILD")
    for tree in ([pathlib.Path(named)] if named else trees):
        database = tree / "compile_commands.json"
        if database.exists():
            return _by_module(json.loads(database.read_text()))
    pytest.fail("no build tree with compile_commands.json; configure a preset first")


def _by_module(entries) -> dict:
    found = {}
    for entry in entries:
        file = pathlib.Path(entry["file"])
        target = next(part for part in shlex.split(entry["command"]) if part.startswith("CMakeFiles/hg_")) \
            if "CMakeFiles/hg_" in entry["command"] else ""
        for module in modules():
            is_library = target.startswith(f"CMakeFiles/hg_{module.replace('/', '_')}.dir/")
            if is_library and not file.name.endswith(("_test.cc", "_fuzz.cc", "_bench.cc")):
                found.setdefault(module, (entry["directory"], shlex.split(entry["command"])))
    return found


def compiles(module: str, text: str, tmp_path):
    """(succeeded, diagnostics) of compiling `text` as if it stood in `module`."""
    directory, command = commands()[module]
    snippet = tmp_path / "snippet.cc"
    snippet.write_text(text)
    command = [part for part in command if "ccache" not in part]
    command = command[: command.index("-o")] + ["-fsyntax-only", str(snippet)]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120)
    return done.returncode == 0, done.stderr


def header_of(module: str):
    """Any header of the module, as an include names it."""
    headers = sorted((SRC / module).rglob("*.h"))
    return str(headers[0].relative_to(SRC)) if headers else None


@pytest.mark.parametrize("module", modules())
def test_a_header_outside_the_arrows_is_not_found(module, tmp_path):
    forbidden = [header_of(m) for m in modules() if m != module and m not in allowed(module)]
    checks = [f'#if __has_include("{h}")\n#error reaches {h}\n#endif\n' for h in forbidden if h]
    ok, diagnostics = compiles(module, "".join(checks) + "int nothing;\n", tmp_path)
    assert ok, diagnostics


def test_base_cannot_include_wire(tmp_path):
    ok, diagnostics = compiles("base", f'#include "{header_of("wire")}"\n', tmp_path)
    assert not ok and "No such file" in diagnostics


def test_wire_can_include_base(tmp_path):
    ok, diagnostics = compiles("wire", f'#include "{header_of("base")}"\nint nothing;\n', tmp_path)
    assert ok, diagnostics


def test_the_check_of_reachable_headers_can_fail(tmp_path):
    ok, diagnostics = compiles("wire", f'#if __has_include("{header_of("base")}")\n#error reaches\n#endif\n', tmp_path)
    assert not ok and "reaches" in diagnostics
