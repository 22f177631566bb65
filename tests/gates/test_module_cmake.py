"""cmake/module.cmake on a project of two modules: what is undeclared neither compiles nor links."""

import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

PROJECT = """cmake_minimum_required(VERSION 3.25)
project(gates CXX)
set(CMAKE_CXX_STANDARD 20)
option(HEADGATE_TESTS "" ON)
find_package(fmt REQUIRED)
include({module_cmake})
headgate_module(below)
headgate_module(beside)
headgate_module(above {declaration})
"""
BELOW_H = "#pragma once\nnamespace below { int value(); }\n"
BELOW_CC = '#include "below/value.h"\nnamespace below { int value() { return 42; } }\n'
BESIDE_CC = "namespace beside { int other() { return 1; } }\n"
INCLUDES_IT = '#include "below/value.h"\nnamespace above { int twice() { return 2 * below::value(); } }\n'
# Declares by hand what it did not include: compiles anywhere, and only linking shows the hidden dependency.
HIDES_IT = "namespace below { int value(); }\nnamespace above { int twice() { return 2 * below::value(); } }\n"


@pytest.fixture
def project(tmp_path):
    def make(declaration: str, above: str, top: str = None):
        cmake = PROJECT.format(module_cmake=ROOT / "cmake/module.cmake", declaration=declaration)
        for name, text in {"CMakeLists.txt": cmake, "src/below/value.h": BELOW_H, "src/below/value.cc": BELOW_CC,
                           "src/beside/other.cc": BESIDE_CC, "src/above/twice.cc": above,
                           "src/top/top.cc": (top or "").replace("above", "top")}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        done = run(tmp_path, "cmake", "-S", ".", "-B", "build", "-G", "Ninja")
        assert done.returncode == 0, done.stderr
        return tmp_path

    return make


def run(directory: pathlib.Path, *command):
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120)


def ninja(directory: pathlib.Path, target: str):
    return run(directory, "ninja", "-C", "build", target)


def test_an_undeclared_include_does_not_compile(project):
    done = ninja(project("DEPS beside", INCLUDES_IT), "hg_above")
    assert done.returncode != 0 and "below/value.h: No such file" in done.stdout


def test_a_declared_include_compiles_and_links(project):
    directory = project("DEPS below", INCLUDES_IT)
    assert ninja(directory, "hg_above").returncode == 0
    done = ninja(directory, "link_gates")
    assert done.returncode == 0, done.stdout


def test_a_hidden_dependency_compiles_but_fails_at_the_link_gate(project):
    directory = project("DEPS beside", HIDES_IT)
    assert ninja(directory, "hg_above").returncode == 0
    done = ninja(directory, "link_gates")
    assert done.returncode != 0 and "undefined" in done.stdout and "below::value" in done.stdout


def test_a_dependency_of_a_dependency_is_not_inherited(project):
    directory = project("DEPS below)\nheadgate_module(top DEPS above", INCLUDES_IT, HIDES_IT)
    done = ninja(directory, "link_hg_top")
    assert done.returncode != 0 and "below::value" in done.stdout


def test_the_same_dependency_passes_the_link_gate_once_declared(project):
    done = ninja(project("DEPS below", HIDES_IT), "link_hg_above")
    assert done.returncode == 0, done.stdout
