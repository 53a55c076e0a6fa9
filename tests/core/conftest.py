from tests.support.mailbox import mailbox  # noqa: F401 - fixture
