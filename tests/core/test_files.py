"""Files that people send: what is accepted, under which name, and that they stay sealed."""

import pytest

from eprunes.core import files
from eprunes.core.crypto import BoxUnreadable, key_store
from eprunes.core.database import tenant_session
from eprunes.core.refusals import Refused
from tests.support.papers import jpeg, pdf, png
from tests.support.worlds import AS_OF

PDF, JPEG, PNG = pdf(), jpeg(), png()


def keep(world, received):
    [key] = key_store().create_keys(world.organisation_id, files.KEY_PURPOSE, AS_OF)
    with tenant_session(world.organisation_id, write=True) as session:
        return files.store(session, key, received, author_id=None, as_of=AS_OF), key[1]


def read(world, file_id):
    with tenant_session(world.organisation_id) as session:
        return files.read(session, file_id)


@pytest.mark.parametrize(
    ("name", "content", "kept_as", "media_type"),
    [
        ("carte grise.PDF", PDF, "carte grise.pdf", "application/pdf"),
        ("photo.jpeg", JPEG, "photo.jpg", "image/jpeg"),
        ("scan", PNG, "scan.png", "image/png"),
        ("C:\\Users\\moi\\permis.jpg", PNG, "permis.png", "image/png"),
        ("../../etc/passwd", PDF, "passwd.pdf", "application/pdf"),
        ("nom\r\nX-Header: 1.pdf", PDF, "nom X-Header: 1.pdf", "application/pdf"),
        ("", PDF, "document.pdf", "application/pdf"),
        ("x" * 400 + ".pdf", PDF, "x" * 146 + ".pdf", "application/pdf"),
    ],
)
def test_a_file_is_what_its_content_says(name, content, kept_as, media_type):
    received = files.checked(name, content)
    assert (received.name, received.media_type, received.content) == (kept_as, media_type, content)


@pytest.mark.parametrize(
    "content", [b"<html><script>alert(1)</script>", b"", b"PK\x03\x04", b" %PDF-1.7", b"GIF89a", b"\x89PNG\n"]
)
def test_anything_else_is_refused_whatever_its_name(content):
    with pytest.raises(Refused) as refusal:
        files.checked("facture.pdf", content)
    assert refusal.value.field == "file"


PREVIEW = b"\xff\xe1\x00\x08" + b"\xff\xd8\xff\xd9..", JPEG[2:]


@pytest.mark.parametrize(
    "content",
    [
        PDF[:-2],
        b"%PDF-1.4\n<html>",
        PDF + b"." * 1024,
        JPEG[:-1],
        JPEG[:2],
        JPEG[:3],
        b"\xff\xd8" + PREVIEW[0] + PREVIEW[1][:-2],
        PNG[:-1],
        PNG[:8],
    ],
)
def test_a_file_cut_short_is_refused(content):
    with pytest.raises(Refused, match="incomplet ou abîmé|d’une autre nature") as refusal:
        files.checked("permis", content)
    assert refusal.value.field == "file"


@pytest.mark.parametrize(
    "content",
    [PDF[:-1], PDF + b"." * 1017, JPEG + b"a film", b"\xff\xd8\xff" + PREVIEW[0] + PREVIEW[1], PNG + b"."],
)
def test_what_stands_around_a_whole_file_does_no_harm(content):
    """A reader looks for a PDF's end in its last 1,024 bytes; telephones write films behind their photos."""
    files.checked("permis", content)


def test_ten_megabytes_are_accepted_and_one_byte_more_is_not():
    files.checked("plein.pdf", pdf(size=files.LARGEST_BYTES))
    with pytest.raises(Refused, match="dépasse 10"):
        files.checked("trop.pdf", pdf(size=files.LARGEST_BYTES + 1))


def test_a_file_comes_back_as_it_was_sent_and_nothing_of_it_is_readable_in_the_database(app, world):
    received = files.checked("Plainte Durand.pdf", PDF + b"secret")
    file_id, secret = keep(world, received)
    row = read(world, file_id)
    assert files.opened(row, secret) == received
    assert (row.media_type, row.size) == ("application/pdf", len(received.content))
    assert b"secret" not in row.content
    assert b"Durand" not in row.box


def test_a_sealed_content_opens_for_its_own_row_only(app, world):
    first, secret = keep(world, files.checked("un.pdf", PDF))
    second, other = keep(world, files.checked("deux.pdf", PDF))
    row, stolen = read(world, first), read(world, second)
    row.content = stolen.content
    for key in (secret, other):
        with pytest.raises(BoxUnreadable):
            files.opened(row, key)


def test_another_client_reads_nothing(app, world, other_world):
    file_id, _ = keep(world, files.checked("un.pdf", PDF))
    assert read(other_world, file_id) is None
