"""What is kept beside a notice: a note, a file, a request to a driver, a count."""

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select

from eprunes.core import files
from eprunes.core.crypto import key_store, seal
from eprunes.core.database import new_id, tenant_session
from eprunes.fines.models import DriverRequest, Notice, NoticeCount, NoticeFile, NoticeFileKind, NoticeNote
from tests.support.papers import pdf
from tests.support.worlds import AS_OF


def keep_beside(organisation_id: UUID, notice_id: UUID, word: str = "Mot") -> UUID:
    """One row of each, with the word in every text. Returns the id of the notice's file."""
    own = {"organisation_id": organisation_id}
    [file_key] = key_store().create_keys(organisation_id, files.KEY_PURPOSE, AS_OF)
    with tenant_session(organisation_id, write=True) as session:
        mine = Notice.organisation_id == organisation_id, Notice.id == notice_id
        of_notice = {"notice_id": notice_id, "key_id": session.scalars(select(Notice.key_id).where(*mine)).one()}
        [key] = key_store().keys(organisation_id, [of_notice["key_id"]]).values()
        note_id, request_id = new_id(), new_id()
        note = seal(key, organisation_id, NoticeNote.__tablename__, note_id, {"text": f"{word}Note"})
        session.add(NoticeNote(id=note_id, written_at=AS_OF, box=note, **of_notice, **own))
        told = {"remark": f"{word}Remarque", "details": {"last_name": f"{word}Répondant"}}
        remark = seal(key, organisation_id, DriverRequest.__tablename__, request_id, told)
        request = {"driver_id": new_id(), "token_hash": request_id.bytes * 2, "created_at": AS_OF}
        request |= {"expires_at": AS_OF + timedelta(days=30), "box": remark, "reply": "moi", "answered_at": AS_OF}
        session.add(DriverRequest(id=request_id, **request, **of_notice, **own))
        received = files.checked(f"{word}Scan.pdf", pdf())
        file_id = files.store(session, file_key, received, author_id=None, as_of=AS_OF)
        scan = {"file_id": file_id, "kind": NoticeFileKind.NOTICE, "added_at": AS_OF}
        scan_id = new_id()
        session.add(NoticeFile(id=scan_id, notice_id=notice_id, **scan, **own))
        count = {"month": date(2026, 3, 1), "site": f"{word}Site", "natinf": "25386", "received": 1}
        session.add(NoticeCount(id=new_id(), **count, **own))
    return scan_id
