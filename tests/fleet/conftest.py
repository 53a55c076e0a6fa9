from tests.support.operators import operator, visiting  # noqa: F401 - fixtures
