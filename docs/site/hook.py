# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Hook of MkDocs: what the site has beside the pages of docs/, and where its links go.

Pages are written for the viewer of a repository: links are relative to the file, also to what is not in docs/. In the site, a
link to a public header goes to its part of the reference, one to a page of the root to that page, and one to any other file of
the repository to a page that shows it.
"""

import os
import pathlib
import posixpath
import re
import sys

from mkdocs.structure.files import File, InclusionLevel

sys.dont_write_bytecode = True  # docs/ is copied into the site
sys.path.insert(0, os.path.dirname(__file__))
import reference  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOT_PAGES = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security.md"}
OPTIONAL = {"install.md"}  # pages of the navigation that a checkout may lack
LANGUAGES = {".cpp": "cpp", ".hpp": "cpp", ".py": "python", ".cmake": "cmake", ".sh": "sh", ".json": "json"}
LINK = re.compile(r"(!?\[(?:[^][]|\[[^]]*\])*\]\()([^)\s#]*)((?:#[^)\s]*)?\))")
FENCE = re.compile(r"^(```.*?^```)$", re.M | re.S)


def page_of_source(path):
    return f"sources/{path}.md"


def in_site(target, folder, anchors):
    """The page and anchor of the site for a link of a file in a folder of the repository; None if it is no file of it."""
    path = posixpath.normpath(posixpath.join(folder, target))
    if path in ROOT_PAGES:
        return ROOT_PAGES[path], ""
    if path.startswith("docs/"):
        return path.removeprefix("docs/"), ""
    if path.startswith("include/") and path.removeprefix("include/") in anchors:
        return anchors[path.removeprefix("include/")]
    if (ROOT / path).is_dir():
        return None
    return page_of_source(path), ""


def rewritten(markdown, folder, page, anchors, sources):
    """The Markdown of a page of the site, from that of a file in a folder of the repository."""
    def link(match):
        begin, target, end = match.groups()
        if not target or re.match(r"[a-z]+:", target):
            return match[0]
        found = in_site(target, folder, anchors)
        if found is None:
            return match[0].split("](")[0].lstrip("[!")
        where, anchor = found
        if where.startswith("sources/"):
            sources.add(where.removeprefix("sources/").removesuffix(".md"))
        return begin + posixpath.relpath(where, posixpath.dirname(page) or ".") + (f"#{anchor})" if anchor else end)
    parts = FENCE.split(markdown)
    parts[::2] = [LINK.sub(link, part) for part in parts[::2]]
    return "".join(parts)


def on_config(config):
    """Leaves out the optional pages that there are not."""
    def kept(items):
        lists = [{name: kept(of) if isinstance(of, list) else of for name, of in item.items()} if isinstance(item, dict) else item
                 for item in items]
        return [item for item in lists if not any(of in OPTIONAL and not (ROOT / "docs" / of).exists()
                                                  for of in (item.values() if isinstance(item, dict) else [item])
                                                  if isinstance(of, str))]
    config["nav"] = kept(config["nav"])
    return config


def on_files(files, config):
    found = reference.headers()
    anchors = {header.path: (f"reference/{stage}.md", header.anchor)
               for stage, of_stage in found.items() for header in of_stage if header.names}
    sources = set()
    for file in list(files):
        if file.src_uri.endswith(".md"):
            text = pathlib.Path(file.abs_src_path).read_text(encoding="utf-8")
            files.remove(file)
            files.append(File.generated(config, file.src_uri, content=rewritten(text, "docs", file.src_uri, anchors, sources)))
    for path, page in ROOT_PAGES.items():
        text = (ROOT / path).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=rewritten(text, ".", page, anchors, sources)))
    for name, text in reference.pages(found).items():
        files.append(File.generated(config, f"reference/{name}", content=text))
    for path in sorted(sources):
        text = (ROOT / path).read_text(encoding="utf-8")  # an error for a link to nowhere
        language = LANGUAGES.get(pathlib.Path(path).suffix, "text")
        page = File.generated(config, page_of_source(path), content=f"# {path}\n\n``````{language}\n{text}\n``````\n")
        page.inclusion = InclusionLevel.NOT_IN_NAV
        files.append(page)
    return files
