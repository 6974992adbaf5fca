"""The text of a file as UTF-8: decoding, and the refusal of bytes that are no such text."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from typing import Protocol

from lossctl.errors import DataError, UsageError, quoted
from lossctl.readers.csv_records import line_ends

BOM = codecs.BOM_UTF8

_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it starts with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_JAPANESE = r"[\u3000-\u30ff\u4e00-\u9fff\uff01-\uff5e]"
_WESTERN = r"[^\W\d_]|[\u2010-\u20ac©®°±²³µ·«»§¿¡]"
_SHARE = 0.9  # of the characters beyond ASCII that a guessed encoding must explain


class Bytes(Protocol):
    """What is read of a stream."""

    def read(self, size: int, /) -> bytes:
        """At most `size` more bytes; b"" at the end."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...


@dataclass(slots=True)
class Utf8:
    """A binary stream read as UTF-8, decoded first where it has another encoding.

    An error of decoding (or of the stream) is kept in `failure`, and the stream ends before it,
    so that rows which stand before the damage are seen first, however much is read at once.
    """

    stream: Bytes
    name: str
    encoding: str = "utf-8"
    failure: DataError | None = None
    _decoder: codecs.IncrementalDecoder | None = field(init=False, default=None)
    _taken: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Raises UsageError if there is no such encoding of text."""
        try:
            known = codecs.lookup(self.encoding).name
            "".encode(known)  # refuses codecs that are no encodings of text, such as hex
            if known not in ("utf-8", "utf-8-sig"):
                self._decoder = codecs.getincrementaldecoder(known)()
        except (LookupError, UnicodeError, ValueError):
            raise UsageError(
                f"there is no text encoding {quoted(self.encoding)}",
                "for instance utf-8, utf-16, latin-1, windows-1252, gb18030, shift_jis",
            ) from None
        self.encoding = known

    @property
    def decoded(self) -> bool:
        """Whether the file has another encoding, so that offsets here are not the file's."""
        return self._decoder is not None

    def read(self, size: int) -> bytes:
        """About `size` more bytes; b"" at the end, or where `failure` says why it ends."""
        while self.failure is None:
            try:
                data = self.stream.read(size)
            except DataError as error:
                self.failure = error
                break
            found = data if self._decoder is None else self._decode(data, self._decoder)
            if found or not data:
                return found
        return b""

    def _decode(self, data: bytes, decoder: codecs.IncrementalDecoder) -> bytes:
        held = len(decoder.getstate()[0])
        try:
            text = decoder.decode(data, not data)
        except UnicodeDecodeError as error:
            start = error.start - held  # counted from the first byte of `data`
            self.failure = DataError(
                f"{self.name}: not {self.encoding} at byte offset {self._taken + start}",
                "give its real encoding with --encoding",
            )
            text = decoder.decode(data[: max(0, start)])  # its state is that before the error
        except UnicodeError as error:  # utf-16 without its mark, punycode
            self.failure = DataError(
                f"{self.name}: not {self.encoding}: {error}",
                "give its real encoding with --encoding",
            )
            text = ""
        self._taken += len(data)
        return text.encode(errors="surrogatepass")  # lone surrogates are then refused as UTF-8


def refuse_foreign(start: bytes, name: str) -> None:
    """Raise DataError if the start of a file (as much as is at hand) is no UTF-8 text."""
    for mark, encoding in _MARKS.items():
        if start.startswith(mark):
            raise DataError(
                f"{name}: not UTF-8, it starts with the byte order mark of {encoding}",
                f"read it with --encoding {encoding}",
            )
    at = start.find(b"\0")
    if at < 0:
        at = first_bad(start, whole=False)
    if at >= 0:
        raise not_text(start, at, at, f"{name} line {line_ends(start[:at]) + 1}")


def first_bad(data: bytes, *, whole: bool = True) -> int:
    """The position of the first NUL or byte that is not UTF-8, -1 if there is none.

    `whole` says that a character cut off at the end of the data is one of them.
    """
    at = data.find(b"\0")
    if data.isascii():
        return at
    try:
        codecs.utf_8_decode(data, "strict", whole)
    except UnicodeDecodeError as error:
        return error.start if at < 0 else min(at, error.start)
    return at


def not_text(data: bytes, at: int, offset: int | None, where: str) -> DataError:
    """The error for the NUL or the byte that is not UTF-8 at `data[at]`.

    `offset` is its offset in the file, None where the file was decoded and offsets are lost.
    """
    place = "" if offset is None else f" at byte offset {offset}"
    encoding = likely_encoding(data)
    hint = f"if it is {encoding}, read it with --encoding {encoding}" if encoding else None
    if data[at] == 0:
        return DataError(f"{where}: NUL{place}", hint or "the file is damaged or no text")
    return DataError(f"{where}: not UTF-8{place} (byte 0x{data[at]:02x})", hint)


def likely_encoding(data: bytes) -> str | None:
    """The encoding that bytes which are not UTF-8 look like, None for a guess too far."""
    if b"\0" in data:
        even, odd = data[::2].count(0), data[1::2].count(0)
        if max(even, odd) < 0.3 * len(data) / 2 or min(even, odd) > 0.1 * max(even, odd):
            return None
        return "utf-16-le" if odd > even else "utf-16-be"
    japanese = _foreign(data, "shift_jis")
    if japanese and _share(_JAPANESE, japanese) >= _SHARE:
        leads = re.findall(rb"[\x81-\x9f][\x40-\xfc]", data)  # western text hardly has these
        if len(leads) > len(japanese) / 2:
            return "shift_jis"
    chinese = _foreign(data, "gb18030")
    if chinese and len(chinese.encode("gb2312", "ignore")) >= _SHARE * 2 * len(chinese):
        return "gb18030"
    western = _foreign(data, "windows-1252")
    if western is None:
        return None
    return "windows-1252" if _share(_WESTERN, western) >= _SHARE else None


def _foreign(data: bytes, encoding: str) -> str | None:
    """The characters beyond ASCII of `data` in an encoding, None if it is not in it."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return None
    return re.sub(r"[\x00-\x7f]+", "", text)


def _share(pattern: str, text: str) -> float:
    return len(re.findall(pattern, text)) / max(len(text), 1)
