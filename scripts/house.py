"""The modules and rooms of the source tree, for the scripts that draw and check them."""
import json
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# The rooms of Envelope from the bottom up. A room uses only the rooms before it.
ROOMS = ["Text", "Crypto", "JSON", "IO", "Message", "Keyring", "Streaming"]


def targets():
    """The targets of the package, as SwiftPM describes them."""
    output = subprocess.run(
        ["swift", "package", "describe", "--type", "json"],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output)["targets"]


TOKEN = re.compile(r'//[^\n]*|/\*|(?P<hashes>#*)(?P<quotes>"""|")|[()]')


def code(text):
    """Swift code without comments and without the text of string literals.

    Keeps the code in interpolations, and all line breaks.
    """
    parts = []
    scan_code(text, 0, False, parts)
    return "".join(parts)


def scan_code(text, start, is_interpolation, parts):
    """Appends code from `start` on; returns the end. An interpolation ends at its parenthesis."""
    depth = 0
    while found := TOKEN.search(text, start):
        parts.append(text[start:found.start()])
        token, start = found.group(), found.end()
        if token.startswith("//"):
            continue
        if token == "/*":
            end = comment_end(text, start)
            parts.append(" " + "\n" * text.count("\n", start, end))
            start = end
        elif token in "()":
            depth += 1 if token == "(" else -1
            if is_interpolation and depth < 0:
                return start
            parts.append(token)
        else:
            start = scan_string(text, start, found["hashes"], found["quotes"], parts)
    parts.append(text[start:])
    return len(text)


def comment_end(text, start):
    """The end of a block comment, which can contain others."""
    depth = 1
    for found in re.compile(r"/\*|\*/").finditer(text, start):
        depth += 1 if found.group() == "/*" else -1
        if depth == 0:
            return found.end()
    return len(text)


def scan_string(text, start, hashes, quotes, parts):
    """Appends the interpolations of a string literal; returns its end."""
    parts.append('""')
    escape = "\\" + hashes
    piece = re.compile(re.escape(quotes + hashes) + "|" + re.escape(escape) + r"(\(|.)|\n", re.S)
    while found := piece.search(text, start):
        start = found.end()
        if found.group() == quotes + hashes:
            return start
        if found.group(1) == "(":
            parts.append(" (")
            start = scan_code(text, start, True, parts)
            parts.append(") ")
        elif found.group() == "\n" or found.group(1) == "\n":
            parts.append("\n")
    return len(text)
