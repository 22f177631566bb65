#!/usr/bin/python3
"""Tidiness: the rules of the code that a compiler does not know. Prints each breach as file:line: what; exits 1 when there is one.

script/tidiness.py [FILE...]: without files, all of src/ and script/.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 60
SCRIPT_LINES_MAX = 60
README_LINES_MAX = 30

SLOW_HEADERS = {"regex", "iostream", "filesystem", "functional"}
SYSTEM_HEADERS = {  # of them come descriptors, processes and clocks, which are src/io's alone
    "unistd.h", "fcntl.h", "poll.h", "netdb.h", "sys/socket.h", "sys/un.h", "sys/epoll.h", "sys/eventfd.h",
    "sys/timerfd.h", "sys/signalfd.h", "sys/inotify.h", "sys/mman.h", "sys/stat.h", "sys/wait.h", "sys/ioctl.h", "sys/uio.h",
}
SYSTEM_CALLS = ("close socket open openat read write recv send recvmsg sendmsg accept accept4 bind listen connect "
                "shutdown pipe pipe2 dup dup2 dup3 fork execve mmap munmap epoll_ctl epoll_wait ioctl fcntl").split()
# They stop the process or are its start: no loop, no descriptor object exists there.
MAY_CALL_SYSTEM = {"src/base/check.cc"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SYSTEM_CALL = re.compile(r"(?<![\w>:.])::(" + "|".join(SYSTEM_CALLS) + r")\s*\(")
CLOCK = re.compile(r"\b(?:steady_clock|system_clock|high_resolution_clock)::now\b|\b(?:clock_gettime|gettimeofday)\s*\("
                   r"|\btime\s*\(\s*(?:nullptr|NULL|0)\s*\)")
SLEEP = re.compile(r"\bsleep_(?:for|until)\b|\b(?:usleep|nanosleep|sleep)\s*\(")
TABLE_ROW = re.compile(r"^\s*case [^;]*: return [^;]*;\s*$")  # a switch of these is a table, of any length
VAGUE_NAMES = re.compile(r"(?:^|_)(?:utils?|common|helpers?|misc|manager|impl)$")
CONTAINER = re.compile(r"\b(?:namespace|class|struct|union|enum)\b[^()=]*$|\bextern\s*$")


def blank_out(text: str) -> str:
    """The text with the inside of comments and literals as spaces; line breaks stay."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])+\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def functions(code: str):
    """(first line, last line) of each function body in blanked-out code, by matching braces."""
    depth_of_function, opened_at, head_from, depth = None, 0, 0, 0
    for at, char in enumerate(code):
        if char == "{":
            head = code[head_from:at]
            is_body = ")" in head and not CONTAINER.search(head.strip().rsplit("\n", 1)[-1])
            if depth_of_function is None and is_body:
                depth_of_function, opened_at = depth, at
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == depth_of_function:
                yield code.count("\n", 0, opened_at) + 1, code.count("\n", 0, at) + 1
                depth_of_function = None
        if char in "{};" and depth_of_function is None:
            head_from = at + 1


def source_findings(name: str, text: str):
    """(line, what) of each breach in a C++ file whose path below the root is `name`."""
    lines = text.split("\n")
    path = pathlib.PurePosixPath(name)
    is_test = path.stem.endswith(("_test", "_bench", "_fuzz", "_for_test")) or path.parent.name == "testing"
    in_io = name.startswith("src/io/") or name in MAY_CALL_SYSTEM
    if len(lines) > FILE_LINES_MAX:
        yield 1, f"{len(lines)} lines, more than {FILE_LINES_MAX}: split it by topic"
    if VAGUE_NAMES.search(path.stem):
        yield 1, "a file is named for what it holds"
    if path.suffix == ".h":
        yield from header_findings(lines)
    code = blank_out(text)
    bare_lines = code.split("\n")
    for first, last in functions(code):
        count = sum(not TABLE_ROW.match(line) for line in bare_lines[first - 1:last])
        if count > FUNCTION_LINES_MAX and not is_test:  # a table of cases is as long as what it lists
            yield first, f"function of {count} lines, more than {FUNCTION_LINES_MAX}"
    for number, (line, bare) in enumerate(zip(lines, bare_lines), 1):
        yield from ((number, what) for what in include_findings(line, path.suffix == ".h" and not is_test, in_io or is_test))
        if SLEEP.search(bare):
            yield number, "nothing sleeps: wait for an event, or move the clock"
        if not in_io and not is_test and SYSTEM_CALL.search(bare):
            yield number, "a raw system call outside of src/io"
        if not in_io and CLOCK.search(bare):
            yield number, "a clock is read outside of src/io: take the time as an argument"


def header_findings(lines):
    if lines[0] != "#pragma once":
        yield 1, "a header begins with #pragma once"
    elif not lines[1].startswith("//"):
        yield 2, "a header's comment says purpose, thread, lifetime and limits"


def include_findings(line: str, is_header: bool, may_call_system: bool):
    found = INCLUDE.match(line)
    if not found:
        return
    included = found.group(2)
    if ".." in included.split("/"):
        yield "an include leaves its directory by '..'"
    if is_header and included in SLOW_HEADERS:
        yield f"<{included}> in a header slows every build"
    if not may_call_system and included in SYSTEM_HEADERS:
        yield f"<{included}> outside of src/io"


def length_findings(name: str, text: str):
    """Breaches in scripts and module READMEs."""
    count = text.count("\n")
    if name.startswith("script/") and text.startswith("#!/usr/bin/env bash") and count > SCRIPT_LINES_MAX:
        yield 1, f"script of {count} lines, more than {SCRIPT_LINES_MAX}"
    if name.startswith("src/") and name.endswith("README.md") and count > README_LINES_MAX:
        yield 1, f"README of {count} lines, more than {README_LINES_MAX}"


def findings(name: str, text: str):
    if name.startswith("src/") and name.endswith((".h", ".cc")):
        yield from source_findings(name, text)
    else:
        yield from length_findings(name, text)


def missing_readmes():
    for module in [*(ROOT / "src").iterdir(), *(ROOT / "src/roles").glob("*")]:
        has_code = any(module.rglob("*.h")) or any(module.rglob("*.cc"))
        if module.is_dir() and module.name != "roles" and has_code and not (module / "README.md").exists():
            yield f"{module.relative_to(ROOT)}: a module has a README.md of at most {README_LINES_MAX} lines"


def main(arguments) -> int:
    files = [pathlib.Path(a).resolve() for a in arguments]
    if not files:
        files = sorted(f for top in ("src", "script") for f in (ROOT / top).rglob("*") if f.is_file())
    breaches = [] if arguments else sorted(missing_readmes())
    for file in files:
        name = file.relative_to(ROOT).as_posix()
        text = file.read_text(errors="replace")
        breaches += [f"{name}:{line}: {what}" for line, what in findings(name, text)]
    print("\n".join([*breaches, f"tidiness: {len(files)} files, {len(breaches)} breaches"]))
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
