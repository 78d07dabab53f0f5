#!/usr/bin/env bash
# nh3 cleans Markdown's own output: columns lose their alignment, code its language, links of
# one's own scheme their target
#
# Version: nh3 0.3.8 beside markdown-it-py 4.3.0
# Guess:   What markdown-it renders from Markdown without raw HTML is harmless HTML, and cleaning
#          it with the defaults of nh3 changes nothing.
# Seen:    markdown-it writes the alignment of a column as style="text-align:right" and the
#          language of a code block as class="language-...": both attributes are removed. A link
#          to case:7 stays as text that looks like a link and has no href. Nothing is reported.
#          Numbers of lists (start) stay. Allowing attributes={"th": {"style"}} opens style as a
#          whole: filter_style_properties narrows it.
# Source:  nh3 documentation, clean (ALLOWED_ATTRIBUTES, ALLOWED_URL_SCHEMES,
#          filter_style_properties); markdown-it-py, markdown_it/rules_block/table.py
# Matters: Amounts that an agent lines up to the right stand ragged, highlighting of code never
#          starts, and references to cases cannot be clicked: each part is right by itself, and
#          the two are usually tested apart.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    nh3==0.3.8 markdown-it-py==4.3.0

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

import nh3
from markdown_it import MarkdownIt

print("nh3", version("nh3"), "markdown-it-py", version("markdown-it-py"))
markdown = MarkdownIt("commonmark").enable("table")
for text in (
    "| item | amount |\n|---|--:|\n| pen | 10 |",
    "```sql\nSELECT 1\n```",
    "[the case](case:7)",
    "3. third",
):
    html = "".join(markdown.render(text).split("\n"))
    print("rendered:", html)
    print("cleaned: ", "".join(nh3.clean(html).split("\n")))
PY

cat >"$work/seen" <<'TXT'
nh3 0.3.8 markdown-it-py 4.3.0
rendered: <table><thead><tr><th>item</th><th style="text-align:right">amount</th></tr></thead><tbody><tr><td>pen</td><td style="text-align:right">10</td></tr></tbody></table>
cleaned:  <table><thead><tr><th>item</th><th>amount</th></tr></thead><tbody><tr><td>pen</td><td>10</td></tr></tbody></table>
rendered: <pre><code class="language-sql">SELECT 1</code></pre>
cleaned:  <pre><code>SELECT 1</code></pre>
rendered: <p><a href="case:7">the case</a></p>
cleaned:  <p><a rel="noopener noreferrer">the case</a></p>
rendered: <ol start="3"><li>third</li></ol>
cleaned:  <ol start="3"><li>third</li></ol>
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
