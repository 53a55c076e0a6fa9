"""How much there is to measure on, and how often each thing is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """The rows of the fleets, the lines of one workbook by sheet, and the runs behind each median.

    `searched_drivers` are those of a second client, of as many vehicles, where names are searched.
    """

    vehicles: int
    drivers: int
    searched_drivers: int
    notices: int
    imported_vehicles: int
    imported_drivers: int
    imported_assignments: int
    runs: int
    imports: int

    @property
    def imported(self) -> int:
        return self.imported_vehicles + self.imported_drivers + self.imported_assignments


FULL = Size(
    vehicles=10_000,
    drivers=2_000,
    searched_drivers=10_000,
    notices=100_000,
    imported_vehicles=4_000,
    imported_drivers=2_000,
    imported_assignments=4_000,
    runs=31,
    imports=3,
)
TINY = Size(
    vehicles=100,
    drivers=20,
    searched_drivers=30,
    notices=20,
    imported_vehicles=8,
    imported_drivers=4,
    imported_assignments=8,
    runs=3,
    imports=1,
)
SIZES = {"full": FULL, "tiny": TINY}
