# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The reference of the public names as Markdown: one page for each stage, from the doc comments of the headers.

    python3 docs/site/reference.py            lists the public names and their headers
    python3 docs/site/reference.py FOLDER     writes the pages, as the hook of the site does

A header is read as clang-format writes it: the declarations of a namespace begin in the first column, the members of a class in
the third. Not public are the namespaces `detail` and `*_must`, and the folders `detail/` and `implementation/`.
"""

import html
import pathlib
import re
import sys
from dataclasses import dataclass, field

INCLUDE = pathlib.Path(__file__).resolve().parents[2] / "include"
STAGES = ["core", "data", "quant", "loss", "network", "teacher", "student", "policy", "agent", "search", "train", "measurement",
          "report", "systems", "support"]
NOT_NAMES = {"static_assert", "decltype", "noexcept", "requires", "alignas", "sizeof", "if", "for", "while", "return"}


@dataclass
class Item:
    """A declaration with the doc comment before it; without code, a comment of its own."""
    namespaces: list
    doc: list
    code: str


@dataclass
class Name:
    """A public name of a header, with all that it declares under it: of overloads, several."""
    name: str
    namespace: str
    kind: str
    items: list = field(default_factory=list)
    suffix: str = ""  # of the anchor, where two headers of a stage declare the name

    @property
    def qualified(self):
        return f"{self.namespace}::{self.name}"

    @property
    def anchor(self):
        words = re.sub(r"operator\W+", lambda x: "operator" + "".join(f"-{ord(c):x}" for c in x[0][8:].strip()), self.name)
        return "-".join([*self.namespace.split("::")[1:], words]) + self.suffix


@dataclass
class Header:
    path: str  # as in an #include
    about: list
    names: list

    @property
    def anchor(self):
        return self.path.removeprefix("rolewise/").replace("/", "-").replace(".", "-")


def bare(line):
    """A line without its comment and the content of its literals."""
    line = re.sub(r'"(?:\\.|[^"\\])*"', '""', line)
    return re.sub(r"'(?:\\.|[^'\\])'", "' '", line).split("//")[0].rstrip()


def items_of(lines):
    """The items of a file, or of the body of a class (two columns to the left), in their order."""
    namespaces, doc, taken, depth, in_clause = [], [], [], 0, False
    in_macro = False
    for line, following in zip([*lines, ""], [*lines[1:], "", ""]):
        if in_macro or line.startswith("#"):
            in_macro = line.endswith("\\")
            continue
        if not taken:
            opened = re.match(r"(?:inline )?namespace ([\w:]*) ?\{", line)
            if opened:
                namespaces, doc = [*namespaces, opened[1] or "detail"], []
            elif line.startswith("}"):
                namespaces = namespaces[:-1]
            elif line.startswith("///"):
                doc.append(line[3:].removeprefix(" "))
            elif not line.strip() or line.startswith("//"):
                if doc and not line.strip():
                    yield Item(namespaces, doc, "")
                    doc = []
            if opened or not line.strip() or line.startswith(("}", "/")):
                continue
        taken.append(line)
        code = bare(line)
        in_clause = in_clause or (depth == 0 and re.match(r"\s+requires\b", line) is not None)
        depth += sum(map(code.count, "{(")) - sum(map(code.count, "})"))
        is_label = re.match(r"\s?(public|protected|private):$", code)
        ends = code.endswith("}") and not in_clause and bare(following).strip() not in ("{", "{}")  # or initializers do
        if depth == 0 and (is_label or code.endswith(";") or ends):
            yield Item(namespaces, doc, "\n".join(taken))
            doc, taken = [], []
        if depth == 0:
            in_clause = False


def without_template(code):
    """The code after its template parameters and requires-clause."""
    while match := re.match(r"\s*template\s*<", code):
        depth, at = 1, match.end()
        while depth:
            depth += {"<": 1, ">": -1}.get(code[at], 0) if code[at - 1:at + 1] not in ("->", "=>", "<=", ">=") else 0
            at += 1
        code = code[at:]
        if clause := re.match(r"\s*\n\s+requires[^\n]*(?:\n[ ]+[^\n]*)*\n(?=\S)", code):
            code = code[clause.end():]
    return code.lstrip()


def top_level(code, wanted):
    """Where one of the characters first stands outside of parentheses, angle brackets and attributes; -1 for nowhere."""
    depth = 0
    for at, c in enumerate(code):
        if c in wanted and depth == 0:
            return at
        if c in "(<[":
            depth += 1
        elif c in ")]" or (c == ">" and code[at - 1] not in "-="):
            depth -= 1
    return -1


def name_of(code):
    """Pair (kind, name) of what a declaration declares; nothing for what is no new name."""
    plain = without_template("\n".join(bare(line) for line in code.split("\n")))
    plain = re.sub(r"\[\[.*?\]\]\s*|\balignas\([^)]*\)\s*", "", plain)
    for kind, pattern in (("concept", r"concept (\w+)"), ("enum", r"enum (?:class )?(\w+)"), ("type", r"using (\w+) ="),
                          ("class", r"(?:struct|class|union) (\w+)(?: final)?\s*(?::[^:]|\{)")):
        if match := re.match(pattern, plain):
            return kind, match[1]
    if re.match(r"(struct|class|union|using|namespace|extern|template|static_assert|friend)\b", plain):
        return None
    if match := re.search(r"(?<![\w:])(operator\s*(?:\(\)|[^\s\w(]+|\"\"\s*\w+))\s*\(", plain):
        return "function", match[1]
    end = top_level(plain, "(={;")
    before = plain[:end].rstrip()
    match = re.search(r"(?:^|[\s*&])(\w+)(?:\[\w*\])?$", before)
    if end < 0 or not match or match[1] in NOT_NAMES or match.start(1) == 0:  # at 0: a deduction guide, a macro
        return None
    return ("function" if plain[end] == "(" else "constant"), match[1]


def name_of_specialized(item, names, namespace):
    """Pair (kind, name) of a class template that only its specializations define: of its declaration, with its doc comment, and
    of each specialization."""
    match = re.match(r"(?:struct|class) (\w+)\s*(;|<)", without_template(item.code))
    if not match or "template" not in item.code:
        return None
    known = names.get((match[1], namespace))
    is_new = match[2] == ";" and item.doc and not known
    is_specialization = match[2] == "<" and known and known.items[0].code.endswith(f" {match[1]};")
    return ("class", match[1]) if is_new or is_specialization else None


def declaration(code):
    """A declaration without its body."""
    plain = "\n".join(re.sub(r"(?<=.)//.*", "", line).rstrip() for line in code.split("\n"))
    start = len(plain) - len(without_template(plain))
    begin = top_level(plain[start:], "(={;")
    if "operator" in plain[start:] and (match := re.search(r"operator\s*(\(\)|[^\s\w(]+)\s*\(", plain[start:])):
        begin = match.end() - 1
    if begin < 0 or plain[start + begin] != "(":
        return code
    depth, at = 0, start + begin
    while True:
        depth += {"(": 1, ")": -1}.get(plain[at], 0)
        at += 1
        if depth == 0:
            break
    tail = re.match(r"\s*(?:const\b|noexcept\b|&&?)?\s*(?:noexcept\b)?\s*(?:->\s*[^{;]+?)?(?=\s*(?:[{;:=]|\n\s+requires|$))", plain[at:])
    text = plain[:at] + (tail[0].rstrip() if tail else "")
    if re.match(r"\s*=\s*(delete|default)\s*;", plain[len(text):]):
        text += " = " + re.match(r"\s*=\s*(\w+)", plain[len(text):])[1]
    return text.replace("ROLEWISE_INLINE ", "") + ";"


def synopsis(code):
    """What a user of a class sees: its public members, without the bodies of functions, with their comments."""
    lines = code.split("\n")
    plain = [bare(line) for line in lines]
    opening = next((i for i, line in enumerate(plain) if line.endswith("{")), None)
    if opening is None:
        return code
    is_public = not re.match(r"class\b", without_template(code))
    shown = [] if is_public else [" public:"]
    for item in items_of([line.removeprefix("  ") for line in lines[opening + 1:-1]]):
        if label := re.match(r"\s*(public|protected|private):", item.code):
            is_public = label[1] == "public"
        elif is_public and not re.match(r"static_assert|friend (class|struct)|using base\b", item.code):
            shown += ["  /// " + line if line else "  ///" for line in item.doc]
            kind, _ = name_of(item.code) or ("function", "")
            text = synopsis(item.code) if kind == "class" else item.code if kind in ("enum", "type") else declaration(item.code)
            shown += ["  " + line if line else "" for line in text.split("\n")]
    return "\n".join([*lines[:opening + 1], *shown, "};"])


def header_of(path):
    about, names = [], {}
    for item in items_of(path.read_text(encoding="utf-8").split("\n")):
        if any(line.startswith("@file") for line in item.doc):
            about = [line for line in item.doc if not line.startswith("@file")]
        spaces = [part for space in item.namespaces for part in space.split("::")]
        if not item.code or not spaces or spaces[0] != "rolewise" or \
                any(space == "detail" or space.endswith("_must") for space in spaces):
            continue
        if declared := name_of(item.code) or name_of_specialized(item, names, "::".join(spaces)):
            kind, name = declared
            known = names.setdefault((name, "::".join(spaces)), Name(name, "::".join(spaces), kind))
            known.items.append(item)
    return Header(f"rolewise/{path.relative_to(INCLUDE / 'rolewise')}", about, list(names.values()))


def headers():
    """The public headers by stage."""
    found = {}
    for stage in STAGES:
        paths = sorted((INCLUDE / "rolewise" / stage).rglob("*.hpp"))
        if stage == "core":
            paths.append(INCLUDE / "rolewise" / "version.hpp")
        found[stage] = [header_of(path) for path in paths if not {"detail", "implementation"} & set(path.parts)]
        known = set()
        for header in found[stage]:
            for name in header.names:
                if name.anchor in known:
                    name.suffix = "-" + header.anchor
                known.add(name.anchor)
    return found


def markdown_of(doc):
    """A doc comment as Markdown."""
    words = {"@return": "**Returns**", "@throws": "**Throws**", "@pre": "**Requires**", "@par": "**"}
    out, is_item = [], False
    for line in doc:
        code = line.startswith("    ") and (not is_item or not out or not out[-1])
        if match := re.match(r"@par (.*)", line):
            line, is_item, code = f"\n**{match[1]}**: ", True, False
        elif match := re.match(r"@t?param (\w+) ?(.*)", line):
            line, is_item = f"\n`{match[1]}`: {match[2]}", True
        elif (match := re.match(r"(@\w+) ?(.*)", line)) and match[1] in words:
            line, is_item = f"\n{words[match[1]]} {match[2]}", True
        elif not line:
            is_item = False
        if not code:
            parts = re.split(r"(`[^`]*`)", line.strip() if is_item else line)
            parts[::2] = [re.sub(r"(?<!\*)\*(?!\*)", r"\\*", html.escape(part, quote=False)) for part in parts[::2]]
            line = ("\n" if line.startswith("\n") else "") + "".join(parts).strip()
        out.append(line)
    return "\n".join(out).strip("\n")


def page_of(stage, of_stage):
    lines = [f"# Reference: {stage}", "", f"The public names of `rolewise/{stage}/`, by header. The umbrella header of the stage is `rolewise/{stage}.hpp`."]
    for header in of_stage:
        if not header.names:
            continue
        lines += ["", f"## `{header.path.removeprefix('rolewise/')}` {{ #{header.anchor} }}", "", markdown_of(header.about)]
        for name in header.names:
            space = name.namespace.removeprefix("rolewise").removeprefix("::")
            shown = f"{space}::{name.name}" if space else name.name
            lines += ["", f"### `{shown}` {{ #{name.anchor} }}"]
            for item in name.items:
                code = synopsis(item.code) if name.kind == "class" else \
                    declaration(item.code) if name.kind == "function" else item.code
                lines += ["", markdown_of(item.doc), "", "```cpp", code, "```"]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def index_of(found):
    """The page of all names, in the order of the alphabet."""
    rows = []
    for stage, of_stage in found.items():
        for header in of_stage:
            for name in header.names:
                text = markdown_of(next((item.doc for item in name.items if item.doc), []))
                first = re.split(r"(?<=[.])\s", " ".join(text.split("\n\n")[0].split()))[0].replace("|", "\\|")
                first = first or f"`{re.sub(' +', ' ', declaration(name.items[0].code).split('///<')[0].strip())}`".replace(chr(10), " ")
                shown = name.qualified.removeprefix("rolewise::").replace("|", "\\|")
                rows.append((shown.lower(), f"| [`{shown}`]({stage}.md#{name.anchor}) | {stage} | {first} |"))
    return "\n".join(["# Reference: all names", "",
                      f"The {len(rows)} public names of the namespace `rolewise`, from the doc comments of the headers.", "",
                      "| name | stage | what it is |", "|---|---|---|", *[row for _, row in sorted(rows)]]) + "\n"


def pages(found=None):
    """The pages of the reference: file name to Markdown."""
    found = found or headers()
    return {"index.md": index_of(found), **{f"{stage}.md": page_of(stage, of_stage) for stage, of_stage in found.items()}}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        pathlib.Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
        for file, text in pages().items():
            (pathlib.Path(sys.argv[1]) / file).write_text(text, encoding="utf-8")
    else:
        for of_stage in headers().values():
            for header in of_stage:
                for name in header.names:
                    print(name.qualified, header.path, name.kind)
