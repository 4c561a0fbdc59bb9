"""
Texts that are more than they look like, and a reader of Markdown that says whether they stayed text.

It is a parser of GitHub's Markdown, as Airflow's page has one. The parsers differ in when they look for bare
addresses; that is done here as Airflow's does it, in the text that came out.
"""

from __future__ import annotations

import random
import re
import unicodedata

from markdown_it import MarkdownIt

# Of mdast-util-gfm-autolink-literal, which Airflow's page is built with.
BARE_ADDRESSES = re.compile(
    r"(?ai)(https?://|www(?=\.))([-.\w]+)([^ \t\r\n]*)|([-.\w+]+)@([-\w]+(?:\.[-\w]+)+)"
)
NASTY = [
    "[link](https://evil.test)",
    "![picture](https://evil.test/1.png 'title')",
    "[link][1] [1]: https://evil.test",
    "[1]: https://evil.test",
    "[^1] footnote[^1]: text",
    "<https://evil.test>",
    "<ada@evil.test>",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "a <b>bold</b> word",
    "<!-- hidden --> <![CDATA[x]]> <?x?> <!DOCTYPE x>",
    "javascript:alert(1)",
    "https://evil.test/?a=b&c=d#e",
    "HTTP://evil.test",
    "See http://evil.test, https://evil.test and ftp://evil.test.",
    "www.evil.test",
    "(WWW.evil.test)",
    "wWw.evil.test/a_b_c",
    "ada@evil.test",
    "mailto:ada.b+c-d_e@evil-site.test",
    "xmpp:ada@evil.test/x",
    "a@@b.test a@b@c.test @ada #tag",
    "# heading",
    "###### heading ######",
    "setext",
    "=====",
    "-----",
    "* * *",
    "- item",
    "+ item",
    "* item",
    "1. item",
    "1) item",
    "- [ ] task",
    "- [x] task",
    "> quotation",
    ">>> quotation",
    "    code",
    "\tcode",
    "``` python",
    "~~~",
    "`code`",
    "``a ` b``",
    "\u1fefcode\u1fef",
    "*em* _em_ **strong** __strong__ ***both***",
    "snake_case_name 2*3*4",
    "~~gone~~ ~gone~",
    "| a | b |",
    "|---|---|",
    "a | b || c \\| d",
    "&amp; &lt;b&gt; &#60; &#x3C; &copy; &nosuch;",
    "\\",
    "back\\slash \\\\ \\* end\\",
    "\\[escaped\\]",
    "two  spaces  ",
    "$math$ $$math$$ :smile: @user #1",
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    "caf\u00e9 na\u00efve \u65e5\u672c\u8a9e \u0410\u043d\u043d\u0430 \u05e9\u05dc\u05d5\u05dd",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f \U0001f3f3\ufe0f\u200d\U0001f308 1\ufe0f\u20e3",
]
HIDDEN = [
    "\u202egnp.evil\u202c",
    "\u2066a\u2069 \u200eb\u200f \u061cc",
    "ht\u200btps://evil.test",
    "https:\u200b//evil.test",
    "www\u2060.evil.test",
    "ada\u200b@evil.test",
    "[\u200blink](https://evil.test)",
    "nul\x00 bell\x07 escape\x1b[31m delete\x7f next\x9b",
    "byte order\ufeff soft\u00adhyphen",
    "\ud800 half a pair \udfff",
    "private \ue000",
    "\U000e0041\U000e007f tags",
]
LINES = [
    "one\ntwo",
    "one\r\ntwo\r\n",
    "one\rtwo",
    "one\n\ntwo",
    "one\n\n\n\ntwo\n",
    "\n\none",
    "one\u2028two\u2029three\x0bfour\x0cfive\x85six",
    "heading\n=====\nheading\n-----",
    "a\n\n> b\n\nc",
    "# a\n- b\n1. c\n| d | e |\n|---|---|\n| f | g |",
    "```\ncode\n```\nafter",
    "| a | b |\n|---|---|\n| c | d |",
    "<div>\n\n<script>alert(1)</script>\n</div>",
    "[1]: https://evil.test\n\n[link][1]",
    "a\\\nb\\\n\nc\\",
    "a  \nb",
    "\x00\n\u200b\na",
    "",
    " ",
]
ALL = [*NASTY, *HIDDEN, *LINES]
READ = MarkdownIt("gfm-like", {"html": True, "linkify": True})


def jumble(seed):
    chance = random.Random(seed)
    pieces = [
        *"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ab \t\r\n",
        "http://x.test",
        "www.x.test",
        "a@x.test",
        "\n\n",
    ]
    return "".join(chance.choices(pieces, k=chance.randrange(1, 40)))


def seen(text):
    """Give the words that people are to see, whatever the spaces between them."""
    shown = "".join(
        one for one in text if one.isspace() or one in "\u200d\ufe0f" or unicodedata.category(one)[0] != "C"
    )
    return "".join(unicodedata.normalize("NFC", shown).split())


def inlines(tokens):
    """Give what is inside paragraphs and cells."""
    return [one for token in tokens if token.type == "inline" for one in token.children]


def text_of(inside):
    """Give the text of tokens that are nothing but text."""
    assert {one.type for one in inside} <= {"text", "hardbreak", "softbreak"}
    assert all(not one.attrs for one in inside)
    text = "".join(one.content if one.type == "text" else "\n" for one in inside)
    assert BARE_ADDRESSES.search(text) is None
    return text.replace("\u2060", "")
