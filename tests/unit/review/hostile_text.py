"""
Text that looks like markup, and a Markdown parser that shows whether it stayed text.

The parser reads GitHub's Markdown, as Airflow's page does. The two differ in when they look for bare URLs;
``text_of`` looks for them as Airflow's does, in the parsed text.
"""

from __future__ import annotations

import re
import unicodedata

from markdown_it import MarkdownIt

# From mdast-util-gfm-autolink-literal, which Airflow's page is built with.
BARE_URL = re.compile(r"(?ai)(https?://|www(?=\.))([-.\w]+)([^ \t\r\n]*)|([-.\w+]+)@([-\w]+(?:\.[-\w]+)+)")
MARKUP = [
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
HOSTILE = [*MARKUP, *HIDDEN, *LINES]
PARSER = MarkdownIt("gfm-like", {"html": True, "linkify": True})


def visible(text):
    """Return the characters that a reader must see, whatever the spaces between them."""
    kept = (
        character
        for character in text
        if character.isspace() or character in "\u200d\ufe0f" or _is_visible(character)
    )
    return "".join(unicodedata.normalize("NFC", "".join(kept)).split())


def _is_visible(character):
    is_noncharacter = ord(character) & 0xFFFE == 0xFFFE
    return unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs") and not is_noncharacter


def inline_tokens(tokens):
    """Return what is inside paragraphs and cells."""
    return [child for token in tokens if token.type == "inline" for child in token.children]


def text_of(tokens):
    """Return the text of inline tokens; fails if any of them is more than text."""
    assert {token.type for token in tokens} <= {"text", "hardbreak", "softbreak"}
    assert all(not token.attrs for token in tokens)
    text = "".join(token.content if token.type == "text" else "\n" for token in tokens)
    assert BARE_URL.search(text) is None
    return text.replace("\u2060", "")
