# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds the site of docs/ and checks it: links and anchors lead somewhere, every public name of the headers occurs.

    python3 check_site.py SITE_FOLDER

What universal-ctags finds, if it is there, is compared with the names of the reference. Ends with 77 (skipped)
where no Python has MkDocs and its Material theme (pip install mkdocs-material).
"""

import html.parser
import json
import os
import pathlib
import posixpath
import re
import shutil
import subprocess
import sys
import urllib.parse

SKIPPED = 77
ROOT = pathlib.Path(__file__).resolve().parents[2]
FOUND_BY_NO_LINK = {"404.html"}  # its links begin at the root of a server

try:
    import material  # noqa: F401
    import mkdocs  # noqa: F401
except ImportError:
    for other in (os.environ.get("ROLEWISE_PYTHON"), "/usr/bin/python3"):
        if other and shutil.which(other) and \
                subprocess.run([other, "-c", "import material, mkdocs"], stderr=subprocess.DEVNULL).returncode == 0:
            os.execvp(other, [other, *sys.argv])
    print(f"skipped: neither {sys.executable} nor /usr/bin/python3 has mkdocs-material; ROLEWISE_PYTHON may name a Python that has")
    sys.exit(SKIPPED)


class Page(html.parser.HTMLParser):
    """The anchors and links of a page."""

    def __init__(self, text):
        super().__init__()
        self.anchors, self.links = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


def broken_links(pages, folder):
    for path, page in pages.items():
        for link in page.links:
            target = urllib.parse.urlsplit(link)
            if target.scheme or target.netloc or path in FOUND_BY_NO_LINK:
                continue
            goal = posixpath.normpath(posixpath.join(posixpath.dirname(path), urllib.parse.unquote(target.path))) \
                if target.path else path
            if not (folder / goal).exists():
                yield f"{path}: {link} leads nowhere"
            elif target.fragment and goal in pages and urllib.parse.unquote(target.fragment) not in pages[goal].anchors:
                yield f"{path}: {link}: no such anchor"


def names_by_ctags():
    """Names of namespace scope in public headers; None without universal-ctags."""
    ctags = shutil.which("ctags-universal") or shutil.which("ctags")
    if not ctags or b"Universal Ctags" not in subprocess.run([ctags, "--version"], capture_output=True).stdout:
        return None
    headers = [str(path) for path in (ROOT / "include").rglob("*.hpp") if not {"detail", "implementation"} & set(path.parts)]
    command = [ctags, "--languages=C++", "--langmap=C++:+.hpp", "--kinds-C++=cefgnpstuvx", "-I", "ROLEWISE_INLINE",
               "--fields=+Ksz", "--output-format=json", "-f", "-", "-L", "-"]
    listed = subprocess.run(command, input="\n".join(headers), capture_output=True, text=True, check=True).stdout
    names = set()
    for tag in map(json.loads, listed.splitlines()):
        scope = tag.get("scope", "")
        if tag.get("scopeKind") == "namespace" and scope.split("::")[0] == "rolewise" and \
                not re.search(r"detail|_must|__anon", scope) and tag["kind"] not in ("namespace", "macro") and \
                not tag["name"].startswith(("operator", "__anon")):  # friends among them, which classes show; lambdas
            names.add(tag["name"])
    return names


def main():
    folder = pathlib.Path(sys.argv[1])
    subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder.resolve())],
                   cwd=ROOT, check=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})  # --quiet would hide what is strict
    pages = {str(path.relative_to(folder)): Page(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    faults = sorted(broken_links(pages, folder))

    sys.dont_write_bytecode = True
    sys.path.insert(0, str(ROOT / "docs" / "site"))
    import reference
    entries = [(stage, name) for stage, of_stage in reference.headers().items() for header in of_stage for name in header.names]
    faults += [f"reference/{stage}.html: {name.qualified} is missing" for stage, name in entries
               if name.anchor not in pages[f"reference/{stage}.html"].anchors]
    listed = {name.name for _, name in entries}
    found = names_by_ctags()
    faults += [f"{name} is public, and the reference does not have it" for name in sorted((found or set()) - listed)]
    if faults:
        sys.exit("\n".join(faults))
    print(f"{len(pages)} pages, {sum(len(page.links) for page in pages.values())} links, {len(entries)} public names, " +
          ("not compared with universal-ctags, which is missing" if found is None else f"{len(found)} by universal-ctags"))


main()
