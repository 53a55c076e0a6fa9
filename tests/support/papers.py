"""The shortest files that are whole: what `core.files` looks for at their beginning and at their end."""


def pdf(text: bytes = b"", size: int = 0) -> bytes:
    """A PDF with a text in it, of at least so many bytes."""
    return b"%PDF-1.7\n" + text.ljust(size - 16, b".") + b"\n%%EOF\n"


def jpeg(text: bytes = b"") -> bytes:
    """A JPEG with a text for a picture, after the segment that every one has."""
    return b"\xff\xd8\xff\xe0\x00\x07JFIF\x00\xff\xda\x00\x02" + text + b"\xff\xd9"


def png(text: bytes = b"") -> bytes:
    """A PNG with a text for a picture."""
    return b"\x89PNG\r\n\x1a\n" + text + b"\x00\x00\x00\x00IEND\xaeB`\x82"
