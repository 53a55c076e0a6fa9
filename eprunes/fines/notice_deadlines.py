"""Which deadline counts for a notice, by how it came in and what is known of its paper."""

from eprunes.fines.deadlines import Deadline, NoticeSource, deadline_that_counts
from eprunes.fines.models import Notice, NoticeKind


def deadline_of(notice: Notice) -> Deadline:
    """The deadline that counts for a notice; `deadline_on` is its day.

    One that somebody typed in has come on paper, even if the agency sends it here afterwards: the law's clock runs.
    """
    source = NoticeSource.TYPED_IN if notice.entered_by else NoticeSource(notice.source)
    dates = notice.posted_at, notice.sent_on, notice.notice_date
    return deadline_that_counts(source, *dates, is_parking_fee=notice.kind == NoticeKind.PARKING_FEE)
