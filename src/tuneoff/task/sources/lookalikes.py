"""Which texts look the same when printed, though they differ."""

from __future__ import annotations

import re
import unicodedata

_TWINS = {
    "A": "\u0391\u0410", "B": "\u0392\u0412", "C": "\u0421\u03f9", "E": "\u0395\u0415", "H": "\u0397\u041d",
    "I": "\u0399\u0406", "J": "\u0408", "K": "\u039a\u041a", "M": "\u039c\u041c", "N": "\u039d", "O": "\u039f\u041e",
    "P": "\u03a1\u0420", "S": "\u0405", "T": "\u03a4\u0422", "X": "\u03a7\u0425", "Y": "\u03a5\u0423", "Z": "\u0396",
    "a": "\u0430", "c": "\u0441\u03f2", "d": "\u0501", "e": "\u0435", "h": "\u04bb", "i": "\u0456", "j": "\u0458",
    "o": "\u03bf\u043e", "p": "\u0440", "q": "\u051b", "s": "\u0455", "v": "\u03bd\u0475", "w": "\u051d", "x": "\u0445",
    "y": "\u0443", "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "'": "\u2018\u2019", '"': "\u201c\u201d",
}  # fmt: skip
"""Letters of the Greek and Cyrillic alphabets that are drawn like Latin ones, dashes and quote marks."""
_LIKE_LATIN = str.maketrans({twin: letter for letter, twins in _TWINS.items() for twin in twins})
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Drawn as nothing, though Unicode counts them as letters, marks or symbols."""
_NUMBER = re.compile(r"([+-]?)0*([0-9]*)(?:\.([0-9]*?)0*)?")


def shapes(text: str) -> tuple[str, str]:
    """Two keys of a text, of which texts that look the same share at least one: the text as it is, and with the letters of
    other alphabets made Latin.

    Without regard to case, blanks, what is not seen, Unicode's normal forms (compatibility: NFKC), and zeros that don't change
    a number.
    """
    return _shape(text), _shape(unicodedata.normalize("NFKC", text).translate(_LIKE_LATIN))


def difference(text: str, other: str) -> str:
    """The difference, in words, between two texts that have a shape in common."""
    if _without_unseen(text) == _without_unseen(other):
        return "characters that are not seen"
    if unicodedata.normalize("NFKC", text) == unicodedata.normalize("NFKC", other):
        return "their Unicode normal form"
    if "".join(text.split()) == "".join(other.split()):
        return "blanks"
    if text.casefold() == other.casefold():
        return "upper and lower case"
    if _as_number(text) == _as_number(other):
        return "how a number is written"
    return "case, blanks or how a letter is encoded"


def _shape(text: str) -> str:
    plain = unicodedata.normalize("NFKC", _without_unseen(unicodedata.normalize("NFKC", text)))
    folded = unicodedata.normalize("NFKC", " ".join(plain.split()).casefold())
    return _as_number(folded)


def _without_unseen(text: str) -> str:
    seen = (c for c in text if c.isspace() or unicodedata.category(c) not in ("Cf", "Cc"))
    return _UNSEEN.sub("", "".join(seen))


def _as_number(text: str) -> str:
    """-0, 007 and 7.50 as 0, 7 and 7.5; other text as it is."""
    found = _NUMBER.fullmatch(text)
    if found is None or not any(c.isdigit() for c in text):
        return text
    whole, fraction = found[2] or "0", found[3] or ""
    sign = "-" if found[1] == "-" and (whole, fraction) != ("0", "") else ""
    return f"{sign}{whole}.{fraction}" if fraction else sign + whole
