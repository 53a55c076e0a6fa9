"""Long work (imports, bulk operations): a row per task, claimed by the clock process, never a thread of the web.

The input, the staged rows and the result are sealed with the task's own key and gone when it expires.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from eprunes.core.database import Base, TenantScoped

LEASE = timedelta(minutes=5)
KEPT_FOR = timedelta(hours=24)
KEY_PURPOSE = "tache"


class WorkState(StrEnum):
    WAITING = "en_attente"
    PREPARING = "en_preparation"
    PREPARED = "a_confirmer"
    CONFIRMED = "confirme"
    APPLYING = "en_cours"
    DONE = "termine"
    FAILED = "refuse"


class WorkTask(TenantScoped, Base):
    """Tâche longue : prepared (preview), confirmed by a person, then applied in one transaction.

    `counts` holds figures only; what personal details there are stand in the sealed boxes.
    """

    __tablename__ = "work_tasks"
    __table_args__ = (Index(None, "organisation_id", "state", "created_at"),)

    kind: Mapped[str] = mapped_column(String(30))
    state: Mapped[str] = mapped_column(String(16), default=WorkState.WAITING)
    author_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    done_steps: Mapped[int] = mapped_column(default=0)
    total_steps: Mapped[int] = mapped_column(default=0)
    key_id: Mapped[UUID]
    input_box: Mapped[bytes | None] = mapped_column(LargeBinary)
    staged_box: Mapped[bytes | None] = mapped_column(LargeBinary)
    result_box: Mapped[bytes | None] = mapped_column(LargeBinary)
