"""Reads Markdown as ticket systems do and checks that it is one table and nothing else.

usage: markdown.py ROWS COLUMNS < MARKDOWN
"""

import sys

from markdown_it import MarkdownIt

rows, columns = map(int, sys.argv[1:])
tokens = MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(sys.stdin.read())
kinds = [token.type for token in tokens]
assert kinds[0] == "table_open" and kinds[-1] == "table_close" and kinds.count("table_open") == 1, kinds[:5]
assert kinds.count("tr_open") == rows + 1, kinds.count("tr_open")
assert kinds.count("th_open") == columns and kinds.count("td_open") == rows * columns
inner = {child.type for token in tokens for child in token.children or []}
# Line breaks within a cell are the only HTML; no links, images, emphasis or code.
breaks = {child.content for token in tokens for child in token.children or [] if child.type == "html_inline"}
assert inner <= {"text", "text_special", "html_inline"} and breaks <= {"<br>"}, (inner, breaks)
print("a table of", rows, "rows")
