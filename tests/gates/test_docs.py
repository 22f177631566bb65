"""The documents name what is there: files, folders, links and options of the command line."""

import pathlib
import re
import runpy

import pytest

ROOT = pathlib.Path(__file__).parents[2]
TOPS = ("bench", "cmake", "docs", "examples", "script", "src", "tests")
FILES = [path for top in TOPS for path in (ROOT / top).rglob("*") if "__pycache__" not in path.parts]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(path for path in FILES if path.suffix == ".md" and "reference" not in path.parts)])

FILE_NAME = re.compile(r"[\w.*/-]+\.(?:h|cc|py|sh|md|yaml|txt|cmake|\*)|[\w.-]+(?:/[\w.-]+)*/")
WITH_TOP = re.compile(r"(?<![\w./-])(?:\./)?((?:" + "|".join(TOPS) + r")/[\w./-]*\w)")
MADE_BY_USE = {"build/release/headgate", "tests/e2e/test_x.py", "bench/NAME"}
WRITTEN_LATER = re.compile(r"\bNAME|^_|\bx_|_x\b|<")  # a pattern, or a place that the reader fills in


def text_of(document):
    return document.read_text()


def quoted(document):
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text_of(document), flags=re.S | re.M))


def is_there(document, name):
    """Beside the document or below it, from the root, from src/, or one file of that name below the document's module."""
    name = name.rstrip("/")
    places = [document.parent, ROOT, ROOT / "src", *document.parents[1:3]]
    if any(place.glob(name) and next(place.glob(name), None) for place in places):
        return True
    below = ROOT / "src" if document.parent in (ROOT, ROOT / "docs", ROOT / "docs/adr") else document.parent
    return "/" not in name and next(below.rglob(name), None) is not None


def missing_files(document):
    named = {one for one in quoted(document) if FILE_NAME.fullmatch(one)}
    named |= set(WITH_TOP.findall(text_of(document)))
    return sorted(one for one in named if not WRITTEN_LATER.search(one) and not is_there(document, one))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_is_there(document):
    assert missing_files(document) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_document_leads_somewhere(document):
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", text_of(document))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_options_in_documents_are_those_of_the_program():
    """What stands behind `headgate COMMAND`, and what is quoted in documents for who runs it."""
    source = "".join(path.read_text() for path in (ROOT / "src/app").glob("*command_line.cc"))
    known = set(re.findall(r'"(?:-\w,)?(--[\w-]+)"', source)) | {"--help", "--version"}
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.md")]:
        spans = re.findall(r"headgate (?:up|check|docs|sign-url|purge|cache explain)\b[^`\n#]*", text_of(document))
        if document.name != "performance.md":  # whose options are script/bench's
            spans += [span for span in quoted(document) if span.startswith("--")]
        named = {option for span in spans for option in re.findall(r"(?<![\w-])--[\w-]+", span)}
        assert named <= known, f"{document.name}: {named - known}"


def test_commands_in_documents_take_options_alone_where_the_program_does():
    for document in DOCUMENTS:
        commands = [*quoted(document), *re.findall(r"^(?: {4}|\S*headgate ).*$", text_of(document), re.M)]
        assert [one for one in commands if re.search(r"headgate (?:up|check|purge) [\w/]", one)] == [], document.name


def test_rows_of_the_benches_in_documents_are_there():
    known = {row for name in ("proxy", "cache") for row in runpy.run_path(str(ROOT / "bench" / name))["BENCH"].rows}
    text = text_of(ROOT / "docs/performance.md")
    named = {row for rows in re.findall(r"--rows ([\w,-]+)", text) for row in rows.split(",")}
    named |= set(re.findall(r"\brow `([\w-]+)`", text))
    assert named and named <= known, named - known


@pytest.mark.parametrize("document, folder", [("bench/README.md", "bench/harness"), ("tests/README.md", "tests/support")])
def test_a_map_of_modules_names_them_all(document, folder):
    modules = {path.stem for path in (ROOT / folder).glob("*.py")} - {"__init__"}
    named = set(re.findall(r"(\w+)(?:\.py)?`", text_of(ROOT / document)))
    assert modules <= named, modules - named


def test_a_name_that_is_not_there_is_found(tmp_path):
    document = tmp_path / "README.md"
    document.write_text("`gone.h`, `src/gone/`, see src/gone/a.cc and `src/base/result.h`, `x_fuzz.cc`\n")
    assert missing_files(document) == ["gone.h", "src/gone", "src/gone/", "src/gone/a.cc"]
