from tests.support.agency import agency, agency_down, agency_process, impatient, now  # noqa: F401 - fixtures
from tests.support.desk import desk  # noqa: F401 - a fixture
from tests.support.operators import operator, visiting  # noqa: F401 - fixtures
